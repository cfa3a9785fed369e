//! Each catalog that appears is asked once, by every process that follows the feed.
//!
//! A catalog that has just started answers nobody before each service that follows it has asked, or has had time to: its
//! database may be an older copy. Whoever follows another instance of the same database would ask it when that one
//! ends, and until then developers would wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;
use slipway_contract::record::{Record, State};
use slipway_peers::Peers;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::copy::{Position, Replica};

/// Time for an answer: a catalog that hangs is asked again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause before one that did not answer is asked again, unless something else changes.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Asks every catalog that appears.
pub(super) async fn run<R: Replica>(peers: Peers, replica: Arc<R>) {
    let mut changed = peers.view.subscribe();
    let mut met = BTreeSet::new();
    loop {
        changed.borrow_and_update();
        let there = catalogs(&peers);
        met.retain(|instance| there.iter().any(|record| record.instance == *instance));
        let new = there
            .into_iter()
            .filter(|record| !met.contains(&record.instance));
        let new: Vec<_> = new.collect();
        let wanted = new.len();
        let answered = match replica.position().await {
            Ok(position) => introduce(&peers, &position, new).await,
            Err(_) => Vec::new(),
        };
        let pause = if answered.len() == wanted {
            Duration::MAX
        } else {
            ASK_AGAIN
        };
        met.extend(answered);
        let _ = timeout(pause, changed.changed()).await;
    }
}

/// Those that may be asked: also one that is not ready yet, which is then sooner.
fn catalogs(peers: &Peers) -> Vec<Record> {
    let records = peers.view.records();
    let there = records.iter().filter(|record| {
        record.service == "catalog" && matches!(record.state, State::Starting | State::Ready)
    });
    there.cloned().collect()
}

/// Says to each what is applied here, all at once. Returns those that have answered; what they say is taken by who follows.
async fn introduce(peers: &Peers, position: &Position, catalogs: Vec<Record>) -> Vec<String> {
    let path = format!(
        "/internal/changes?epoch={}&after={}&wait=0&follower={}&head={}&mark={}",
        position.epoch, position.applied, peers.process.instance, position.head, position.mark
    );
    let mut asked = JoinSet::new();
    for record in catalogs {
        let (client, path) = (peers.client.clone(), path.clone());
        asked.spawn(async move {
            let asked = client.call_instance::<IgnoredAny>(&record, "catalog", &path);
            matches!(timeout(PATIENCE, asked).await, Ok(Ok(_))).then_some(record.instance)
        });
    }
    asked.join_all().await.into_iter().flatten().collect()
}
