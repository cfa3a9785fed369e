//! Whether the clock is right. The time of a statement is in its signature for ever, and users may compare it with those
//! of other releases: so nothing new is stated while the clock is wrong. Signing asks nobody: the catalog sends its time
//! with each request, and the registry tells its own with each heartbeat.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use slipway_runtime::clock::{TOLERANCE_MILLIS, rfc3339};

/// How long both other clocks must agree with one that went back: then it is this one that is right, and it was ahead
/// before. Without an end nothing would be signed until the time of a clock that was once years ahead.
const AGREEMENT: Duration = Duration::from_secs(5);

/// What the clocks say, in Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    pub(crate) ours: i64,
    /// None where it does not say, as one of an earlier version.
    pub(crate) catalog: Option<i64>,
    /// None where it is away.
    pub(crate) registry: Option<i64>,
}

/// Why nothing new is stated now.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClockWrong {
    #[error(
        "signing's clock says {}, the catalog's {} and the registry's {}: set signing's clock right, and it goes on by itself",
        rfc3339(*ours), rfc3339(*catalog), rfc3339(*registry)
    )]
    Differs {
        ours: i64,
        catalog: i64,
        registry: i64,
    },
    #[error(
        "signing's clock says {} and has gone back: it said {} before. Set it right, and it goes on by itself; also when the catalog's and the registry's agree with it",
        rfc3339(*ours), rfc3339(*newest)
    )]
    WentBack { ours: i64, newest: i64 },
}

impl Clocks {
    /// Whether both others are there and each of them `is` so.
    fn both(&self, is: impl Fn(i64) -> bool) -> bool {
        self.catalog.is_some_and(&is) && self.registry.is_some_and(&is)
    }

    fn differs(&self, other: i64) -> bool {
        self.ours.saturating_sub(other).saturating_abs() > TOLERANCE_MILLIS
    }
}

/// The newest time that was taken for right, and since when the others agree with an earlier one.
#[derive(Debug)]
pub(crate) struct Past(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    newest: i64,
    agreed_since: Option<Instant>,
}

impl Past {
    /// `newest` is the time of the newest statement: it outlives the process.
    pub(crate) fn new(newest: i64) -> Self {
        Self(Mutex::new(Seen {
            newest,
            agreed_since: None,
        }))
    }

    /// The time to state something at.
    pub(crate) fn check(&self, clocks: Clocks, at: Instant) -> Result<i64, ClockWrong> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = clocks.ours;
        if let (Some(catalog), Some(registry)) = (clocks.catalog, clocks.registry)
            && clocks.both(|other| clocks.differs(other))
        {
            seen.agreed_since = None;
            return Err(ClockWrong::Differs {
                ours,
                catalog,
                registry,
            });
        }
        if ours < seen.newest.saturating_sub(TOLERANCE_MILLIS) {
            let agree = clocks.both(|other| !clocks.differs(other));
            let since = agree.then(|| *seen.agreed_since.get_or_insert(at));
            if since.is_none_or(|since| at.duration_since(since) < AGREEMENT) {
                seen.agreed_since = since;
                let newest = seen.newest;
                return Err(ClockWrong::WentBack { ours, newest });
            }
            seen.newest = ours;
        }
        seen.newest = seen.newest.max(ours);
        seen.agreed_since = None;
        Ok(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn clocks(ours: i64, catalog: Option<i64>, registry: Option<i64>) -> Clocks {
        Clocks {
            ours,
            catalog,
            registry,
        }
    }

    #[test]
    fn a_clock_that_differs_from_both_others_is_wrong_and_from_one_of_them_is_not() {
        let at = Instant::now();
        let near = Some(NOW + 29_000);
        for far in [Some(NOW + HOUR), Some(NOW - HOUR), Some(NOW + 31_000)] {
            for (catalog, registry, right) in [
                (near, near, true),
                (far, near, true),
                (near, far, true),
                (far, None, true),
                (None, far, true),
                (far, far, false),
            ] {
                let checked = Past::new(NOW).check(clocks(NOW, catalog, registry), at);
                assert_eq!(checked.is_ok(), right, "{catalog:?} {registry:?}");
            }
        }
        let differs = clocks(NOW, Some(NOW + HOUR), Some(NOW + HOUR));
        let words = Past::new(NOW).check(differs, at).unwrap_err().to_string();
        assert!(
            words.contains("signing's clock says 2026-11-18T11:06:40Z"),
            "{words}"
        );
        assert!(
            words.contains("the catalog's 2026-11-18T12:06:40Z"),
            "{words}"
        );
    }

    #[test]
    fn a_clock_that_went_back_waits_until_it_is_right_again() {
        let at = Instant::now();
        let past = Past::new(NOW);
        let alone = |ours| past.check(clocks(ours, None, None), at);
        assert_eq!(
            alone(NOW - 30_000),
            Ok(NOW - 30_000),
            "clocks of machines differ"
        );
        let (ours, newest) = (NOW - HOUR, NOW);
        assert_eq!(alone(ours), Err(ClockWrong::WentBack { ours, newest }));
        assert_eq!(alone(NOW + HOUR), Ok(NOW + HOUR));
        // What was seen counts, and not only what was stated.
        assert!(alone(NOW).is_err());
    }

    #[test]
    fn a_clock_that_was_ahead_goes_on_when_both_others_agree_for_some_seconds() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let past = Past::new(NOW + HOUR);
        let agreed = clocks(NOW, Some(NOW), Some(NOW));
        let alone = clocks(NOW, Some(NOW), None);
        assert!(past.check(agreed, after(0)).is_err());
        assert!(past.check(agreed, after(4)).is_err());
        assert!(past.check(alone, after(5)).is_err(), "the registry is away");
        assert!(past.check(agreed, after(6)).is_err(), "anew");
        assert_eq!(past.check(agreed, after(11)), Ok(NOW));
        assert_eq!(past.check(alone, after(12)), Ok(NOW));
    }
}
