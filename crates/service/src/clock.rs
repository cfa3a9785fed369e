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

/// Now, in milliseconds since the Unix epoch.
pub fn unix_millis() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
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
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_000_000_250), "2026-11-18T11:06:40.25Z");
    }
}
