//! Which instances a request goes to, one after another.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::target::Target;
use super::upstreams::Upstreams;

/// Time for an instance to appear: a restart is often seen within it.
const APPEAR: Duration = Duration::from_millis(100);
/// Time after the start in which the view may still be that of the last run: where containers were started anew together,
/// their addresses belong to others now.
const SETTLING: Duration = Duration::from_secs(10);
/// The longest that a request waits for news then.
const NEWS: Duration = Duration::from_secs(2);

/// The instances that are left to try.
pub(super) struct Targets {
    pub(super) service: &'static str,
    pub(super) found: VecDeque<Target>,
    pub(super) news: watch::Receiver<()>,
    pub(super) patience: Instant,
}

impl Upstreams {
    pub(super) async fn targets(&self, service: &'static str) -> Targets {
        Targets {
            service,
            news: self.view.subscribe(),
            found: self.candidates(service).await,
            patience: Instant::now() + NEWS,
        }
    }

    /// The next instance to try. While the view may still be that of the last run, news of it are waited for.
    pub(super) async fn next(&self, targets: &mut Targets) -> Option<Target> {
        loop {
            if let Some(target) = targets.found.pop_front() {
                return Some(target);
            }
            if self.begun.elapsed() > SETTLING
                || !matches!(
                    timeout_at(targets.patience, targets.news.changed()).await,
                    Ok(Ok(()))
                )
            {
                return None;
            }
            targets.found = self.candidates(targets.service).await;
        }
    }

    /// The instances to try, in their order; waits a moment for one when there is none.
    async fn candidates(&self, service: &str) -> VecDeque<Target> {
        let mut changes = self.view.subscribe();
        let mut found = self.view.candidates(service);
        let appear = async {
            while found.is_empty() && changes.changed().await.is_ok() {
                found = self.view.candidates(service);
            }
        };
        // When the time is over, there is nobody.
        let _ = tokio::time::timeout(APPEAR, appear).await;
        found.into_iter().filter_map(Target::of).collect()
    }
}
