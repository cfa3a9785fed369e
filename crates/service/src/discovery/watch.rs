//! The watch of one registry node: a long poll whose revision also says what was applied. While none answers, those on
//! this machine are found by what they say in `DIR/run`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;

use super::record::{Record, Snapshot};
use crate::process::{Process, announcements};

/// Seconds that the registry holds a poll when nothing changes.
const WAIT_SECONDS: u64 = 30;
/// Pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Watches every registry node, also those that appear later in the same data folder.
pub(crate) fn start(process: &Process) {
    let (looking, watched) = (process.clone(), Watched::default());
    process.spawn("registries", move || run(looking.clone(), watched.clone()));
}

/// The nodes that have a task.
type Watched = Arc<Mutex<BTreeSet<String>>>;

async fn run(process: Process, watched: Watched) {
    loop {
        for address in process.registries() {
            let is_new = watched
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(address.clone());
            if is_new {
                let watching = process.clone();
                process.spawn("registry watch", move || {
                    watch(watching.clone(), address.clone())
                });
            }
        }
        if process.view.is_kept() && !process.is_registry() {
            process.view.meet(&neighbours(&process));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The instances of this run that live on this machine. Whoever is called has to prove itself all the same.
fn neighbours(process: &Process) -> Vec<Record> {
    let run = process.run.as_deref();
    let found = announcements(&process.data).into_iter();
    let ours = found.filter(|other| {
        other.service != "registry" && other.run.as_deref() == run && other.lives()
    });
    ours.map(|other| other.record()).collect()
}

async fn watch(process: Process, address: String) {
    let mut position: Option<(String, u64)> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let query = position
            .as_ref()
            .map_or_else(String::new, |(epoch, revision)| {
                format!("&epoch={epoch}&revision={revision}&wait={WAIT_SECONDS}")
            });
        let path = format!("/internal/instances?watcher={}{query}", process.instance);
        let answer = process
            .client
            .call_registry::<Snapshot>(&address, Method::GET, &path, None)
            .await;
        match answer {
            Ok(snapshot) => {
                position = Some((snapshot.epoch.clone(), snapshot.revision));
                process.view.apply(&address, Some(snapshot));
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                tracing::debug!(%error, address, "a registry does not answer");
                process.view.apply(&address, None);
                position = None;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
