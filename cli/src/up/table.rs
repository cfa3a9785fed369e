//! The processes that run now, those that only end included.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::process::Process;
use crate::fleet::running;
use crate::fleet::wanted::Instance;

#[derive(Clone, Default)]
pub(super) struct Table {
    entries: Arc<Mutex<Vec<Entry>>>,
    changed: Arc<tokio::sync::Notify>,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) instance: Instance,
    pub(super) process: Arc<Process>,
    /// Whether another has its place.
    pub(super) leaves: bool,
}

impl Table {
    pub(super) fn enter(&self, instance: Instance, process: Arc<Process>, leaves: bool) {
        self.lock().push(Entry {
            instance,
            process,
            leaves,
        });
        self.changed.notify_one();
    }

    pub(super) fn leaves(&self, process: &Arc<Process>) {
        for entry in self.lock().iter_mut() {
            entry.leaves |= Arc::ptr_eq(&entry.process, process);
        }
        self.changed.notify_one();
    }

    pub(super) fn ended(&self, process: &Arc<Process>) {
        self.lock()
            .retain(|entry| !Arc::ptr_eq(&entry.process, process));
        self.changed.notify_one();
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// As others are told.
    pub(super) fn told(&self) -> Vec<running::Process> {
        let told = |entry: &Entry| running::Process {
            instance: entry.instance,
            pid: entry.process.pid(),
            leaves: entry.leaves,
        };
        self.lock().iter().map(told).collect()
    }

    /// Waits until something has changed since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
