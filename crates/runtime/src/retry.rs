//! Work that waits for a peer: its pauses grow.

const FIRST_PAUSE_MILLIS: i64 = 100;
/// The longest that [`pause`] can be.
pub const LONGEST_PAUSE_MILLIS: i64 = 5000;

/// Milliseconds to wait after so many attempts: 100, doubling to 5000.
pub fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 8) - 1).unwrap_or(0);
    (FIRST_PAUSE_MILLIS << doublings).min(LONGEST_PAUSE_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_seconds() {
        let pauses: Vec<_> = (1..=8).map(pause).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(i64::MAX), 5000);
    }
}
