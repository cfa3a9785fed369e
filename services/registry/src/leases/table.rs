//! The rules of leases as a function of the table, what happens, and the time.
//!
//! An instance says STARTING, READY and DRAINING of itself, in this order and never back. The table says two more: SUSPECT of
//! one that was READY and is not heard from, until it is again, and GONE of one that has left or whose place another has,
//! for a minute, in which its late heartbeats are refused. A lease that just ends says nothing: who was only cut off comes
//! back by its next heartbeat.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use slipway_contract::holder::Holder;
use slipway_contract::record::{Record, State};

use super::protection::{Count, Protection};
use crate::settings::LeaseSettings;

/// Time between two looks for leases that have ended.
pub(crate) const SWEEP: Duration = Duration::from_secs(1);
/// For how long it is said of somebody that it is gone: no heartbeat is on its way for longer.
const TOMBSTONE: Duration = Duration::from_mins(1);
/// After the last heartbeat, until the last instance of a service that is ready is forgotten: an address that may be wrong
/// is better than none.
const LAST: Duration = Duration::from_mins(10);

pub(crate) struct Table {
    settings: LeaseSettings,
    begun: Instant,
    swept: Instant,
    revision: u64,
    warm: bool,
    leases: BTreeMap<Holder, Lease>,
    gone: BTreeMap<Holder, (Record, Instant)>,
    protection: Protection,
}

struct Lease {
    /// As the instance says it, but for its address, which is the one at which it has proven itself.
    record: Record,
    /// The address as the instance has it.
    advertised: String,
    begun: Instant,
    beaten: Instant,
    /// Since when it is not heard from.
    overdue: Option<Instant>,
}

/// Where an instance was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven {
    pub(crate) address: SocketAddr,
    /// When it was asked there for its name. `None`: nobody calls it there, so it was not asked.
    pub(crate) asked: Option<Instant>,
}

/// Why a heartbeat is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "an instance keeps its address for its life: a process at another one is another instance"
    )]
    AddressChanged,
    #[error(
        "{0} has as many leases as a service may have: raise [lease] per_service if it has more instances"
    )]
    Full(String),
    #[error(
        "this instance has left, or another has its place: a process that starts anew is another instance"
    )]
    Gone,
    #[error("another instance was met at this address meanwhile: the next heartbeat tries again")]
    Overtaken,
}

impl Table {
    pub(crate) fn new(settings: LeaseSettings, now: Instant) -> Self {
        Self {
            settings,
            begun: now,
            swept: now,
            revision: 1,
            warm: false,
            leases: BTreeMap::new(),
            gone: BTreeMap::new(),
            protection: Protection::default(),
        }
    }

    /// Raised by every change of [`Table::list`], and when it is complete.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether it may not have heard from everybody yet.
    pub(crate) fn is_warming(&self, now: Instant) -> bool {
        now.duration_since(self.begun) < Duration::from_secs(self.settings.warm_up_seconds)
    }

    /// Whether nobody is forgotten now, since many fell silent at once.
    pub(crate) fn is_protected(&self) -> bool {
        self.protection.is_on()
    }

    /// Leases, and how many of them are not heard from.
    pub(crate) fn count(&self) -> (usize, usize) {
        let overdue = self.leases.values().filter(|lease| lease.overdue.is_some());
        (self.leases.len(), overdue.count())
    }

    /// Renews a lease that is there: a heartbeat carries the full record. `false` when there is none, and its address has to
    /// be proven first.
    pub(crate) fn renew(&mut self, record: &Record, now: Instant) -> Result<bool, Refused> {
        let holder = Holder::of(record);
        if self.gone.contains_key(&holder) {
            return Err(Refused::Gone);
        }
        let Some(lease) = self.leases.get_mut(&holder) else {
            return Ok(false);
        };
        if lease.advertised != record.addr {
            return Err(Refused::AddressChanged);
        }
        let before = lease.state();
        lease.beaten = now;
        lease.overdue = None;
        if record.state.follows(lease.record.state) {
            lease.record.state = record.state;
        }
        let changed = lease.state() != before;
        self.raise(changed);
        Ok(true)
    }

    /// Whether one more lease of `service` would be too many: whoever has one service's key could fill the memory of all. Who is
    /// silent makes room for who proves itself: leases that a flood has left would keep the service's next process out.
    pub(crate) fn check_room(&self, service: &str) -> Result<(), Refused> {
        let heard = |(holder, lease): &(&Holder, &Lease)| {
            holder.service == service && lease.overdue.is_none()
        };
        if self.leases.iter().filter(heard).count() >= self.settings.per_service {
            return Err(Refused::Full(service.to_owned()));
        }
        Ok(())
    }

    fn make_room(&mut self, service: &str) {
        let of_service = |(holder, _): &(&Holder, &Lease)| holder.service == service;
        if self.leases.iter().filter(of_service).count() >= self.settings.per_service {
            let silent = self.leases.iter().filter(of_service);
            let silent = silent.filter(|(_, lease)| lease.overdue.is_some());
            let longest = silent.min_by_key(|(_, lease)| lease.beaten);
            if let Some(longest) = longest.map(|(holder, _)| holder.clone()) {
                self.leases.remove(&longest);
            }
        }
    }

    /// Begins the lease of an instance that has proven itself. A process at the address of another of its service takes its
    /// place at once, since the other cannot be there any more; with one service's key nobody ends the lease of another
    /// service. Who is there now is decided by who was met there last, since a clock may have been set back between two
    /// processes; of those that are not met, by who says that it began later.
    pub(crate) fn begin(
        &mut self,
        record: &Record,
        proven: Proven,
        now: Instant,
    ) -> Result<(), Refused> {
        let holder = Holder::of(record);
        let addr = proven.address.to_string();
        // Of two first heartbeats at once, one has come before, and may have said more.
        if self.renew(record, now)? {
            return Ok(());
        }
        let rivals = self.leases.iter().filter(|(other, lease)| {
            other.service == holder.service && **other != holder && lease.record.addr == addr
        });
        let rivals: Vec<_> = rivals.map(|(other, _)| other.clone()).collect();
        for rival in rivals.iter().map(|rival| &self.leases[rival]) {
            match proven.asked {
                Some(asked) if rival.begun > asked => return Err(Refused::Overtaken),
                None if rival.record.started_at > record.started_at => return Err(Refused::Gone),
                _ => {}
            }
        }
        for rival in rivals {
            self.bury(&rival, now);
        }
        self.check_room(&record.service)?;
        self.make_room(&record.service);
        let lease = Lease {
            record: Record {
                addr,
                ..record.clone()
            },
            advertised: record.addr.clone(),
            begun: now,
            beaten: now,
            overdue: None,
        };
        self.leases.insert(holder, lease);
        self.raise(true);
        Ok(())
    }

    /// Ends a lease because its holder asks.
    pub(crate) fn leave(&mut self, holder: &Holder, now: Instant) {
        self.bury(holder, now);
    }

    /// Since the last heartbeat of who holds a lease; of who is gone, since that was said.
    pub(crate) fn silent(&self, holder: &Holder, now: Instant) -> Duration {
        let beaten = self.leases.get(holder).map(|lease| lease.beaten);
        let last = beaten.or_else(|| self.gone.get(holder).map(|(_, since)| *since));
        last.map_or(Duration::ZERO, |last| now.duration_since(last))
    }

    /// Everybody, in the order of service and instance.
    pub(crate) fn list(&self) -> Vec<Record> {
        let living = self.leases.values().map(|lease| Record {
            state: lease.state(),
            ..lease.record.clone()
        });
        let gone = self.gone.values().map(|(record, _)| record.clone());
        let mut all: Vec<_> = living.chain(gone).collect();
        all.sort_by(|a, b| (&a.service, &a.instance).cmp(&(&b.service, &b.instance)));
        all
    }

    /// Looks who is not heard from, and ends leases; every second.
    pub(crate) fn sweep(&mut self, now: Instant) {
        let suspect = Duration::from_secs(self.settings.seconds);
        let late = now.duration_since(self.swept).saturating_sub(SWEEP);
        self.swept = now;
        // We hung, and could not have heard anybody.
        if late > suspect / 2 {
            for lease in self.leases.values_mut() {
                lease.beaten = (lease.beaten + late).min(now);
            }
        }
        let buried = self.gone.len();
        self.gone
            .retain(|_, (_, since)| now.duration_since(*since) < TOMBSTONE);
        self.raise(self.gone.len() != buried);
        if self.is_warming(now) {
            return;
        }
        let warms_up = !std::mem::replace(&mut self.warm, true);
        let mut changed = warms_up;
        let mut newly = 0;
        for lease in self.leases.values_mut() {
            if now.duration_since(lease.beaten) >= suspect {
                let before = lease.state();
                let since = *lease.overdue.get_or_insert(now);
                newly += usize::from(Protection::is_newly(since, now));
                changed |= lease.state() != before;
            }
        }
        self.raise(changed);
        let (leases, overdue) = self.count();
        let count = Count {
            leases,
            overdue,
            newly,
        };
        let most = self.protection.step(count, now);
        for holder in self.ended(now).into_iter().take(most) {
            let Holder { service, instance } = &holder;
            tracing::info!(service, instance, "a lease has ended: no heartbeat came");
            self.leases.remove(&holder);
            self.raise(true);
        }
    }

    /// Whose lease is over, in no order that favours anybody. Who was ready is suspected first; who begins or leaves is not.
    fn ended(&self, now: Instant) -> Vec<Holder> {
        let Self { settings, .. } = self;
        let is_over = |(holder, lease): &(&Holder, &Lease)| {
            let life = match lease.record.state {
                State::Starting | State::Draining => settings.seconds,
                _ => settings.gone_seconds,
            };
            let silent = now.duration_since(lease.beaten);
            silent >= Duration::from_secs(life) && !(silent < LAST && self.is_last(holder, lease))
        };
        let over = self.leases.iter().filter(is_over);
        let mut over: Vec<_> = over.map(|(holder, _)| holder.clone()).collect();
        over.sort_by_cached_key(|holder| {
            let mut hasher = DefaultHasher::new();
            (self.revision, holder).hash(&mut hasher);
            hasher.finish()
        });
        over
    }

    /// Whether it was ready, and nobody else of its service that was is heard from later.
    fn is_last(&self, holder: &Holder, lease: &Lease) -> bool {
        let later = |(other, there): (&Holder, &Lease)| {
            other.service == holder.service
                && there.record.state == State::Ready
                && (there.beaten, other) > (lease.beaten, holder)
        };
        lease.record.state == State::Ready && !self.leases.iter().any(later)
    }

    /// Ends a lease for good. Of one service no more are kept in mind than may live.
    fn bury(&mut self, holder: &Holder, now: Instant) {
        let Some(lease) = self.leases.remove(holder) else {
            return;
        };
        let of_service = |other: &&Holder| other.service == holder.service;
        if self.gone.keys().filter(of_service).count() >= self.settings.per_service {
            let gone = self.gone.iter().filter(|(other, _)| of_service(other));
            let oldest = gone.min_by_key(|(_, (_, since))| *since);
            if let Some(oldest) = oldest.map(|(other, _)| other.clone()) {
                self.gone.remove(&oldest);
            }
        }
        let record = Record {
            state: State::Gone,
            ..lease.record
        };
        self.gone.insert(holder.clone(), (record, now));
        self.raise(true);
    }

    fn raise(&mut self, changed: bool) {
        self.revision += u64::from(changed);
    }
}

impl Lease {
    /// What is said of it.
    fn state(&self) -> State {
        match self.record.state {
            State::Ready if self.overdue.is_some() => State::Suspect,
            said => said,
        }
    }
}

#[cfg(test)]
mod tests;
