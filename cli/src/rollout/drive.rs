//! Sees, decides, keeps, and says what is to run; again and again to the end.

use std::time::Duration;

use slipway_runtime::clock::unix_millis;
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::{Announcement, announcements};
use tokio::time::sleep;

use super::compare::Comparison;
use super::kept::Kept;
use super::lines;
use super::rules::plan::Step;
use super::rules::progress::{Life, Phase, Progress, Seen};
use super::rules::verdict::Verdict;
use crate::fleet::running::Running;
use crate::fleet::wanted::{Instance, Wanted};
use crate::terminal;

const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(unix_millis() / 1000).unwrap_or(0)
}

pub(super) struct Drive<'a> {
    data: &'a DataDir,
    kept: &'a Kept,
    comparison: Comparison,
    progress: Progress,
    wanted: Wanted,
    /// The `up` that was seen last.
    up: Option<u32>,
}

/// Follows a plan that was begun to one of its ends.
pub(super) async fn drive(
    data: &DataDir,
    kept: &Kept,
    progress: Progress,
) -> anyhow::Result<Progress> {
    let wanted = Wanted::read(data)?.unwrap_or_default();
    let mut drive = Drive {
        data,
        kept,
        comparison: Comparison::open(data)?,
        wanted,
        up: Running::read(data).map(|running| running.pid),
        progress: progress.clone(),
    };
    drive.enter(progress)?;
    while drive.progress.goes_on() {
        drive.step().await?;
        sleep(LOOK_AGAIN).await;
    }
    Ok(drive.progress)
}

impl Drive<'_> {
    async fn step(&mut self) -> anyhow::Result<()> {
        let Some(running) = Running::read(self.data) else {
            if self.up.take().is_some() {
                terminal::note("no `slipway up` runs here now; waiting for it");
            }
            return Ok(());
        };
        if self.up != Some(running.pid) {
            self.up = Some(running.pid);
            return self.enter(self.progress.resumed(now()));
        }
        self.comparison.follow(&self.progress, &running).await;
        let verdict = self.comparison.verdict(&self.progress, &running);
        let next = if self.kept.is_to_go_back(&self.progress.plan.id) {
            self.progress.aborted(now())
        } else {
            self.progress.clone()
        };
        let next = next.next(&self.seen(&running, verdict), now());
        if next != self.progress {
            if next.phase == Phase::Comparing && self.progress.phase != Phase::Comparing {
                self.comparison.begin_window(&next);
            }
            if next.halted.is_some() || next.phase == Phase::Draining {
                // Nobody is asked any more who is told to end.
                self.comparison.follow(&next, &running).await;
            }
            lines::moved(&self.progress, &next);
            self.enter(next)?;
        }
        Ok(())
    }

    /// Keeps how far it has come, and then what is to run.
    fn enter(&mut self, next: Progress) -> anyhow::Result<()> {
        self.kept.write(&next)?;
        let (instances, up) = next.wanted();
        let wanted = Wanted {
            revision: self.wanted.revision,
            up,
            first: next.plan.first,
            rollout: next.goes_on().then(|| next.plan.id.clone()),
            instances,
        };
        if wanted != self.wanted {
            let revision = self.wanted.revision + 1;
            let wanted = Wanted { revision, ..wanted };
            wanted.write(self.data)?;
            self.wanted = wanted;
        }
        self.progress = next;
        Ok(())
    }

    fn seen(&self, running: &Running, verdict: Verdict) -> Seen {
        let said = announcements(self.data);
        let has_read = running.revision == self.wanted.revision;
        let (starts, ends) = match self.progress.plan.steps.get(self.progress.at) {
            Some(Step::Replace { old, new }) => {
                let (starts, ends) = if self.progress.halted.is_none() {
                    (new, old)
                } else {
                    (old, new)
                };
                (life(starts, running, &said), remains(ends, running))
            }
            Some(Step::Up { to }) => {
                let wanted = if self.progress.halted.is_none() {
                    Some(*to)
                } else {
                    self.progress.plan.up_before
                };
                let is_it = running.up == wanted;
                let starts = if is_it { Life::Ready } else { Life::Starting };
                (starts, Life::Absent)
            }
            None => (Life::Absent, Life::Absent),
        };
        Seen {
            starts,
            ends,
            verdict,
            refused: running.refused.clone().filter(|_| has_read),
        }
    }
}

fn life(instance: &Instance, running: &Running, said: &[Announcement]) -> Life {
    match running.serving(instance) {
        Some(pid) if said.iter().any(|said| said.pid == pid) => Life::Ready,
        Some(_) => Life::Starting,
        None if running.keeps.contains(instance) => Life::Starting,
        None => Life::Absent,
    }
}

/// What is told to end is there until its process has ended.
fn remains(instance: &Instance, running: &Running) -> Life {
    let mut children = running.children.iter();
    let remains = children.any(|child| child.instance == *instance);
    if remains || running.keeps.contains(instance) {
        Life::Ready
    } else {
        Life::Absent
    }
}
