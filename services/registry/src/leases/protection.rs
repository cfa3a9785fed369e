//! When nobody is forgotten though heartbeats do not come: many that fall silent at once are more likely to be cut off from
//! us than gone. It is decided by the change, not by a level, and ends by itself: one that compares with what there was
//! once never ends after a few crashes.

use std::time::{Duration, Instant};

/// The time in which they fall silent at once: three heartbeats.
const AT_ONCE: Duration = Duration::from_secs(30);
/// Fewer are no crowd: two of a small fleet may end together.
const FEWEST: usize = 3;
/// Percent of those that were heard from: more begin it, fewer than the second end it.
const BEGINS_ABOVE: usize = 30;
const ENDS_BELOW: usize = 10;
/// The longest: whoever is silent for so long is gone.
const LONGEST: Duration = Duration::from_mins(5);
/// Percent of all leases that one sweep may end, outside of it too.
const SHARE: usize = 15;

#[derive(Debug, Default)]
pub(super) struct Protection {
    since: Option<Instant>,
}

/// How many there are, at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) leases: usize,
    pub(super) overdue: usize,
    /// Of the overdue those that fell silent lately.
    pub(super) newly: usize,
}

impl Protection {
    /// Whether something fell silent at this time lately.
    pub(super) fn is_newly(since: Instant, now: Instant) -> bool {
        now.duration_since(since) < AT_ONCE
    }

    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Begins or ends it; returns how many leases may end now.
    pub(super) fn step(&mut self, count: Count, now: Instant) -> usize {
        let heard = count.leases - count.overdue + count.newly;
        if let Some(since) = self.since {
            let is_over = now.duration_since(since) >= LONGEST
                || count.overdue * 100 < count.leases * ENDS_BELOW
                || count.leases == 0;
            if is_over {
                tracing::info!("leases end again when they are not renewed");
                self.since = None;
            }
        } else if count.newly >= FEWEST && count.newly * 100 > heard * BEGINS_ABOVE {
            tracing::warn!(
                silent = count.newly,
                of = heard,
                "many instances fell silent at once: none is forgotten for five minutes at the most"
            );
            self.since = Some(now);
        }
        if self.is_on() {
            return 0;
        }
        (count.leases * SHARE / 100).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(leases: usize, overdue: usize, newly: usize) -> Count {
        Count {
            leases,
            overdue,
            newly,
        }
    }

    #[test]
    fn a_crowd_that_falls_silent_is_protected_until_few_are() {
        let now = Instant::now();
        let mut protection = Protection::default();
        assert_eq!(protection.step(count(10, 3, 3), now), 1, "thirty percent");
        assert_eq!(protection.step(count(10, 4, 4), now), 0);
        assert_eq!(protection.step(count(10, 1, 0), now), 0, "ten percent");
        assert_eq!(protection.step(count(11, 1, 0), now), 1);
        assert_eq!(protection.step(count(2, 2, 2), now), 1, "two are no crowd");
        assert_eq!(protection.step(count(100, 9, 9), now), 15);
    }

    #[test]
    fn what_was_overdue_before_does_not_keep_the_newly_silent_from_counting() {
        let now = Instant::now();
        let mut protection = Protection::default();
        assert_eq!(protection.step(count(20, 14, 4), now), 0, "four of ten");
    }

    proptest! {
        #[test]
        fn it_ends_whatever_comes(steps in prop::collection::vec((0_u64..90, 0_usize..40, 0_usize..40, 0_usize..40), 1..60)) {
            let mut now = Instant::now();
            let mut protection = Protection::default();
            let mut begun = None;
            for (seconds, leases, overdue, newly) in steps {
                now += Duration::from_secs(seconds);
                let overdue = overdue.min(leases);
                let newly = newly.min(overdue);
                let most = protection.step(count(leases, overdue, newly), now);
                prop_assert!(most <= 1.max(leases * SHARE / 100));
                prop_assert_eq!(most == 0, protection.is_on());
                if !protection.is_on() {
                    begun = None;
                    continue;
                }
                let since = *begun.get_or_insert(now);
                prop_assert!(now.duration_since(since) < LONGEST);
            }
        }
    }
}
