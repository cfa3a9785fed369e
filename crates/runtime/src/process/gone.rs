//! Which background tasks do nothing but panic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The tasks that panic whenever they are begun, by name, and how many of each; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Gone {
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn add(&self, name: &'static str) -> Entry {
        *self.lock().entry(name).or_default() += 1;
        Entry {
            gone: self.clone(),
            name,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task is gone while this lives.
pub(super) struct Entry {
    gone: Gone,
    name: &'static str,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut gone = self.gone.lock();
        if let Some(count) = gone.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                gone.remove(self.name);
            }
        }
    }
}
