//! The follower's side of the feed, for every service that keeps a copy.

use std::time::Duration;

use http::Method;
use tokio::sync::watch;

use super::Page;
use super::replica::{Position, Replica};
use crate::internal::client::CallError;
use crate::process::Process;

/// Seconds that the catalog holds a poll when nothing changes.
const WAIT_SECONDS: u64 = 30;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whether the copy can be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no copy, or it is older than what the catalog had when this process started.
    Behind,
    /// The copy reached the head that the catalog had at our start, or the catalog is away and there is a whole copy.
    Usable,
}

/// Follows the feed on a background task; the receiver tells when the copy can be worked with.
pub fn follow(process: &Process, replica: impl Replica) -> watch::Receiver<Standing> {
    let (standing, receiver) = watch::channel(Standing::Behind);
    let following = process.clone();
    process.spawn(async move { run(&following, &replica, &standing).await });
    receiver
}

async fn run(process: &Process, replica: &impl Replica, standing: &watch::Sender<Standing>) {
    let mut pause = FIRST_PAUSE;
    let mut goal = None;
    loop {
        match step(process, replica, standing, &mut goal).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                tracing::debug!(%error, "the catalog's changes could not be read");
                let away = error.downcast_ref::<CallError>().is_some();
                let has_copy = replica.position().await.is_ok_and(|copy| copy.is_whole());
                if away && has_copy {
                    standing.send_replace(Standing::Usable);
                }
                // The pause ends early when somebody new is there: the catalog may be back.
                let mut changed = process.view.subscribe();
                let _ = tokio::time::timeout(pause, changed.changed()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Asks once and applies the answer. `goal` is the epoch and head of the first answer.
async fn step(
    process: &Process,
    replica: &impl Replica,
    standing: &watch::Sender<Standing>,
    goal: &mut Option<(String, i64)>,
) -> anyhow::Result<()> {
    let position = replica.position().await?;
    // Before the goal is known, and until it is reached, the answer is wanted at once.
    let wait = if *standing.borrow() == Standing::Usable {
        WAIT_SECONDS
    } else {
        0
    };
    let follower = format!("&follower={}", process.instance);
    let page = ask(process, &position, wait, &follower).await?;
    if goal.as_ref().is_none_or(|(epoch, _)| *epoch != page.epoch) {
        *goal = Some((page.epoch.clone(), page.head));
    }
    let applied = if page.epoch == position.epoch {
        let applied = last(&page, position.applied);
        if !page.changes.is_empty() {
            let moved = Position {
                applied,
                ..position
            };
            replica.apply(&page.changes, &moved, false).await?;
        }
        applied
    } else if position.epoch.is_empty() {
        // There is no copy that would have to be swapped whole: it grows page by page.
        let applied = last(&page, 0);
        let begun = Position {
            epoch: page.epoch,
            applied,
            whole_at: page.head,
        };
        replica.apply(&page.changes, &begun, true).await?;
        applied
    } else {
        begin_again(process, replica, page).await?
    };
    if goal.as_ref().is_some_and(|(_, head)| applied >= *head) {
        standing.send_if_modified(|standing| {
            std::mem::replace(standing, Standing::Usable) != Standing::Usable
        });
    }
    Ok(())
}

/// Another epoch: reads its whole state, then swaps it in.
async fn begin_again(
    process: &Process,
    replica: &impl Replica,
    first: Page,
) -> anyhow::Result<i64> {
    let epoch = first.epoch.clone();
    let mut applied = last(&first, 0);
    let mut head = first.head;
    let mut changes = first.changes;
    while applied < head {
        let reached = Position {
            epoch: epoch.clone(),
            applied,
            whole_at: head,
        };
        let page = ask(process, &reached, 0, "").await?;
        anyhow::ensure!(page.epoch == epoch, "the catalog's epoch changed once more");
        if page.changes.is_empty() {
            break;
        }
        applied = last(&page, applied);
        head = page.head;
        changes.extend(page.changes);
    }
    let position = Position {
        epoch,
        applied,
        whole_at: applied,
    };
    replica.apply(&changes, &position, true).await?;
    Ok(applied)
}

fn last(page: &Page, before: i64) -> i64 {
    page.changes.last().map_or(before, |change| change.seq)
}

/// `follower` names us, which says that `position` is applied; it is empty while it is only gathered.
async fn ask(
    process: &Process,
    position: &Position,
    wait: u64,
    follower: &str,
) -> Result<Page, CallError> {
    let path = format!(
        "/internal/changes?epoch={}&after={}&wait={wait}{follower}",
        position.epoch, position.applied
    );
    process
        .client
        .call("catalog", Method::GET, &path, None::<&()>)
        .await
}
