//! What the clients count.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sample::Sample;

/// Cheap to clone; all clients of a demo share one.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Counted>>);

#[derive(Clone, Default)]
pub(super) struct Counted {
    /// Processes that were killed with -9.
    pub(super) killed: u32,
    /// Requests that clients sent.
    pub(super) requests: u32,
    /// Those that got no answer, half an answer or one of 5xx, and were sent again.
    pub(super) failed: u32,
    /// Releases that the platform said it has.
    pub(super) acknowledged: Vec<Sample>,
    /// Of those, the ones that are not there.
    pub(super) lost: u32,
    /// Bytes or signatures that were served and are not what was released.
    pub(super) wrong: u32,
}

impl Tally {
    pub(super) fn count(&self, change: impl FnOnce(&mut Counted)) {
        change(&mut self.lock());
    }

    pub(super) fn read(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "killed {} · requests {} · failed {} · acknowledged {} · lost {} · wrong {}",
            self.killed,
            self.requests,
            self.failed,
            self.acknowledged.len(),
            self.lost,
            self.wrong
        )
    }
}
