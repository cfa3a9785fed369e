//! The rules of a lease: no HTTP, and the time is a parameter.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slipway_contract::record::{Record, Snapshot};
use tokio::sync::watch;
use uuid::Uuid;

use crate::settings::LeaseSettings;

/// Time after its last poll in which a watcher counts as watching.
const WATCHER_LIFE: Duration = Duration::from_secs(5);

/// Every lease that this node knows, and how far each watcher is.
pub struct Leases {
    epoch: String,
    settings: LeaseSettings,
    begun: Instant,
    table: Mutex<LeaseTable>,
    revision: watch::Sender<u64>,
    applied: watch::Sender<u64>,
}

#[derive(Default)]
struct LeaseTable {
    leases: HashMap<Holder, Lease>,
    watchers: HashMap<Holder, Watcher>,
    warm: bool,
}

/// Who holds a lease or watches: the service that its certificate proves, and which of its instances it says it is. So
/// nobody can touch what belongs to another service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub service: String,
    pub instance: String,
}

struct Lease {
    /// Its address is the one at which the instance has proven itself.
    record: Record,
    /// The address as the instance has it.
    advertised: String,
    beaten: Instant,
}

/// Why a heartbeat is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "an instance keeps its address for its life: a process at another one is another instance"
    )]
    AddressChanged,
    #[error(
        "{0} has as many leases as a service may have: raise [lease] per_service if it has more instances"
    )]
    Full(String),
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
            table: Mutex::default(),
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

    /// Renews a lease that is there: a heartbeat carries the full record. A lease never goes back to an earlier state.
    /// `false` when there is none, and its address has to be proven first.
    pub fn renew(&self, record: &Record, now: Instant) -> Result<bool, Refused> {
        let mut table = self.table();
        let Some(lease) = table.leases.get_mut(&Holder::of(record)) else {
            return Ok(false);
        };
        if lease.advertised != record.addr {
            return Err(Refused::AddressChanged);
        }
        lease.beaten = now;
        let changed = record.state.follows(lease.record.state);
        if changed {
            lease.record.state = record.state;
        }
        drop(table);
        if changed {
            self.raise();
        }
        Ok(true)
    }

    /// Whether one more lease of `service` would be too many: whoever has one service's key could fill the memory of all.
    pub fn check_room(&self, service: &str) -> Result<(), Refused> {
        self.table().check_room(service, self.settings.per_service)
    }

    /// Begins the lease of an instance that has proven itself at `address`. A process at the address of another of its
    /// service takes its place at once, since the other cannot be there any more; with one service's key nobody ends the
    /// lease of another service.
    pub fn begin(&self, record: &Record, address: SocketAddr, now: Instant) -> Result<(), Refused> {
        let holder = Holder::of(record);
        let proven = Record {
            addr: address.to_string(),
            ..record.clone()
        };
        let mut table = self.table();
        // Of two first heartbeats at once with different addresses, one has come before.
        let there = table.leases.get(&holder);
        if there.is_some_and(|lease| lease.advertised != record.addr) {
            return Err(Refused::AddressChanged);
        }
        table.leases.retain(|other, lease| {
            other.service != holder.service
                || lease.record.addr != proven.addr
                || lease.record.started_at > record.started_at
        });
        table.check_room(&record.service, self.settings.per_service)?;
        let lease = Lease {
            record: proven,
            advertised: record.addr.clone(),
            beaten: now,
        };
        table.leases.insert(holder, lease);
        drop(table);
        self.raise();
        Ok(())
    }

    /// Ends a lease because its holder asks.
    pub fn leave(&self, holder: &Holder) {
        if self.table().leases.remove(holder).is_some() {
            self.raise();
        }
    }

    /// Ends the leases that were not renewed, and the warm-up.
    pub fn sweep(&self, now: Instant) {
        let mut table = self.table();
        let life = Duration::from_secs(self.settings.seconds);
        let before = table.leases.len();
        table
            .leases
            .retain(|_, lease| now.duration_since(lease.beaten) < life);
        table.watchers.retain(|_, watcher| {
            watcher.open > 0 || now.duration_since(watcher.last) < WATCHER_LIFE
        });
        let warms_up = !table.warm && !self.warming(now);
        table.warm |= warms_up;
        let changed = warms_up || table.leases.len() != before;
        drop(table);
        if changed {
            self.raise();
        }
    }

    /// Leases that have not ended.
    pub fn count(&self) -> i64 {
        self.table().leases.len().try_into().unwrap_or(i64::MAX)
    }

    /// All that is known.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let revision = self.revision();
        let table = self.table();
        let mut instances: Vec<_> = table
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
    /// Watchers beyond those that a service can have instances are answered, and not waited for.
    pub fn watch(&self, watcher: &Holder, revision: u64, now: Instant) -> Poll<'_> {
        let mut table = self.table();
        let of_service = table
            .watchers
            .keys()
            .filter(|other| other.service == watcher.service);
        let is_known = table.watchers.contains_key(watcher);
        if is_known || of_service.count() < self.settings.per_service {
            let entry = table.watchers.entry(watcher.clone()).or_insert(Watcher {
                applied: 0,
                open: 0,
                last: now,
            });
            entry.applied = revision;
            entry.open += 1;
            entry.last = now;
        }
        drop(table);
        self.applied.send_modify(|count| *count += 1);
        Poll {
            leases: self,
            watcher: watcher.clone(),
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
        self.table()
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

    fn table(&self) -> MutexGuard<'_, LeaseTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeaseTable {
    fn check_room(&self, service: &str, most: usize) -> Result<(), Refused> {
        let there = self.leases.keys();
        if there.filter(|holder| holder.service == service).count() >= most {
            return Err(Refused::Full(service.to_owned()));
        }
        Ok(())
    }
}

/// An open poll of a watcher.
pub struct Poll<'a> {
    leases: &'a Leases,
    watcher: Holder,
}

impl Holder {
    fn of(record: &Record) -> Self {
        Self {
            service: record.service.clone(),
            instance: record.instance.clone(),
        }
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.leases.table().watchers.get_mut(&self.watcher) {
            entry.open = entry.open.saturating_sub(1);
            entry.last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests;
