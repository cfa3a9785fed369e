//! The follower's side of the feed, for every service that keeps a copy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use tokio::sync::watch;

use super::age::Age;
use super::copy::{Position, Replica};
use super::introduction;
use slipway_contract::feed::{Change, Page, Received, Row};
use slipway_contract::held::{Loss, Report};
use slipway_contract::losses::Known;
use slipway_peers::Peers;
use slipway_peers::client::CallError;
use slipway_runtime::clock;

/// Seconds that the catalog holds a poll when nothing changes.
const WAIT_SECONDS: u64 = 30;
/// The same while it has just started.
const OPENING_SECONDS: u64 = 1;
/// The longest that a start with a whole copy waits for the catalog to say whether it is the newest: a catalog that hangs
/// says nothing for ever.
const LONGEST_START: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often an earlier version beside us is looked for, which may have passed over what we know.
const RENEWAL_PAUSE: Duration = Duration::from_mins(10);
/// Losses that the log names; the catalog tells them all.
const EXAMPLES: usize = 5;

/// Whether the copy can be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// There is no whole copy, or this process has just started and the catalog has not said yet that it is the newest.
    Behind,
    /// The copy was up to date once since our start, or it is whole and the catalog is away, held or does not say.
    Usable,
}

/// What is known of the copy that is kept up to date in the background.
#[derive(Clone)]
pub struct Following {
    pub copy_state: watch::Receiver<CopyState>,
    /// What the copy does not give way to, for [`super::held::router`].
    pub report: watch::Receiver<Report>,
    pub age: Age,
}

/// Follows the feed on a background task.
pub fn follow(peers: &Peers, replica: impl Replica) -> Following {
    let (copy_state, copy_states) = watch::channel(CopyState::Behind);
    let (report, reports) = watch::channel(Report::default());
    let (following, replica, age) = (peers.clone(), Arc::new(replica), Age::open(&peers.process));
    peers.process.spawn_once(
        "first copy",
        start_with_the_copy(replica.clone(), copy_state.clone(), age.clone()),
    );
    let (introducing, introduced, states) = (peers.clone(), replica.clone(), copy_states.clone());
    peers.process.spawn("introduction", move || {
        let (peers, replica, mut states) =
            (introducing.clone(), introduced.clone(), states.clone());
        async move {
            // Before that the one that is followed is asked without end.
            let usable = states.wait_for(|state| *state == CopyState::Usable);
            if usable.await.is_ok() {
                introduction::run(peers, replica).await;
            }
        }
    });
    let aging = age.clone();
    peers.process.spawn("feed", move || {
        let mut follower = Follower {
            peers: following.clone(),
            replica: replica.clone(),
            copy_state: copy_state.clone(),
            report: report.clone(),
            age: aging.clone(),
            held: None,
            opening: false,
            unreadable: None,
        };
        async move { follower.run().await }
    });
    Following {
        copy_state: copy_states,
        report: reports,
        age,
    }
}

/// Serves what is there when the catalog does not say in time whether it is the newest.
async fn start_with_the_copy<R: Replica>(
    replica: Arc<R>,
    copy_state: watch::Sender<CopyState>,
    age: Age,
) {
    tokio::time::sleep(LONGEST_START).await;
    let whole = replica.position().await.is_ok_and(|copy| copy.is_whole());
    if whole && *copy_state.borrow() == CopyState::Behind {
        let seconds = age.seconds(clock::unix_millis());
        tracing::warn!(
            age = seconds,
            "the catalog does not say whether the copy is the newest: it is worked with as it is"
        );
        copy_state.send_replace(CopyState::Usable);
    }
}

struct Follower<R> {
    peers: Peers,
    replica: Arc<R>,
    copy_state: watch::Sender<CopyState>,
    report: watch::Sender<Report>,
    age: Age,
    /// The epoch of which the last answer said that it is held, or that we hold.
    held: Option<String>,
    /// Whether the catalog had just started at the last answer.
    opening: bool,
    /// Why the last answer could not be read, which was told.
    unreadable: Option<String>,
}

/// The whole state of an epoch, gathered page by page.
struct State {
    changes: Vec<Change>,
    position: Position,
    head: i64,
    held: bool,
    sure: bool,
}

impl<R: Replica> Follower<R> {
    async fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        let mut next_renewal = Instant::now();
        loop {
            if next_renewal <= Instant::now() {
                next_renewal = Instant::now() + RENEWAL_PAUSE;
                if let Err(error) = self.replica.renew().await {
                    tracing::debug!(%error, "the copy could not be looked at");
                }
            }
            match self.step().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    self.unreadable = None;
                }
                Err(error) => {
                    self.tell(&error);
                    self.peers.process.damage.notice(error.as_ref());
                    let away = error.downcast_ref::<CallError>().is_some();
                    let copy = self.replica.position().await;
                    if away && copy.is_ok_and(|copy| copy.is_whole()) {
                        self.copy_state.send_replace(CopyState::Usable);
                    }
                    // The pause ends early when somebody new is there: the catalog may be back.
                    let mut changed = self.peers.view.subscribe();
                    let _ = tokio::time::timeout(pause, changed.changed()).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// That the catalog is away is nothing to tell; that it says what cannot be read is told once, because then the copy
    /// stays behind until one of the two is another version.
    fn tell(&mut self, error: &anyhow::Error) {
        let call = error.downcast_ref::<CallError>();
        let error = format!("{error:#}");
        if !matches!(call, Some(CallError::Unreadable { .. })) {
            tracing::debug!(
                error,
                "the catalog's changes could not be asked for or taken"
            );
        } else if self.unreadable.as_ref() != Some(&error) {
            tracing::warn!(
                error,
                "the catalog's changes cannot be read here: the copy stays as it is"
            );
            self.unreadable = Some(error);
        }
    }

    /// Asks once and does what the answer says.
    async fn step(&mut self) -> anyhow::Result<()> {
        let position = self.replica.position().await?;
        // Before we say that all up to there is applied: another instance may have done it.
        self.replica.complete().await?;
        let page = self.ask_as_follower(&position, self.wait()).await?;
        self.opening = page.opening;
        if page.epoch == position.epoch || position.epoch.is_empty() {
            // A first copy takes no other's place, so it need not be swapped in whole: it grows page by page.
            self.grow(&position, page).await
        } else if !position.is_whole() || page.replaces.contains(&position.epoch) {
            let state = self.gather(page).await?;
            self.begin_again(&position, state).await
        } else {
            self.compare(&position, page).await
        }
    }

    /// Seconds to wait for a change. Until the copy is up to date the answer is wanted at once.
    fn wait(&self) -> u64 {
        if *self.copy_state.borrow() == CopyState::Usable || self.held.is_some() {
            WAIT_SECONDS
        } else if self.opening {
            OPENING_SECONDS
        } else {
            0
        }
    }

    /// Applies a page of our own epoch.
    async fn grow(&mut self, position: &Position, page: Page) -> anyhow::Result<()> {
        let next = Position::told(&page, last(&page.changes, position.applied));
        let moved = if next.epoch == position.epoch {
            position.clone().moved_to(&next)
        } else {
            next.clone()
        };
        if !page.changes.is_empty() || moved != *position {
            let from = &position.epoch;
            self.replica.apply(&page.changes, &next, from).await?;
        }
        self.is_at(&moved, page.head, page.held, page.is_sure());
        Ok(())
    }

    /// Puts the whole state of another epoch in the place of the copy at once.
    async fn begin_again(&mut self, position: &Position, mut state: State) -> anyhow::Result<()> {
        // A whole copy that gives way vouches for what follows it.
        let sure = state.sure || (position.is_whole() && !state.held);
        if sure {
            state.position.whole_at = state.position.applied;
        }
        self.replica
            .apply(&state.changes, &state.position, &position.epoch)
            .await?;
        self.is_at(&state.position, state.head, state.held, sure);
        Ok(())
    }

    /// The copy is at `position` now, in the epoch that the catalog tells.
    fn is_at(&mut self, position: &Position, head: i64, held: bool, sure: bool) {
        if self.held.is_some() && !held {
            tracing::info!(epoch = position.epoch, "the copy follows the catalog again");
        }
        self.held = held.then(|| position.epoch.clone());
        let whole = position.is_whole();
        self.report.send_if_modified(|report| {
            let now = Report {
                from: if whole {
                    position.epoch.clone()
                } else {
                    String::new()
                },
                ..Report::default()
            };
            let modified = *report != now;
            *report = now;
            modified
        });
        // A copy of what may be an older copy is nobody's truth yet.
        if position.applied >= head && (whole || sure) {
            self.age.confirm(clock::unix_millis());
            self.is_usable();
        }
    }

    fn is_usable(&self) {
        self.copy_state.send_if_modified(|copy_state| {
            std::mem::replace(copy_state, CopyState::Usable) != CopyState::Usable
        });
    }

    /// Another epoch than that of our whole copy: takes it unless something would be undone by it that nobody asked
    /// for, or the catalog itself waits for somebody's word.
    async fn compare(&mut self, position: &Position, page: Page) -> anyhow::Result<()> {
        let (epoch, held) = (page.epoch.clone(), page.held);
        if self.held.as_ref() == Some(&epoch) {
            self.is_usable();
            anyhow::ensure!(held, "the catalog does not hold what we do");
            return Ok(());
        }
        let state = self.gather(page).await?;
        let losses = self
            .replica
            .known()
            .await?
            .losses(&Known::told(&state.changes));
        if losses.is_empty() && !held {
            return self.begin_again(position, state).await;
        }
        if !losses.is_empty() {
            warn(&epoch, &losses);
        }
        let report = Report::held(&epoch, &position.epoch, losses);
        self.report.send_replace(report);
        self.held = Some(epoch);
        self.is_usable();
        Ok(())
    }

    /// Reads the whole state of the epoch that `page` is the first answer of.
    async fn gather(&self, mut page: Page) -> anyhow::Result<State> {
        let (epoch, held, sure) = (page.epoch.clone(), page.held, page.is_sure());
        let mut changes = std::mem::take(&mut page.changes);
        let mut position = Position::told(&page, last(&changes, 0));
        while position.applied < page.head {
            page = self.ask(&position, 0, "").await?;
            anyhow::ensure!(
                page.epoch == epoch && page.held == held,
                "the catalog's epoch changed once more"
            );
            if page.changes.is_empty() {
                break;
            }
            position = Position::told(&page, last(&page.changes, position.applied));
            changes.append(&mut page.changes);
        }
        Ok(State {
            changes,
            position,
            head: page.head,
            held,
            sure,
        })
    }

    /// Says that `position` is applied, and what epoch we know as held.
    async fn ask_as_follower(&self, position: &Position, wait: u64) -> anyhow::Result<Page> {
        let held = self.held.as_ref();
        let held = held.map(|epoch| format!("&held={epoch}"));
        let more = format!(
            "&follower={}&head={}&mark={}{}",
            self.peers.process.instance,
            position.head,
            position.mark,
            held.unwrap_or_default()
        );
        self.ask(position, wait, &more).await
    }

    async fn ask(&self, position: &Position, wait: u64, more: &str) -> anyhow::Result<Page> {
        let path = format!(
            "/internal/changes?epoch={}&after={}&wait={wait}{more}",
            position.epoch, position.applied
        );
        let received: Received = self
            .peers
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
            self.replica.note_loss().await?;
        }
        Ok(page)
    }
}

fn last(changes: &[Change], before: i64) -> i64 {
    changes.last().map_or(before, |change| change.seq)
}

fn warn(epoch: &str, losses: &[Loss]) {
    let examples: Vec<_> = losses
        .iter()
        .take(EXAMPLES)
        .map(|loss| {
            let app = loss.app.as_deref().unwrap_or("-");
            format!("{app} {}: {}", loss.subject, loss.what)
        })
        .collect();
    tracing::warn!(
        epoch,
        losses = losses.len(),
        examples = examples.join(", "),
        "the catalog's database would undo what nobody asked to undo, so the copy stays as it is: put the newer \
         database back, or run `slipway accept-restore`"
    );
}
