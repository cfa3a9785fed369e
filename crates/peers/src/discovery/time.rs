//! The registry's clock, as its answers to heartbeats tell it: for whoever must know whether its own is right.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer tells the time: some heartbeats. A registry that is away for longer tells none.
const FRESH: Duration = Duration::from_secs(30);

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct RegistryTime(Arc<Mutex<Option<(i64, Instant)>>>);

impl RegistryTime {
    /// The registry has just said that it is `now`, in Unix milliseconds.
    pub fn tell(&self, now: i64) {
        *self.lock() = Some((now, Instant::now()));
    }

    /// Its time in Unix milliseconds, if it told lately; our own clock has no part in it.
    pub fn now(&self) -> Option<i64> {
        let (told, at) = (*self.lock())?;
        let passed = at.elapsed();
        let millis = i64::try_from(passed.as_millis()).ok()?;
        (passed < FRESH).then(|| told.saturating_add(millis))
    }

    /// Time since the registry last took our lease; `None` before it did once.
    pub fn age(&self) -> Option<Duration> {
        (*self.lock()).map(|(_, at)| at.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(i64, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
