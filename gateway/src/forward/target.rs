//! Which instances a request goes to, one after another.

use std::collections::VecDeque;
use std::time::Duration;

use http::{HeaderValue, Response};
use hyper::body::Incoming;
use slipway_service::discovery::record::Record;
use slipway_service::http::edge::INSTANCE;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Upstreams;

/// Time for an instance to appear: a restart is often seen within it.
const APPEAR: Duration = Duration::from_millis(100);
/// Time after the start in which the view may still be that of the last run: where containers were started anew together,
/// their addresses belong to others now.
const SETTLING: Duration = Duration::from_secs(10);
/// The longest that a request waits for news then.
const NEWS: Duration = Duration::from_secs(2);

/// Where a request goes.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: String,
    pub(super) instance: HeaderValue,
    /// The instance's name comes out of a 421 of this address, which is believed once.
    pub(super) corrected: bool,
    /// It ended before it had answered, and is asked for the second time.
    pub(super) again: bool,
}

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

impl Target {
    pub(super) fn of(record: Record) -> Option<Self> {
        Some(Self {
            instance: HeaderValue::from_str(&record.instance).ok()?,
            address: record.addr,
            corrected: false,
            again: false,
        })
    }

    /// Its name, for the log.
    pub(super) fn name(&self) -> Option<String> {
        self.instance.to_str().ok().map(str::to_owned)
    }

    /// The same for a second attempt, unless this was one.
    pub(super) fn again(self) -> Option<Self> {
        (!self.again).then_some(Self {
            again: true,
            ..self
        })
    }

    /// The same address under the name that it gave in a 421: a process that was restarted there. Its certificate has
    /// proven that it is of the same service.
    pub(super) fn corrected(&self, answer: &Response<Incoming>) -> Option<Self> {
        if self.corrected {
            return None;
        }
        Some(Self {
            address: self.address.clone(),
            instance: answer.headers().get(&INSTANCE)?.clone(),
            corrected: true,
            again: self.again,
        })
    }
}
