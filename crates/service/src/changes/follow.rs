//! The follower's side of the feed, for every service that keeps a copy.

use std::time::{Duration, Instant};

use http::Method;
use tokio::sync::watch;

use super::replica::{Position, Replica};
use super::{Change, Page, Received, Row};
use crate::internal::client::CallError;
use crate::process::Process;

/// Seconds that the catalog holds a poll when nothing changes.
const WAIT_SECONDS: u64 = 30;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often an earlier version beside us is looked for, which may have passed over what we know.
const RENEWAL_PAUSE: Duration = Duration::from_mins(10);

/// Whether the copy can be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no copy, or it is older than what the catalog had when this process started.
    Behind,
    /// The copy was up to date once since our start, or the catalog is away and there is a whole copy.
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
    let mut next_renewal = Instant::now();
    loop {
        if next_renewal <= Instant::now() {
            next_renewal = Instant::now() + RENEWAL_PAUSE;
            if let Err(error) = replica.renew().await {
                tracing::debug!(%error, "the copy could not be looked at");
            }
        }
        match step(process, replica, standing).await {
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

/// Asks once and applies the answer.
async fn step(
    process: &Process,
    replica: &impl Replica,
    standing: &watch::Sender<Standing>,
) -> anyhow::Result<()> {
    let position = replica.position().await?;
    // Until the copy is up to date the answer is wanted at once.
    let wait = if *standing.borrow() == Standing::Usable {
        WAIT_SECONDS
    } else {
        0
    };
    let follower = format!("&follower={}", process.instance);
    let page = ask(process, replica, &position, wait, &follower).await?;
    let (applied, head) = if page.epoch == position.epoch || position.epoch.is_empty() {
        // A first copy takes no other's place, so it need not be swapped in whole: it grows page by page.
        grow(replica, &position, page).await?
    } else {
        begin_again(process, replica, &position.epoch, page).await?
    };
    if applied >= head {
        standing.send_if_modified(|standing| {
            std::mem::replace(standing, Standing::Usable) != Standing::Usable
        });
    }
    Ok(())
}

/// Applies a page; returns the number reached and the head that there was.
async fn grow(
    replica: &impl Replica,
    position: &Position,
    page: Page,
) -> anyhow::Result<(i64, i64)> {
    let applied = last(&page, position.applied);
    if !page.changes.is_empty() || page.epoch != position.epoch {
        let moved = Position {
            epoch: page.epoch,
            applied,
            whole_at: page.head,
        };
        replica
            .apply(&page.changes, &moved, &position.epoch)
            .await?;
    }
    Ok((applied, page.head))
}

/// Another epoch: reads its whole state, then swaps it in.
async fn begin_again(
    process: &Process,
    replica: &impl Replica,
    from: &str,
    first: Page,
) -> anyhow::Result<(i64, i64)> {
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
        let page = ask(process, replica, &reached, 0, "").await?;
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
    replica.apply(&changes, &position, from).await?;
    Ok((applied, head))
}

fn last(page: &Page, before: i64) -> i64 {
    page.changes.last().map_or(before, |change| change.seq)
}

/// `follower` names us, which says that `position` is applied; it is empty while it is only gathered.
async fn ask(
    process: &Process,
    replica: &impl Replica,
    position: &Position,
    wait: u64,
    follower: &str,
) -> anyhow::Result<Page> {
    let path = format!(
        "/internal/changes?epoch={}&after={}&wait={wait}{follower}",
        position.epoch, position.applied
    );
    let received: Received = process
        .client
        .call("catalog", Method::GET, &path, None::<&()>)
        .await?;
    let Received { page, lossy } = received;
    if lossy {
        let unknown = |change: &&Change| matches!(change.row, Row::Unknown);
        let rows = page.changes.iter().filter(unknown).count();
        tracing::warn!(
            rows,
            "the catalog is a later version: some of what it says is not known here, and is taken by a later version of this service"
        );
        // Before the page is applied: a crash in between costs a copy that is taken anew without need.
        replica.note_loss().await?;
    }
    Ok(page)
}
