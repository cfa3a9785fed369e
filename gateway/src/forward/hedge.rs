//! Asking a second instance what changes nothing, when the first says nothing.

use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::Response;
use slipway_runtime::Problem;
use tokio::time::{Instant, sleep_until, timeout};
use tower::retry::budget::Budget as _;

use super::problems::away;
use super::target::Target;
use super::upstreams::{Asking, Outcome, Upstreams};
use crate::answer::Body;

/// Time without a byte of an answer after which another instance is asked as well. Hardly an answer takes so long that
/// does not wait for something.
const AFTER: Duration = Duration::from_secs(1);

impl Upstreams {
    /// Asks what changes nothing. The first answer counts, and whoever else was asked is told to stop.
    pub(super) async fn ask(
        &self,
        asking: &Asking<'_>,
        chosen: &mut Option<String>,
    ) -> Result<Response<Body>, Problem> {
        self.budget.deposit();
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
                    if self.budget.withdraw() && let Some(other) = targets.found.pop_front() {
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
