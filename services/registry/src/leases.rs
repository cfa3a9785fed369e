//! The rules of a lease: no HTTP, and the time is a parameter.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slipway_service::discovery::record::{Record, Snapshot};
use tokio::sync::watch;
use uuid::Uuid;

use crate::LeaseSettings;

/// Time after its last poll in which a watcher counts as watching.
const WATCHER_LIFE: Duration = Duration::from_secs(5);

/// Every lease that this node knows, and how far each watcher is.
pub struct Leases {
    epoch: String,
    settings: LeaseSettings,
    begun: Instant,
    book: Mutex<Book>,
    revision: watch::Sender<u64>,
    applied: watch::Sender<u64>,
}

#[derive(Default)]
struct Book {
    leases: HashMap<String, Lease>,
    watchers: HashMap<String, Watcher>,
    warm: bool,
}

struct Lease {
    record: Record,
    beaten: Instant,
}

struct Watcher {
    /// The revision that it has applied.
    applied: u64,
    /// Polls that are open now.
    open: u32,
    last: Instant,
}

impl Leases {
    pub fn new(settings: LeaseSettings, now: Instant) -> Self {
        Self {
            epoch: Uuid::now_v7().to_string(),
            settings,
            begun: now,
            book: Mutex::default(),
            revision: watch::Sender::new(1),
            applied: watch::Sender::new(0),
        }
    }

    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    pub fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// Renews a lease, or begins one: a heartbeat carries the full record. A process at the address of another takes
    /// its place at once, since the other cannot be there any more. A lease never goes back to an earlier state.
    pub fn beat(&self, record: Record, now: Instant) {
        let mut book = self.book();
        let same_address = |lease: &Lease| {
            lease.record.addr == record.addr && lease.record.instance != record.instance
        };
        let mut changed = false;
        book.leases.retain(|_, lease| {
            let replaced = same_address(lease) && lease.record.started_at <= record.started_at;
            changed |= replaced;
            !replaced
        });
        if let Some(lease) = book.leases.get_mut(&record.instance) {
            lease.beaten = now;
            if record.state > lease.record.state {
                lease.record = record;
                changed = true;
            }
        } else {
            let instance = record.instance.clone();
            book.leases.insert(
                instance,
                Lease {
                    record,
                    beaten: now,
                },
            );
            changed = true;
        }
        drop(book);
        if changed {
            self.raise();
        }
    }

    /// Ends a lease at its holder's wish.
    pub fn leave(&self, instance: &str) {
        if self.book().leases.remove(instance).is_some() {
            self.raise();
        }
    }

    /// Ends the leases that were not renewed, and the warm-up.
    pub fn sweep(&self, now: Instant) {
        let mut book = self.book();
        let life = Duration::from_secs(self.settings.seconds);
        let before = book.leases.len();
        book.leases
            .retain(|_, lease| now.duration_since(lease.beaten) < life);
        book.watchers.retain(|_, watcher| {
            watcher.open > 0 || now.duration_since(watcher.last) < WATCHER_LIFE
        });
        let warms_up = !book.warm && !self.warming(now);
        book.warm |= warms_up;
        let changed = warms_up || book.leases.len() != before;
        drop(book);
        if changed {
            self.raise();
        }
    }

    /// All that is known.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let revision = self.revision();
        let book = self.book();
        let mut instances: Vec<_> = book
            .leases
            .values()
            .map(|lease| lease.record.clone())
            .collect();
        instances.sort_by(|a, b| (&a.service, &a.instance).cmp(&(&b.service, &b.instance)));
        Snapshot {
            epoch: self.epoch.clone(),
            revision,
            warming: self.warming(now),
            instances,
        }
    }

    /// A poll begins; `revision` is what the watcher has applied. It lasts until the guard is dropped, also when the
    /// watcher was killed and its request with it.
    pub fn watch(&self, watcher: &str, revision: u64, now: Instant) -> Poll<'_> {
        let mut book = self.book();
        let entry = book.watchers.entry(watcher.to_owned()).or_insert(Watcher {
            applied: 0,
            open: 0,
            last: now,
        });
        entry.applied = revision;
        entry.open += 1;
        entry.last = now;
        drop(book);
        self.applied.send_modify(|count| *count += 1);
        Poll {
            leases: self,
            watcher: watcher.to_owned(),
        }
    }

    /// Waits until the revision is above `revision`.
    pub async fn wait_for_change(&self, revision: u64) {
        let mut changes = self.revision.subscribe();
        let _ = changes.wait_for(|now| *now > revision).await;
    }

    /// Waits until every live watcher has applied `revision`.
    pub async fn wait_for_watchers(&self, revision: u64) {
        let mut polls = self.applied.subscribe();
        let _ = polls.wait_for(|_| self.all_applied(revision)).await;
    }

    fn all_applied(&self, revision: u64) -> bool {
        self.book()
            .watchers
            .values()
            .all(|watcher| watcher.applied >= revision)
    }

    fn warming(&self, now: Instant) -> bool {
        now.duration_since(self.begun) < Duration::from_secs(self.settings.warm_up_seconds)
    }

    fn raise(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open poll of a watcher.
pub struct Poll<'a> {
    leases: &'a Leases,
    watcher: String,
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.leases.book().watchers.get_mut(&self.watcher) {
            entry.open = entry.open.saturating_sub(1);
            entry.last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_service::discovery::record::State;

    use super::*;

    fn record(instance: &str, addr: &str, state: State) -> Record {
        Record {
            service: "upload".to_owned(),
            instance: instance.to_owned(),
            addr: addr.to_owned(),
            state,
            version: "0".to_owned(),
            started_at: 0,
        }
    }

    fn instances(leases: &Leases, now: Instant) -> Vec<String> {
        let snapshot = leases.snapshot(now);
        snapshot
            .instances
            .into_iter()
            .map(|record| record.instance)
            .collect()
    }

    #[test]
    fn a_lease_that_is_not_renewed_ends() {
        let begin = Instant::now();
        let leases = Leases::new(LeaseSettings::default(), begin);
        leases.beat(record("a", "1:1", State::Ready), begin);
        leases.sweep(begin + Duration::from_secs(9));
        assert_eq!(instances(&leases, begin), ["a"]);
        leases.beat(
            record("a", "1:1", State::Ready),
            begin + Duration::from_secs(9),
        );
        leases.sweep(begin + Duration::from_secs(18));
        assert_eq!(instances(&leases, begin), ["a"]);
        leases.sweep(begin + Duration::from_secs(20));
        assert!(instances(&leases, begin).is_empty());
    }

    #[test]
    fn a_late_heartbeat_does_not_undo_a_drain() {
        let begin = Instant::now();
        let leases = Leases::new(LeaseSettings::default(), begin);
        leases.beat(record("a", "1:1", State::Draining), begin);
        leases.beat(record("a", "1:1", State::Ready), begin);
        assert_eq!(leases.snapshot(begin).instances[0].state, State::Draining);
    }

    #[test]
    fn a_process_at_the_same_address_takes_the_place_of_the_one_before() {
        let begin = Instant::now();
        let leases = Leases::new(LeaseSettings::default(), begin);
        leases.beat(record("a", "1:1", State::Ready), begin);
        leases.beat(record("b", "1:1", State::Starting), begin);
        assert_eq!(instances(&leases, begin), ["b"]);
    }

    #[test]
    fn the_end_of_the_warm_up_is_a_change() {
        let begin = Instant::now();
        let leases = Leases::new(LeaseSettings::default(), begin);
        let before = leases.revision();
        assert!(leases.snapshot(begin).warming);
        let later = begin + Duration::from_secs(11);
        leases.sweep(later);
        assert!(leases.revision() > before);
        assert!(!leases.snapshot(later).warming);
    }

    #[test]
    fn a_drain_is_acknowledged_when_every_watcher_has_it() {
        let begin = Instant::now();
        let leases = Leases::new(LeaseSettings::default(), begin);
        drop(leases.watch("gateway", leases.revision(), begin));
        leases.beat(record("a", "1:1", State::Draining), begin);
        assert!(!leases.all_applied(leases.revision()));
        drop(leases.watch("gateway", leases.revision(), begin));
        assert!(leases.all_applied(leases.revision()));
    }
}
