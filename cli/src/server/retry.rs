//! A bounded number of further attempts when something failed for now.

use std::time::Duration;

use super::failure::Failure;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Without any progress between them: about a minute in all, the time of a restart or of a change of networks.
const MOST: u32 = 10;

#[derive(Default)]
pub(crate) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Something got through: what fails from here on is a new trouble.
    pub(crate) fn progressed(&mut self) {
        self.failed = 0;
    }

    /// Says what failed and waits before the next attempt, or gives up with the failure.
    pub(crate) async fn pause(
        &mut self,
        failure: Failure,
        say: impl Fn(String),
    ) -> anyhow::Result<()> {
        self.failed += 1;
        if self.failed >= MOST {
            let what =
                format!("gave up after {MOST} attempts; run the same command again to go on");
            return Err(anyhow::Error::new(failure).context(what));
        }
        let pause = (FIRST_PAUSE * 2_u32.pow(self.failed - 1)).min(LONGEST_PAUSE);
        let pause = failure.retry_after().unwrap_or_default().max(pause);
        let seconds = pause.as_secs_f32();
        say(format!("{failure:#}; trying again in {seconds} s"));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
