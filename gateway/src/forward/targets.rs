//! Which instances a request goes to, one after another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::instance::{Instance, Place};
use super::service::{Nobody, Service};
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
    pub(super) service: Arc<Service>,
    /// Those that were tried.
    tried: Vec<Arc<Instance>>,
    /// Those that are asked once more, when nobody else is left.
    again: VecDeque<Target>,
    news: watch::Receiver<()>,
    patience: Instant,
    at_most: usize,
}

impl Upstreams {
    pub(super) fn targets(&self, service: &'static str, at_most: usize) -> Targets {
        Targets {
            service: self.services.named(service),
            tried: Vec::new(),
            again: VecDeque::new(),
            news: self.view.subscribe(),
            patience: Instant::now() + NEWS,
            at_most,
        }
    }

    /// The next instance to try. While the view may still be that of the last run, news of it are waited for.
    pub(super) async fn next(&self, targets: &mut Targets) -> Result<Target, Nobody> {
        if !targets.service.is_there() {
            targets.appear().await;
        }
        loop {
            match targets.service.place(&targets.tried, true, targets.at_most) {
                Ok(place) => return Ok(targets.to(place)),
                Err(Nobody::Left) => {}
                Err(full) => return Err(full),
            }
            if let Some(again) = targets.again.pop_front() {
                return Ok(again);
            }
            if self.begun.elapsed() > SETTLING {
                return Err(Nobody::Left);
            }
            match timeout_at(targets.patience, targets.news.changed()).await {
                Ok(Ok(())) => targets.tried.clear(),
                _ => return Err(Nobody::Left),
            }
        }
    }
}

impl Targets {
    /// Another instance than those that were tried, if one is free and not out, and `may` says so.
    pub(super) fn other(&mut self, may: impl FnOnce() -> bool) -> Option<Target> {
        let place = self.service.place(&self.tried, false, self.at_most).ok()?;
        may().then(|| self.to(place))
    }

    /// Asks the same once more when nobody else is left.
    pub(super) fn once_more(&mut self, target: Target) {
        self.again.extend(target.again());
    }

    /// An instance that was not tried, if one is left: who is out too, where nobody else is.
    pub(super) fn any(&mut self) -> Option<Target> {
        let place = self.service.place(&self.tried, true, self.at_most).ok()?;
        Some(self.to(place))
    }

    /// This one is not asked.
    pub(super) fn leave_out(&mut self, instance: &Arc<Instance>) {
        self.tried.push(instance.clone());
    }

    fn to(&mut self, place: Place) -> Target {
        self.tried.push(place.instance.clone());
        Target::new(place)
    }

    /// Waits a moment for an instance when there is none.
    async fn appear(&mut self) {
        let appear =
            async { while !self.service.is_there() && self.news.changed().await.is_ok() {} };
        // When the time is over, there is nobody.
        let _ = timeout(APPEAR, appear).await;
    }
}
