//! Waiting for a database to change, in this instance or in another.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How often a waiter looks for what other instances have committed; this instance's commits wake it at once.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Raised after commits of this instance; cheap to clone.
#[derive(Clone)]
pub struct Signal {
    commits: watch::Sender<u64>,
}

impl Default for Signal {
    fn default() -> Self {
        Self {
            commits: watch::Sender::new(0),
        }
    }
}

impl Signal {
    pub fn raise(&self) {
        self.commits
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// Calls `look` now and after every change until it brings something or `deadline` is reached.
    pub async fn wait_for<T, F>(
        &self,
        deadline: Instant,
        mut look: impl FnMut() -> F,
    ) -> sqlx::Result<Option<T>>
    where
        F: Future<Output = sqlx::Result<Option<T>>>,
    {
        let mut commits = self.commits.subscribe();
        loop {
            commits.mark_unchanged();
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            let again = Instant::now() + LOOK_AGAIN;
            if Instant::now() >= deadline {
                return Ok(None);
            }
            let _ = tokio::time::timeout_at(again.min(deadline), commits.changed()).await;
        }
    }
}
