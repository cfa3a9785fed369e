//! Reading the clock. Rules take the time as a value; only handlers and jobs call this.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds by which the clocks of a platform's machines may differ.
pub const TOLERANCE_MILLIS: i64 = 30_000;

/// The latest end that a lease or a pause of at most `longest` milliseconds can have now. One that ends later was written
/// while a clock was wrong, and is none: else it would hold its work up for as long as the clock was wrong by.
pub fn furthest(now: i64, longest: i64) -> i64 {
    now.saturating_add(longest).saturating_add(TOLERANCE_MILLIS)
}

/// When work is due that is leased in its row: once its pause and its lease are over, or are none.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Unix milliseconds, as the next two.
    pub now: i64,
    pub furthest_pause: i64,
    pub furthest_lease: i64,
}

impl Moment {
    /// `pause` and `lease` are the longest there are, in milliseconds.
    pub fn new(now: i64, pause: i64, lease: i64) -> Self {
        Self {
            now,
            furthest_pause: furthest(now, pause),
            furthest_lease: furthest(now, lease),
        }
    }
}

/// Now, in milliseconds since the Unix epoch; 0 on a clock that is before it.
pub fn unix_millis() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// A time in milliseconds since the Unix epoch as RFC 3339 text in UTC, to the millisecond at most.
pub fn rfc3339(unix_millis: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_further_off_than_the_longest_is_none() {
        let moment = Moment::new(1_000_000, 5000, 60_000);
        assert_eq!(moment.furthest_pause, 1_035_000);
        assert_eq!(moment.furthest_lease, 1_090_000);
        assert_eq!(furthest(i64::MAX - 1, 5000), i64::MAX);
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_000_000_250), "2026-11-18T11:06:40.25Z");
    }
}
