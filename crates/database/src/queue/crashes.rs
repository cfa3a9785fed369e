//! Which work ends the processes that do it: the rule, without HTTP and SQL.
//!
//! When a process dies, every job that it had leased is suspected, and which of them was it nobody knows. So nothing is
//! given up for that. A job that was there too often without a step forward in between runs alone in its process: if
//! that one ends as well, it was this job, or somebody who ends processes. Against the latter it is tried some times,
//! after growing pauses. Each step forward clears the job of all suspicion.

/// What work may do to processes before it is given up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Processes that may end with a job among their work, without a step forward of it in between, before it runs alone.
    pub max_crashes: i64,
    /// Processes that a job may end while it runs alone, before it is given up.
    pub max_crashes_alone: i64,
    /// Milliseconds until the next try after a job has ended a process alone for the first time.
    pub alone_pause_millis: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_crashes: 3,
            max_crashes_alone: 3,
            alone_pause_millis: 10_000,
        }
    }
}

/// Leases of a job that ended without a result, since its last step forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crashes {
    /// Beside other jobs, or perhaps so.
    pub beside: i64,
    /// While nothing else ran in the process.
    pub alone: i64,
}

/// How a job may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Beside,
    Alone,
    /// No more.
    Never,
}

impl Crashes {
    /// With one more, of a lease that was `alone` or not.
    #[must_use]
    pub fn and_one(self, alone: bool) -> Self {
        Self {
            beside: self.beside + i64::from(!alone),
            alone: self.alone + i64::from(alone),
        }
    }

    pub fn turn(self, limits: &Limits) -> Turn {
        if self.alone >= limits.max_crashes_alone {
            Turn::Never
        } else if self.alone > 0 || self.beside >= limits.max_crashes {
            Turn::Alone
        } else {
            Turn::Beside
        }
    }

    /// Milliseconds until the next try: none at first, then doubling with each process that it ended alone.
    pub fn pause(self, limits: &Limits) -> i64 {
        let doublings = self.alone.clamp(0, limits.max_crashes_alone.min(20)) - 1;
        u32::try_from(doublings).map_or(0, |doublings| limits.alone_pause_millis << doublings)
    }
}

/// The longest that [`Crashes::pause`] can be.
pub fn longest_pause(limits: &Limits) -> i64 {
    let most = Crashes {
        beside: 0,
        alone: limits.max_crashes_alone,
    };
    most.pause(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crashes(beside: i64, alone: i64) -> Crashes {
        Crashes { beside, alone }
    }

    #[test]
    fn a_job_is_given_up_only_for_what_it_did_alone() {
        let limits = Limits::default();
        for (crashes, turn) in [
            (crashes(0, 0), Turn::Beside),
            (crashes(2, 0), Turn::Beside),
            (crashes(3, 0), Turn::Alone),
            (crashes(1000, 0), Turn::Alone),
            (crashes(0, 1), Turn::Alone),
            (crashes(3, 2), Turn::Alone),
            (crashes(3, 3), Turn::Never),
        ] {
            assert_eq!(crashes.turn(&limits), turn, "{crashes:?}");
        }
        assert_eq!(crashes(3, 1).and_one(true), crashes(3, 2));
        assert_eq!(crashes(3, 1).and_one(false), crashes(4, 1));
    }

    #[test]
    fn pauses_begin_when_it_was_alone_and_grow() {
        let limits = Limits::default();
        let pauses = [(3, 0), (3, 1), (3, 2), (3, 3), (3, 1000)]
            .map(|(beside, alone)| crashes(beside, alone).pause(&limits));
        assert_eq!(pauses, [0, 10_000, 20_000, 40_000, 40_000]);
        assert_eq!(longest_pause(&limits), 40_000);
    }
}
