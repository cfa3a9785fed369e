//! From the client to an instance of a service and back: choose, connect, hold the body, stream.
//!
//! Nothing of a request leaves before the other end has proven that it is of the service that is meant. A request that
//! may change something goes to another instance only when it certainly did nothing: no proven connection could be made,
//! another process has the address and answered 421 without reading the body, or it was refused before any work. What
//! changes nothing may be asked twice: another instance gets it as well when the first has said nothing for a second,
//! hangs, ended before its answer, or cannot answer for the moment. `retry` has the rule, `choice` and `breaker` say who
//! is asked.

mod attempt;
mod breaker;
mod budget;
mod choice;
mod instance;
mod problems;
mod resume;
mod retry;
mod service;
mod target;
mod targets;
mod tries;
mod upstreams;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use slipway_runtime::Problem;
use tokio::time::{sleep, timeout};

use crate::deferred_body::DeferredBody;
use target::Target;
use tries::Step;
use upstreams::{Answer, Asking, Outcome};

pub(crate) use instance::Place;
pub(crate) use resume::{Continued, Resume};
pub(crate) use upstreams::{Limits, Sending, Upstreams};

/// Time in which a service that may be changing something proves itself no more after which it is given up. One that is
/// stopped for less goes on, and an upload with it.
const HANG: Duration = Duration::from_secs(30);
/// Time without a byte of an answer after which another instance is asked as well. Hardly an answer takes so long that
/// does not wait for something.
const HEDGE_AFTER: Duration = Duration::from_secs(1);

/// The head of a service's answer, and what goes with its body.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    /// The request's body, which may still be on its way.
    pub(crate) hold: Option<DeferredBody>,
    pub(crate) place: Place,
    /// How the body goes on when the instance ends in the middle of it; `None` where it cannot.
    pub(crate) resume: Option<Box<Resume>>,
}

impl Upstreams {
    /// Sends a request whose headers are ready to an instance; `chosen` becomes the instance's name, for the log.
    pub(crate) async fn forward(
        self: &Arc<Self>,
        sending: &Sending<'_>,
        request: Request<Incoming>,
        chosen: &mut Option<String>,
    ) -> Result<Answered, Problem> {
        let (head, body) = request.into_parts();
        let body = Some(body).filter(|body| !body.is_end_stream());
        let asking = Asking {
            upstream: sending.upstream,
            head: &head,
            received: sending.received,
            limits: sending.limits,
            is_tunnel: sending.is_tunnel,
        };
        let is_question = retry::changes_nothing(&head.method) && !sending.is_tunnel;
        let answer = if is_question && body.is_none() {
            self.ask(&asking).await
        } else {
            self.send(&asking, body, chosen).await
        };
        let Answer {
            response,
            hold,
            target,
        } = answer?;
        *chosen = target.name();
        let resume = Resume::of(self, sending, head, &response, &target);
        Ok(Answered {
            response,
            hold,
            place: target.place,
            resume,
        })
    }

    /// Sends what may change something: to one instance after another until one has seen it.
    async fn send(
        &self,
        asking: &Asking<'_>,
        mut body: Option<Incoming>,
        chosen: &mut Option<String>,
    ) -> Result<Answer, Problem> {
        let mut tries = self.tries(asking, false);
        let has_body = body.is_some();
        let mut next = None;
        loop {
            let mut target = match next.take() {
                Some(target) => target,
                None => match tries.next(self).await {
                    Ok(target) => target,
                    Err(why) => return tries.end(why),
                },
            };
            *chosen = target.name();
            let outcome = self.attempt(asking, &mut target, &mut body, HANG).await;
            let is_whole = body.is_some() || !has_body;
            match tries.judge(target, outcome, is_whole) {
                Step::Over(result) => return result,
                Step::Ask(target) => next = Some(target),
                Step::AskOther => {}
            }
        }
    }

    /// Asks what changes nothing. The first answer counts, and whoever else was asked is told to stop.
    async fn ask(&self, asking: &Asking<'_>) -> Result<Answer, Problem> {
        let mut tries = self.tries(asking, true);
        let mut running = FuturesUnordered::new();
        let mut hedged = false;
        loop {
            if running.is_empty() {
                match tries.next(self).await {
                    Ok(target) => running.push(self.attempt_alone(asking, target)),
                    Err(why) => return tries.end(why),
                }
            }
            let (target, outcome) = tokio::select! {
                Some(ended) = running.next() => ended,
                () = sleep(HEDGE_AFTER), if !hedged && running.len() == 1 => {
                    hedged = true;
                    let other = tries.hedge();
                    running.extend(other.map(|other| self.attempt_alone(asking, other)));
                    continue;
                }
            };
            match tries.judge(target, outcome, true) {
                // Somebody else may still answer.
                Step::Over(Err(_)) if !running.is_empty() => {}
                Step::Over(result) => return result,
                Step::Ask(target) => running.push(self.attempt_alone(asking, target)),
                Step::AskOther => {}
            }
        }
    }

    /// An attempt without a body. Who says nothing for a second is doubted.
    async fn attempt_alone(&self, asking: &Asking<'_>, mut target: Target) -> (Target, Outcome) {
        let instance = target.place.instance.clone();
        let mut nothing = None;
        let outcome = {
            let attempt = self.attempt(asking, &mut target, &mut nothing, Duration::ZERO);
            let mut attempt = pin!(attempt);
            if let Ok(outcome) = timeout(HEDGE_AFTER, &mut attempt).await {
                outcome
            } else {
                instance.doubt(&self.identity);
                attempt.await
            }
        };
        (target, outcome)
    }
}
