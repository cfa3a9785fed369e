//! The attempts of one request: what became of each, and what is done next.

use hyper_util::client::legacy::Error;
use slipway_runtime::Problem;
use tower::retry::budget::Budget as _;

use super::problems::{away, busy, silent};
use super::retry::{self, Asked, Class, Next};
use super::service::{Nobody, Service};
use super::target::Target;
use super::targets::Targets;
use super::upstreams::{Answer, Asking, Outcome, Upstreams};

pub(super) struct Tries<'a> {
    asking: &'a Asking<'a>,
    targets: Targets,
    changes_nothing: bool,
    /// The budget has paid for this request: it counts requests that are asked again, and not how often.
    is_paid: bool,
    /// An answer that another instance may do better.
    refusal: Option<Answer>,
    cut: Option<Problem>,
    cause: Option<Error>,
}

/// What is done after an attempt.
pub(super) enum Step {
    Over(Result<Answer, Problem>),
    Ask(Target),
    AskOther,
}

impl Upstreams {
    pub(super) fn tries<'a>(&self, asking: &'a Asking<'a>, changes_nothing: bool) -> Tries<'a> {
        let targets = self.targets(asking.upstream.name, asking.limits.at_once);
        targets.service.budget.deposit();
        Tries {
            asking,
            targets,
            changes_nothing,
            is_paid: false,
            refusal: None,
            cut: None,
            cause: None,
        }
    }
}

impl Tries<'_> {
    pub(super) async fn next(&mut self, upstreams: &Upstreams) -> Result<Target, Nobody> {
        if self.refusal.is_some() {
            return Err(Nobody::Left);
        }
        upstreams.next(&mut self.targets).await
    }

    /// Another instance for a request that was not answered yet, if the budget has it.
    pub(super) fn hedge(&mut self) -> Option<Target> {
        let (service, is_paid) = (self.targets.service.clone(), &mut self.is_paid);
        self.targets.other(|| pay(&service, is_paid))
    }

    /// What is done after `outcome`; `is_whole` when not a byte of the request's body was taken from the client.
    pub(super) fn judge(&mut self, mut target: Target, outcome: Outcome, is_whole: bool) -> Step {
        let upstream = self.asking.upstream;
        let hangs = matches!(outcome, Outcome::Hangs);
        let (class, problem) = match outcome {
            Outcome::Answered(response, hold) => {
                let class = retry::of_answer(response.status(), response.headers());
                let answer = Answer {
                    response,
                    hold,
                    target,
                };
                return self.answered(class, answer, is_whole);
            }
            Outcome::Failed(problem) => return Step::Over(Err(problem)),
            Outcome::Misdirected(answer) => {
                return target.corrected(&answer).map_or(Step::AskOther, Step::Ask);
            }
            Outcome::NotSent(error) => {
                self.cause = Some(error);
                (Class::NotSent, away(upstream, None))
            }
            Outcome::Hangs if self.changes_nothing => (Class::NoAnswer, away(upstream, None)),
            Outcome::Hangs => (Class::NoAnswer, silent(upstream)),
            Outcome::Cut(problem) => {
                self.cut = Some(problem.clone());
                (Class::NoAnswer, problem)
            }
        };
        if let Some(refusal) = self.refusal.take() {
            return Step::Over(Ok(refusal));
        }
        let next = self.next_after(class, is_whole);
        // Who was never there costs no service anything.
        let is_free = class == Class::NotSent;
        let service = &self.targets.service;
        if next == Next::Nobody || !(is_free || pay(service, &mut self.is_paid)) {
            return Step::Over(Err(problem));
        }
        if next == Next::OtherThenSame && !hangs {
            target.place.forget();
            self.targets.once_more(target);
        }
        Step::AskOther
    }

    /// An answer is handed on, unless another instance can be asked for a better one.
    fn answered(&mut self, class: Option<Class>, answer: Answer, is_whole: bool) -> Step {
        let Some(class) = class else {
            return Step::Over(Ok(answer));
        };
        let next = self.next_after(class, is_whole);
        let (service, is_paid) = (self.targets.service.clone(), &mut self.is_paid);
        let other = self
            .targets
            .other(|| next != Next::Nobody && pay(&service, is_paid));
        match other {
            Some(other) => {
                self.refusal = Some(answer);
                Step::Ask(other)
            }
            None => Step::Over(Ok(answer)),
        }
    }

    fn next_after(&self, class: Class, is_whole: bool) -> Next {
        let asked = Asked {
            changes_nothing: self.changes_nothing,
            is_whole,
            was_refused: self.refusal.is_some(),
        };
        retry::next(class, asked)
    }

    /// What the client is told when nobody is left to ask.
    pub(super) fn end(self, why: Nobody) -> Result<Answer, Problem> {
        let upstream = self.asking.upstream;
        match (self.refusal, self.cut, self.cause) {
            (Some(refusal), ..) => Ok(refusal),
            (_, Some(problem), None) => Err(problem),
            (_, None, None) if why == Nobody::Free => Err(busy(upstream)),
            (.., cause) => Err(away(upstream, cause)),
        }
    }
}

/// Whether the request may be asked again.
fn pay(service: &Service, is_paid: &mut bool) -> bool {
    *is_paid = *is_paid || service.budget.withdraw();
    *is_paid
}
