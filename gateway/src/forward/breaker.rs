//! Whether an instance is asked: one that refuses, hangs or errs gets no requests for a while, and then one that tries it.
//!
//! Pure rules of (state, event, now). Whom a request goes to when everybody is out, `choice` says.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which an instance is out; Envoy has 5 and linkerd 7.
const FAILURES: u32 = 5;
/// Time for which it is out the first time: a process is restarted in less.
const FIRST: Duration = Duration::from_secs(1);
/// The longest time, which doubling ends at: the lease of one that is gone ends after as much.
const LONGEST: Duration = Duration::from_secs(30);

/// What is thought of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// It takes requests; so many in a row have failed.
    Closed { failures: u32 },
    /// It takes none until then, and was out so many times in a row.
    Open { until: Instant, times: u32 },
    /// One request is on its way that tries it.
    Trying { times: u32 },
    /// It hangs, and takes none until it proves itself on a new connection: no request is risked.
    Silent,
}

/// What was seen of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// An answer of its own came.
    Answered,
    /// It ended before its answer, or answered 502, 503 or 504 of its own.
    Failed,
    /// Nobody of its service takes connections at its address.
    Refused,
    /// A connection or an answer did not come in time.
    Silent,
    /// It has proven itself on a new connection.
    Proven,
    /// A request goes there.
    Asked,
    /// A request ended without showing anything, such as that of a client that went away.
    Nothing,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether a request may go there.
    pub(super) fn admits(self, now: Instant) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { until, .. } => until <= now,
            Self::Trying { .. } | Self::Silent => false,
        }
    }

    /// The state after `event`. `chance` is any number: it spreads the times at which gateways try an instance again.
    pub(super) fn after(self, event: Event, now: Instant, chance: u8) -> Self {
        match (self, event) {
            (_, Event::Answered) | (Self::Silent, Event::Proven) => Self::default(),
            (_, Event::Silent) => Self::Silent,
            (Self::Closed { failures }, Event::Failed) if failures + 1 < FAILURES => Self::Closed {
                failures: failures + 1,
            },
            (Self::Closed { .. }, Event::Failed | Event::Refused) => Self::out(0, now, chance),
            (Self::Trying { times }, Event::Failed | Event::Refused) => {
                Self::out(times, now, chance)
            }
            (Self::Trying { times }, Event::Nothing) => Self::Open { until: now, times },
            // Before its time a request goes there only because everybody is out, and tries nothing.
            (Self::Open { until, times }, Event::Asked) if until <= now => Self::Trying { times },
            (unchanged, _) => unchanged,
        }
    }

    /// Out once more, after `times` times in a row.
    fn out(times: u32, now: Instant, chance: u8) -> Self {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX));
        let spread = f64::from(chance) / f64::from(u8::MAX) / 2.0;
        Self::Open {
            until: now + doubled.min(LONGEST).mul_f64(1.0 + spread),
            times: times.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Longest time that anybody is out, spread included.
    const LONGEST_OUT: Duration = LONGEST.saturating_mul(3).checked_div(2).expect("not by 0");

    fn after(breaker: Breaker, events: &[Event], now: Instant) -> Breaker {
        let step = |breaker: Breaker, event: &Event| breaker.after(*event, now, 0);
        events.iter().fold(breaker, step)
    }

    #[test]
    fn five_failures_in_a_row_put_an_instance_out_and_an_answer_between_them_does_not() {
        let now = Instant::now();
        let four = after(Breaker::default(), &[Event::Failed; 4], now);
        assert!(four.admits(now));
        assert!(!four.after(Event::Failed, now, 0).admits(now));
        let answered = after(four, &[Event::Answered], now);
        assert!(after(answered, &[Event::Failed; 4], now).admits(now));
    }

    #[test]
    fn one_that_refuses_is_out_at_once_for_a_second_which_doubles_to_a_bound() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default().after(Event::Refused, now, 0);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let until = now + Duration::from_secs(seconds);
            assert!(
                !breaker.admits(until - Duration::from_millis(1)),
                "{seconds}"
            );
            assert!(breaker.admits(until), "{seconds}");
            now = until;
            breaker = after(breaker, &[Event::Asked, Event::Refused], now);
        }
        let back = after(breaker, &[Event::Asked, Event::Answered], now);
        assert_eq!(back, Breaker::default());
    }

    #[test]
    fn one_that_hangs_is_out_until_it_proves_itself_whatever_the_time() {
        let now = Instant::now();
        let silent = Breaker::default().after(Event::Silent, now, 0);
        let much_later = now + Duration::from_hours(1);
        assert!(!silent.admits(much_later));
        assert!(
            !silent
                .after(Event::Refused, much_later, 0)
                .admits(much_later)
        );
        assert!(silent.after(Event::Proven, now, 0).admits(now));
        // A handshake says nothing of one that errs.
        let erring = after(Breaker::default(), &[Event::Failed; 5], now);
        assert!(!erring.after(Event::Proven, now, 0).admits(now));
    }

    #[test]
    fn a_try_that_shows_nothing_leaves_the_next_request_to_try() {
        let now = Instant::now();
        let refused = Breaker::default().after(Event::Refused, now, 0);
        let later = now + Duration::from_secs(2);
        let trying = refused.after(Event::Asked, later, 0);
        assert!(!trying.admits(later + Duration::from_hours(1)));
        assert!(trying.after(Event::Nothing, later, 0).admits(later));
    }

    fn events() -> impl Strategy<Value = Vec<(Event, u64, u8)>> {
        let event = prop_oneof![
            Just(Event::Answered),
            Just(Event::Failed),
            Just(Event::Refused),
            Just(Event::Silent),
            Just(Event::Proven),
            Just(Event::Asked),
            Just(Event::Nothing),
        ];
        prop::collection::vec((event, 0..20_000_u64, any::<u8>()), 0..200)
    }

    proptest! {
        /// Whatever happens: whoever is out is tried by one request at a time, comes back by an answer, and is never out
        /// for longer than the bound.
        #[test]
        fn whatever_happens_there_is_one_try_and_a_way_back(events in events()) {
            let mut now = Instant::now();
            let mut breaker = Breaker::default();
            for (event, millis, chance) in events {
                now += Duration::from_millis(millis);
                // Requests are sent to whoever admits them, or when everybody is out.
                let was_out = !breaker.admits(now);
                let next = breaker.after(event, now, chance);
                if let Breaker::Open { until, .. } = next {
                    prop_assert!(until <= now + LONGEST_OUT, "{breaker:?} {event:?} {next:?}");
                }
                if let (Breaker::Trying { .. }, Event::Asked) = (breaker, event) {
                    prop_assert_eq!(next, breaker, "a second try");
                }
                if let Event::Failed | Event::Refused | Event::Silent | Event::Asked = event {
                    prop_assert!(!was_out || !next.admits(now), "{breaker:?} came back by {event:?}");
                }
                prop_assert_eq!(next.after(Event::Answered, now, chance), Breaker::default());
                breaker = next;
            }
            let later = now + LONGEST_OUT;
            let tried = after(breaker, &[Event::Proven, Event::Asked], later);
            prop_assert!(tried.after(Event::Nothing, later, 0).admits(later), "{breaker:?} never comes back");
        }
    }
}
