//! The processes that run now, those that only end included.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::process::Process;
use crate::fleet::running;
use crate::fleet::wanted::Instance;

#[derive(Clone, Default)]
pub(super) struct Table {
    entries: Arc<Mutex<Vec<Entry>>>,
    /// How often each ended without being told to.
    ended: Arc<Mutex<HashMap<Instance, usize>>>,
    changed: Arc<tokio::sync::Notify>,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) instance: Instance,
    pub(super) process: Arc<Process>,
    /// Whether it was told to end, or another has its place.
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

    /// Counts an end that nobody asked for.
    pub(super) fn ended_by_itself(&self, instance: Instance) {
        *self.counts().entry(instance).or_default() += 1;
        self.changed.notify_one();
    }

    /// One that is not wanted any more is another when it is wanted again.
    pub(super) fn forget(&self, instance: &Instance) {
        self.counts().remove(instance);
    }

    /// As others are told.
    pub(super) fn told_of_ends(&self) -> Vec<running::Ended> {
        let counts = self.counts();
        let told = |(instance, times): (&Instance, &usize)| running::Ended {
            instance: *instance,
            times: *times,
        };
        counts.iter().map(told).collect()
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

    fn counts(&self) -> MutexGuard<'_, HashMap<Instance, usize>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
