//! Every lease that this node knows, and how far each watcher is: the rules of [`table`], and waiting for what they bring
//! about.

mod protection;
pub(crate) mod table;
pub(crate) mod watchers;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use slipway_contract::holder::Holder;
use slipway_contract::record::{Record, STATES, Snapshot, State};
use slipway_fleet::{Leased, Seen};
use tokio::sync::watch;
use uuid::Uuid;

use crate::settings::LeaseSettings;
use table::{Proven, Refused, Table};
use watchers::Watchers;

pub struct Leases {
    epoch: String,
    per_service: usize,
    inner: Mutex<Inner>,
    revision: watch::Sender<u64>,
    /// Signals whenever a watcher says what it has applied.
    applied: watch::Sender<()>,
}

struct Inner {
    table: Table,
    watchers: Watchers,
}

impl Leases {
    pub(crate) fn new(settings: LeaseSettings, now: Instant) -> Self {
        let per_service = settings.per_service;
        let table = Table::new(settings, now);
        Self {
            epoch: Uuid::now_v7().to_string(),
            per_service,
            revision: watch::Sender::new(table.revision()),
            inner: Mutex::new(Inner {
                table,
                watchers: Watchers::default(),
            }),
            applied: watch::Sender::new(()),
        }
    }

    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(crate) fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// [`Table::renew`].
    pub(crate) fn renew(&self, record: &Record, now: Instant) -> Result<bool, Refused> {
        self.change(|inner| inner.table.renew(record, now))
    }

    /// [`Table::check_room`].
    pub(crate) fn check_room(&self, service: &str) -> Result<(), Refused> {
        self.lock().table.check_room(service)
    }

    /// [`Table::begin`].
    pub(crate) fn begin(
        &self,
        record: &Record,
        proven: Proven,
        now: Instant,
    ) -> Result<(), Refused> {
        self.change(|inner| inner.table.begin(record, proven, now))
    }

    /// [`Table::leave`]; it does not watch any more either.
    pub(crate) fn leave(&self, holder: &Holder, now: Instant) {
        self.change(|inner| {
            inner.watchers.forget(holder);
            inner.table.leave(holder, now);
        });
        self.applied.send_replace(());
    }

    /// [`Table::sweep`], and of the watchers.
    pub(crate) fn sweep(&self, now: Instant) {
        self.change(|inner| {
            inner.watchers.sweep(now);
            inner.table.sweep(now);
        });
        self.applied.send_replace(());
    }

    /// Leases, how many of them are not heard from, and whether none ends for that reason now.
    pub(crate) fn count(&self) -> (usize, usize, bool) {
        let inner = self.lock();
        let (leases, overdue) = inner.table.count();
        (leases, overdue, inner.table.is_protected())
    }

    /// All that is known, for an operator.
    pub(crate) fn leased(&self, now: Instant) -> Leased {
        let inner = self.lock();
        let all = inner.table.list().into_iter().map(|record| {
            let holder = Holder::of(&record);
            Seen {
                silent: inner.table.silent(&holder, now),
                watches: inner.watchers.applied(&holder),
                record,
            }
        });
        Leased {
            all: all.collect(),
            is_warming: inner.table.is_warming(now),
        }
    }

    /// All that is known, for a watcher that knows `states`: one of an earlier version would send nothing to an instance in a
    /// state that it does not know, and lose its last one.
    pub(crate) fn snapshot(&self, states: u8, now: Instant) -> Snapshot {
        let inner = self.lock();
        let mut instances = inner.table.list();
        if states < STATES {
            instances.retain(|record| record.state != State::Gone);
            for record in &mut instances {
                if record.state == State::Suspect {
                    record.state = State::Ready;
                }
            }
        }
        Snapshot {
            epoch: self.epoch.clone(),
            revision: inner.table.revision(),
            warming: inner.table.is_warming(now),
            instances,
        }
    }

    /// A poll begins; `revision` is what the watcher has applied. It lasts until the guard is dropped, also when the
    /// watcher was killed and its request with it. Watchers beyond those that a service can have instances are answered,
    /// and not waited for.
    pub(crate) fn watch(&self, watcher: &Holder, revision: u64, now: Instant) -> Option<Poll<'_>> {
        let mut inner = self.lock();
        let is_counted = inner
            .watchers
            .begin(watcher, revision, self.per_service, now);
        drop(inner);
        self.applied.send_replace(());
        is_counted.then(|| Poll {
            leases: self,
            watcher: watcher.clone(),
        })
    }

    /// Waits until the revision is above `revision`.
    pub(crate) async fn wait_for_change(&self, revision: u64) {
        let mut changes = self.revision.subscribe();
        let _ = changes.wait_for(|now| *now > revision).await;
    }

    /// Waits until every live watcher has applied `revision`. While we have just started, one that will watch may not have
    /// come back yet.
    pub(crate) async fn wait_for_watchers(&self, revision: u64) {
        let mut polls = self.applied.subscribe();
        let _ = polls
            .wait_for(|()| self.all_applied(revision, Instant::now()))
            .await;
    }

    fn all_applied(&self, revision: u64, now: Instant) -> bool {
        let inner = self.lock();
        !inner.table.is_warming(now) && inner.watchers.have_applied(revision, now)
    }

    /// Waits until nobody drains.
    pub(crate) async fn wait_for_the_leaving(&self) {
        let mut changes = self.revision.subscribe();
        let drains = |record: Record| record.state == State::Draining;
        let nobody = |_: &u64| !self.lock().table.list().into_iter().any(drains);
        let _ = changes.wait_for(nobody).await;
    }

    /// Changes what there is, and wakes those who wait for it.
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let outcome = change(&mut inner);
        let now = inner.table.revision();
        // Those who wait look at the table with the channel's lock: it is never taken inside of ours.
        drop(inner);
        self.revision.send_if_modified(|revision| {
            let is_newer = now > *revision;
            *revision = now.max(*revision);
            is_newer
        });
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open poll of a watcher.
pub(crate) struct Poll<'a> {
    leases: &'a Leases,
    watcher: Holder,
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        let mut inner = self.leases.lock();
        inner.watchers.end(&self.watcher, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn holder(service: &str) -> Holder {
        Holder {
            service: service.to_owned(),
            instance: "i".to_owned(),
        }
    }

    fn with(state: State, begin: Instant) -> Leases {
        let leases = Leases::new(LeaseSettings::default(), begin);
        let record = Record {
            service: "upload".to_owned(),
            instance: "i".to_owned(),
            addr: "127.0.0.1:1".to_owned(),
            state,
            version: "0".to_owned(),
            started_at: 0,
            name: String::new(),
        };
        let proven = Proven {
            address: "127.0.0.1:1".parse().expect("an address"),
            asked: Some(begin),
        };
        leases.begin(&record, proven, begin).expect("room");
        leases
    }

    #[test]
    fn a_drain_is_acknowledged_when_every_watcher_has_it_and_all_may_be_there() {
        let begin = Instant::now();
        let warm = begin + Duration::from_secs(10);
        let leases = with(State::Draining, begin);
        let revision = leases.revision();
        assert!(leases.all_applied(revision, warm), "nobody watches");
        assert!(
            !leases.all_applied(revision, begin),
            "but somebody may come"
        );
        let poll = leases.watch(&holder("gateway"), revision - 1, warm);
        assert!(!leases.all_applied(revision, warm));
        drop(poll);
        let _poll = leases.watch(&holder("gateway"), revision, warm);
        assert!(leases.all_applied(revision, warm));
        let _other = leases.watch(&holder("catalog"), 0, warm);
        assert!(!leases.all_applied(revision, warm));
        leases.leave(&holder("catalog"), warm);
        assert!(leases.all_applied(revision, warm), "it has left");
    }

    #[test]
    fn a_watcher_of_an_earlier_version_is_told_of_no_state_that_it_does_not_know() {
        let begin = Instant::now();
        let leases = with(State::Ready, begin);
        for second in 1..=11 {
            leases.sweep(begin + Duration::from_secs(second));
        }
        let states = |known| {
            let told = leases.snapshot(known, begin).instances.into_iter();
            told.map(|record| record.state).collect::<Vec<_>>()
        };
        assert_eq!(states(STATES), [State::Suspect]);
        assert_eq!(states(0), [State::Ready]);
        leases.leave(&holder("upload"), begin);
        assert_eq!(states(STATES), [State::Gone]);
        assert!(states(0).is_empty());
    }
}
