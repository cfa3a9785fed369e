//! The watch of one registry node: a long poll whose revision also says what was applied. While none answers, those on
//! this machine are found by what they say in `DIR/run`.

use std::time::{Duration, Instant};

use http::Method;

use slipway_contract::record::{Record, STATES, Snapshot};
use slipway_runtime::process::slot::announcements;

use super::nodes::{LOOK_AGAIN, Nodes};
use super::registries::REGISTRY;
use crate::context::Peers;

/// Seconds that the registry holds a poll when nothing changes.
const WAIT_SECONDS: u64 = 30;
/// Pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Pause after an answer that came at once and brought nothing: a registry that is wrong is not asked without end.
const NOTHING_NEW: Duration = Duration::from_secs(1);

/// Watches every registry node, also those that appear later in the same data folder.
pub fn start(peers: &Peers) {
    let (looking, nodes) = (peers.clone(), Nodes::default());
    peers
        .process
        .spawn("registries", move || run(looking.clone(), nodes.clone()));
}

async fn run(peers: Peers, nodes: Nodes) {
    loop {
        nodes.watch(&peers, "registry watch", watch);
        if peers.view.is_kept() {
            peers.view.meet(&neighbours(&peers));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The instances of this run that live on this machine. Whoever is called has to prove itself all the same.
fn neighbours(peers: &Peers) -> Vec<Record> {
    let run = peers.process.run.as_deref();
    let found = announcements(&peers.process.data).into_iter();
    let ours = found
        .filter(|other| other.service != REGISTRY && other.run.as_deref() == run && other.lives());
    ours.map(|other| other.record()).collect()
}

async fn watch(peers: Peers, address: String) {
    let mut position: Option<(String, u64)> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let query = position
            .as_ref()
            .map_or_else(String::new, |(epoch, revision)| {
                format!("&epoch={epoch}&revision={revision}&wait={WAIT_SECONDS}")
            });
        let path = format!(
            "/internal/instances?watcher={}&states={STATES}{query}",
            peers.process.instance
        );
        let asked = Instant::now();
        let answer = peers
            .client
            .call_registry::<Snapshot>(&address, Method::GET, &path, None::<&()>)
            .await;
        match answer {
            Ok(snapshot) => {
                let now = Some((snapshot.epoch.clone(), snapshot.revision));
                let is_news = position != now;
                position = now;
                // What is applied is said with the next poll, so it has to be applied before that.
                peers.view.apply(&address, Some(snapshot));
                pause = FIRST_PAUSE;
                if !is_news && asked.elapsed() < NOTHING_NEW {
                    tokio::time::sleep(NOTHING_NEW).await;
                }
            }
            Err(error) => {
                tracing::debug!(%error, address, "a registry does not answer");
                peers.view.apply(&address, None);
                position = None;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
