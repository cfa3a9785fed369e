//! Sees, decides, keeps, and says what is to run; again and again to the end.

use slipway_runtime::clock::unix_millis;
use tokio::time::sleep;

use super::compare::Comparison;
use super::kept::Kept;
use super::lines;
use super::replaced::Fleet;
use super::rules::progress::{Phase, Progress, Seen};
use crate::terminal;

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(unix_millis() / 1000).unwrap_or(0)
}

struct Drive<'a, F> {
    fleet: &'a mut F,
    kept: &'a Kept,
    comparison: Comparison,
    progress: Progress,
    /// Who kept the fleet running when it was looked at last.
    keeper: Option<u32>,
    is_away: bool,
}

/// Follows a plan that was begun to one of its ends.
pub(super) async fn drive<F: Fleet>(
    fleet: &mut F,
    kept: &Kept,
    progress: Progress,
) -> anyhow::Result<Progress> {
    kept.write(&progress)?;
    fleet.want(&progress).await?;
    let asker = fleet.asker().await?;
    let mut drive = Drive {
        fleet,
        kept,
        comparison: Comparison::new(asker),
        keeper: None,
        is_away: false,
        progress,
    };
    while drive.progress.goes_on() {
        drive.step().await?;
        sleep(F::LOOK_AGAIN).await;
    }
    Ok(drive.progress)
}

impl<F: Fleet> Drive<'_, F> {
    async fn step(&mut self) -> anyhow::Result<()> {
        let Some(look) = self.fleet.look(&self.progress).await? else {
            if !self.is_away {
                terminal::note(format_args!("{}; waiting for it", F::AWAY));
            }
            self.is_away = true;
            return Ok(());
        };
        let before = self.keeper.replace(look.keeper);
        let is_another = before.is_some_and(|before| before != look.keeper);
        if std::mem::take(&mut self.is_away) || is_another {
            return self.enter(self.progress.resumed(now())).await;
        }
        self.comparison.follow(&self.progress, &look).await;
        let verdict = self.comparison.verdict(&self.progress, &look);
        let goes_back = self.progress.halted.is_some();
        let seen = Seen {
            starts: look.starts,
            ends: look.ends,
            verdict,
            refused: look.refused.clone(),
        };
        let next = if !goes_back && self.kept.is_to_go_back(&self.progress.plan.id) {
            // What was seen is of the way forward.
            self.progress.aborted(now())
        } else {
            self.progress.next(&seen, now())
        };
        if next != self.progress {
            if next.phase == Phase::Comparing && self.progress.phase != Phase::Comparing {
                self.comparison.begin_window(&next);
            }
            if next.halted.is_some() || next.phase == Phase::Draining {
                // Nobody is asked any more who is told to end.
                self.comparison.follow(&next, &look).await;
            }
            lines::moved(&self.progress, &next);
            self.enter(next).await?;
        }
        Ok(())
    }

    /// Keeps how far it has come, and then says what is to run.
    async fn enter(&mut self, next: Progress) -> anyhow::Result<()> {
        self.kept.write(&next)?;
        self.fleet.want(&next).await?;
        self.progress = next;
        Ok(())
    }
}
