//! Asking a second instance what changes nothing, when the first says nothing.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::Response;
use slipway_service::Problem;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Asking, Outcome, Target, Upstreams, away};
use crate::answer::Body;

/// Time without a byte of an answer after which another instance is asked as well. Hardly an answer takes so long that
/// does not wait for something.
const AFTER: Duration = Duration::from_secs(1);

/// What one second request takes out of the budget, to which each request adds 1: one in ten may be asked twice. Without
/// a limit services that are slow under load would get twice the load.
const PRICE: i64 = 10;
/// Second requests that can be saved up.
const MOST: i64 = 50;

pub(super) struct Budget(AtomicI64);

impl Default for Budget {
    /// Enough for the first that meets an instance that hangs.
    fn default() -> Self {
        Self(AtomicI64::new(PRICE))
    }
}

impl Budget {
    /// Notes a request.
    fn earn(&self) {
        let earned = |budget: i64| Some((budget + 1).min(MOST * PRICE));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether a request may be asked twice.
    fn spend(&self) -> bool {
        let spent = |budget: i64| (budget >= PRICE).then_some(budget - PRICE);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent)
            .is_ok()
    }
}

impl Upstreams {
    /// Asks what changes nothing. The first answer counts, and whoever else was asked is told to stop.
    pub(super) async fn ask(
        &self,
        asking: &Asking<'_>,
        chosen: &mut Option<String>,
    ) -> Result<Response<Body>, Problem> {
        self.budget.earn();
        let mut targets = self.targets(asking.upstream.name).await;
        let mut running = FuturesUnordered::new();
        let (mut cause, mut cut) = (None, None);
        let mut hedged = false;
        loop {
            if running.is_empty() {
                let Some(target) = self.next(&mut targets).await else {
                    break;
                };
                running.push(self.attempt_alone(asking, target));
            }
            let late = sleep_until(Instant::now() + AFTER);
            let (target, outcome) = tokio::select! {
                Some(ended) = running.next() => ended,
                () = late, if !hedged && running.len() == 1 && !targets.found.is_empty() => {
                    hedged = true;
                    if self.budget.spend() && let Some(other) = targets.found.pop_front() {
                        running.push(self.attempt_alone(asking, other));
                    }
                    continue;
                }
            };
            match outcome {
                Outcome::Answered(answer) => {
                    *chosen = target.name();
                    return Ok(answer);
                }
                Outcome::Failed(problem) => return Err(problem),
                // Another instance first, and the same once more: it may be there again.
                Outcome::Cut(problem) => {
                    cut = Some(problem);
                    targets.found.extend(target.again());
                }
                Outcome::NotSent(error) => cause = Some(error),
                Outcome::Misdirected(Some(corrected)) => targets.found.push_front(corrected),
                Outcome::Hangs | Outcome::Misdirected(None) => {}
            }
        }
        Err(match (cut, cause) {
            (Some(problem), None) => problem,
            (_, cause) => away(asking.upstream, cause),
        })
    }

    /// An attempt without a body. Who says nothing for a second is doubted.
    async fn attempt_alone(&self, asking: &Asking<'_>, target: Target) -> (Target, Outcome) {
        let mut nothing = None;
        let outcome = {
            let attempt = self.attempt(asking, &target, &mut nothing, Duration::ZERO);
            let mut attempt = pin!(attempt);
            if let Ok(outcome) = timeout(AFTER, &mut attempt).await {
                outcome
            } else {
                self.doubt(asking.upstream, &target);
                attempt.await
            }
        };
        (target, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_ten_may_be_asked_twice() {
        let budget = Budget::default();
        let twice = |budget: &Budget| {
            budget.earn();
            usize::from(budget.spend())
        };
        let asked_twice: usize = (0..1000).map(|_| twice(&budget)).sum();
        assert_eq!(asked_twice, 101, "and the first");
        (0..10_000).for_each(|_| budget.earn());
        let at_once: usize = (0..100).map(|_| usize::from(budget.spend())).sum();
        assert_eq!(at_once, 50);
    }
}
