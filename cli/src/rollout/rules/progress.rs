//! How far a roll-out has come, and what happens next.
//!
//! ```text
//! Planned ->
//! each step:  Starting -> Warming -> Comparing -> Draining -> the next step … -> Baking -> Ended
//!               new beside old, until it is judged good | old ends   | all are watched
//! in place:   Starting (the old one ends, then the new one starts) -> Warming -> Comparing -> the next step
//! halted:     the new one of a step not yet judged goes; each that was replaced is started again beside the new one,
//!             in the opposite order, and the new one ends when it is ready
//! ```

use serde::{Deserialize, Serialize};
use slipway_contract::Digest;

use super::plan::{Plan, Step};
use super::verdict::Verdict;
use crate::fleet::wanted::Instance;

/// For an old one that has to end before a new one can start, the longest, seconds: its requests in flight are waited for.
const ENDS_WITHIN: u64 = 60;
/// A window that was too quiet is as long again, this often, before the roll-out is halted.
const WINDOWS: u64 = 4;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) plan: Plan,
    /// The step that is being taken, or taken back.
    pub(crate) at: usize,
    pub(crate) phase: Phase,
    /// Seconds since 1970 at which the phase began.
    pub(crate) since: u64,
    /// Why it goes back, in words; none while it goes on.
    pub(crate) halted: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Nothing was done yet, and another plan may take its place.
    Planned,
    Starting,
    Warming,
    Comparing,
    Draining,
    Baking,
    Ended,
}

/// What is seen of the step that is being taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of the process that is started: the new one, or going back the old one.
    pub(crate) starts: Life,
    /// Of the process that ends.
    pub(crate) ends: Life,
    /// Of all that are new.
    pub(crate) verdict: Verdict,
    /// Why `up` does not do what it was told, in words.
    pub(crate) refused: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Absent,
    Starting,
    Ready,
}

impl Progress {
    pub(crate) fn planned(plan: Plan, now: u64) -> Self {
        Self {
            plan,
            at: 0,
            phase: Phase::Planned,
            since: now,
            halted: None,
        }
    }

    pub(crate) fn begin(plan: Plan, now: u64) -> Self {
        let mut begun = Self::planned(plan, now);
        let has_nothing_to_do = begun.plan.steps.is_empty();
        begun.enter(
            if has_nothing_to_do {
                Phase::Ended
            } else {
                Phase::Starting
            },
            now,
        );
        begun
    }

    /// What follows from what is seen; the same where it stays as it is.
    #[must_use]
    pub(crate) fn next(&self, seen: &Seen, now: u64) -> Self {
        let mut next = self.clone();
        if !self.goes_on() {
            return next;
        }
        if self.halted.is_some() {
            next.go_back(seen, now);
        } else if let Some(why) = self.fault(seen, now) {
            next.halt(why, now);
        } else {
            next.go_on(seen, now);
        }
        next
    }

    /// Goes back where it is, because a person says so.
    #[must_use]
    pub(crate) fn aborted(&self, now: u64) -> Self {
        let mut next = self.clone();
        if self.goes_on() && self.halted.is_none() {
            next.halt("it was told to go back".to_owned(), now);
        }
        next
    }

    /// Whether it was begun and has not ended.
    pub(crate) fn goes_on(&self) -> bool {
        !matches!(self.phase, Phase::Planned | Phase::Ended)
    }

    /// As it goes on after whoever drove it, or `up`, was killed: what was seen before is not known, and the new one may have
    /// to start again. So nothing is held against it, and a window begins again.
    #[must_use]
    pub(crate) fn resumed(&self, now: u64) -> Self {
        let phase = match self.phase {
            Phase::Warming | Phase::Comparing => Phase::Starting,
            phase => phase,
        };
        Self {
            since: now,
            phase,
            ..self.clone()
        }
    }

    /// The instances that are of the new program and were judged good.
    pub(crate) fn judged(&self) -> Vec<Instance> {
        let is_judged = |number: &usize| {
            *number < self.at || (*number == self.at && self.phase == Phase::Draining)
        };
        let steps = self.plan.steps.iter().enumerate();
        let news = steps.filter_map(|(number, step)| match step {
            Step::Replace { new, .. } | Step::ReplaceInPlace { new, .. } if is_judged(&number) => {
                Some(*new)
            }
            _ => None,
        });
        news.collect()
    }

    /// What is to run, and what `up` is to be.
    pub(crate) fn wanted(&self) -> (Vec<Instance>, Option<Digest>) {
        let mut instances = self.plan.before.clone();
        let mut up = self.plan.up_before;
        for (number, step) in self.plan.steps.iter().enumerate() {
            let (has_old, has_new) = self.sides(number);
            match step {
                Step::Replace { old, new } | Step::ReplaceInPlace { old, new } => {
                    if !has_old {
                        instances.retain(|instance| instance != old);
                    }
                    if has_new {
                        instances.push(*new);
                    }
                }
                Step::Up { to } if has_new && !(has_old && self.halted.is_some()) => up = Some(*to),
                Step::Up { .. } => {}
            }
        }
        (instances, up)
    }

    /// Which processes of a step there are: the old, the new.
    fn sides(&self, number: usize) -> (bool, bool) {
        if number != self.at || matches!(self.phase, Phase::Planned | Phase::Baking | Phase::Ended)
        {
            return (number >= self.at, number < self.at);
        }
        match self.phase {
            Phase::Draining => (self.halted.is_some(), self.halted.is_none()),
            _ if self.is_in_place() => (self.halted.is_some(), self.halted.is_none()),
            _ => (true, true),
        }
    }

    /// Whether two of the service of this step cannot run at once.
    fn is_in_place(&self) -> bool {
        let step = self.plan.steps.get(self.at);
        matches!(step, Some(Step::ReplaceInPlace { .. }))
    }

    /// What ends the going on.
    fn fault(&self, seen: &Seen, now: u64) -> Option<String> {
        let times = &self.plan.times;
        let waited = now.saturating_sub(self.since);
        let ends = if self.is_in_place() { ENDS_WITHIN } else { 0 };
        if let Verdict::Bad(why) = &seen.verdict {
            return Some(why.clone());
        }
        match self.phase {
            Phase::Starting | Phase::Draining if seen.refused.is_some() => seen.refused.clone(),
            Phase::Starting if seen.starts != Life::Ready && waited >= times.ready + ends => {
                Some(format!("the new one is not ready after {waited} s"))
            }
            Phase::Warming | Phase::Comparing if seen.starts != Life::Ready => {
                Some("the new one is not ready any more".to_owned())
            }
            Phase::Comparing
                if seen.verdict == Verdict::TooLittle && waited >= times.window * WINDOWS =>
            {
                Some(format!("too little was asked in {waited} s to compare"))
            }
            _ => None,
        }
    }

    fn halt(&mut self, why: String, now: u64) {
        self.halted = Some(why);
        match self.phase {
            // The old one has ended; it is started again.
            Phase::Starting | Phase::Warming | Phase::Comparing if self.is_in_place() => {
                self.enter(Phase::Starting, now);
            }
            // The old one is there; the new one goes.
            Phase::Starting | Phase::Warming | Phase::Comparing => {
                self.enter(Phase::Draining, now);
            }
            // The old one is told to end already, and another is started.
            Phase::Draining => self.enter(Phase::Starting, now),
            Phase::Planned | Phase::Baking | Phase::Ended => {
                self.at = self.at.saturating_sub(1);
                self.enter(Phase::Starting, now);
            }
        }
    }

    fn go_on(&mut self, seen: &Seen, now: u64) {
        let times = self.plan.times;
        let waited = now.saturating_sub(self.since);
        let is_up = matches!(self.plan.steps.get(self.at), Some(Step::Up { .. }));
        match self.phase {
            Phase::Starting if seen.starts != Life::Ready => {}
            // It serves nobody, so that nothing can be compared, and it has ended as what it was.
            Phase::Starting if is_up => self.after_step(now),
            Phase::Starting => self.enter(Phase::Warming, now),
            Phase::Warming if waited >= times.warm => self.enter(Phase::Comparing, now),
            Phase::Comparing if waited >= times.window && seen.verdict == Verdict::Good => {
                if self.is_in_place() {
                    self.after_step(now);
                } else {
                    self.enter(Phase::Draining, now);
                }
            }
            Phase::Draining if seen.ends == Life::Absent => self.after_step(now),
            Phase::Baking if waited >= times.bake => self.enter(Phase::Ended, now),
            _ => {}
        }
    }

    fn after_step(&mut self, now: u64) {
        self.at += 1;
        let is_last = self.at == self.plan.steps.len();
        self.enter(
            if is_last {
                Phase::Baking
            } else {
                Phase::Starting
            },
            now,
        );
    }

    /// Nothing is judged on the way back, and nothing gives it up: where it was is known to work.
    fn go_back(&mut self, seen: &Seen, now: u64) {
        match self.phase {
            Phase::Draining if seen.ends == Life::Absent && self.at == 0 => {
                self.enter(Phase::Ended, now);
            }
            Phase::Draining if seen.ends == Life::Absent => {
                self.at -= 1;
                self.enter(Phase::Starting, now);
            }
            Phase::Draining => {}
            _ if seen.starts == Life::Ready => self.enter(Phase::Draining, now),
            _ => {}
        }
    }

    fn enter(&mut self, phase: Phase, now: u64) {
        self.phase = phase;
        self.since = now;
    }
}
