//! What each instance last reported, and since when it is as it is: in memory, as leases are. Nothing is decided by it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slipway_contract::fleet::{InstanceStanding, Report, ServiceStanding, shortened};
use slipway_contract::holder::Holder;
use slipway_contract::record::{Record, State};
use slipway_contract::services;
use slipway_runtime::clock;

/// Seconds between heartbeats where nobody says it: what earlier versions had.
const PERIOD: u64 = 3;
/// What a heartbeat may be late beyond its period and the tenth by which that varies: a machine under load loses some
/// time, and who was stopped is to be named within five seconds.
const LATE: Duration = Duration::from_millis(700);

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Reports(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    reports: HashMap<Holder, Report>,
    /// Since when, in Unix milliseconds, it is in its state.
    states: HashMap<Holder, (State, i64)>,
    /// Services of which nobody takes traffic, and since when.
    absent: BTreeMap<&'static str, i64>,
}

/// What the leases know at one moment.
pub struct Leased {
    /// This node among them, which has no lease.
    pub all: Vec<Seen>,
    /// Whether somebody may not have been heard yet.
    pub is_warming: bool,
}

/// An instance as the leases have it.
pub struct Seen {
    pub record: Record,
    /// Since its last heartbeat.
    pub silent: Duration,
    /// The revision that it has applied, of one that watches.
    pub watches: Option<u64>,
}

impl Seen {
    /// The process that asks itself.
    pub fn here(record: Record) -> Self {
        Self {
            record,
            silent: Duration::ZERO,
            watches: None,
        }
    }
}

impl Reports {
    /// Takes what came with a heartbeat that was taken.
    pub fn hear(&self, record: &Record, report: Option<Report>) {
        if let Some(report) = report {
            let report = report.shown(clock::unix_millis());
            self.lock().reports.insert(Holder::of(record), report);
        }
    }

    /// Takes all that is there at `now`, Unix milliseconds: whoever is not is forgotten. It is looked at with what was
    /// heard held, so that nobody who has just come is taken for one who has gone.
    pub fn observe(&self, leased: impl FnOnce() -> Leased, now: i64) -> Leased {
        let mut known = self.lock();
        let leased = leased();
        let all = leased.all.iter().map(|seen| &seen.record);
        let there: HashSet<_> = all.clone().map(Holder::of).collect();
        known.reports.retain(|holder, _| there.contains(holder));
        known.states.retain(|holder, _| there.contains(holder));
        for record in all.clone() {
            let standing = known.states.entry(Holder::of(record));
            let standing = standing.or_insert((record.state, now));
            if standing.0 != record.state {
                *standing = (record.state, now);
            }
        }
        for service in services::NAMES {
            let takes = |record: &Record| record.service == service && record.state.takes_traffic();
            if all.clone().any(takes) {
                known.absent.remove(service);
            } else {
                known.absent.entry(service).or_insert(now);
            }
        }
        leased
    }

    /// The services of the table and those of an operator's own, with their instances.
    pub(crate) fn standings(&self, all: Vec<Seen>, now: i64) -> Vec<ServiceStanding> {
        let known = self.lock();
        let mut names: Vec<_> = services::NAMES
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        for seen in &all {
            if !names.contains(&seen.record.service) {
                names.push(seen.record.service.clone());
            }
        }
        let mut standings: Vec<_> = names
            .into_iter()
            .map(|service| ServiceStanding {
                absent_since: known
                    .absent
                    .get(service.as_str())
                    .copied()
                    .map(clock::rfc3339),
                service,
                instances: Vec::new(),
            })
            .collect();
        for seen in all {
            let of = |standing: &&mut ServiceStanding| standing.service == seen.record.service;
            if let Some(standing) = standings.iter_mut().find(of) {
                standing.instances.push(known.standing(seen, now));
            }
        }
        standings
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn standing(&self, seen: Seen, now: i64) -> InstanceStanding {
        let Seen {
            record,
            silent,
            watches,
        } = seen;
        let holder = Holder::of(&record);
        let report = self.reports.get(&holder).cloned();
        let since = self.states.get(&holder).map_or(now, |(_, since)| *since);
        InstanceStanding {
            overdue: is_overdue(record.state, silent, report.as_ref()),
            // An earlier version does not say what it is called.
            name: if record.name.is_empty() {
                record.instance.clone()
            } else {
                shortened(&record.name)
            },
            instance: record.instance,
            addr: record.addr,
            version: shortened(&record.version),
            state: record.state,
            since: clock::rfc3339(since),
            state_seconds: u64::try_from((now - since) / 1000).unwrap_or(0),
            heard_seconds: silent.as_secs(),
            watches,
            report,
        }
    }
}

/// Whether a heartbeat should have come. One that leaves waits for an answer and is silent for that time.
fn is_overdue(state: State, silent: Duration, report: Option<&Report>) -> bool {
    let period = report
        .map(|report| report.heartbeat_seconds)
        .filter(|period| *period > 0);
    let period = Duration::from_secs(period.unwrap_or(PERIOD));
    let late = silent > period.mul_f64(1.1) + LATE;
    state == State::Suspect || late && matches!(state, State::Starting | State::Ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(service: &str, state: State) -> Record {
        Record {
            service: service.to_owned(),
            instance: "i".to_owned(),
            addr: "127.0.0.1:1".to_owned(),
            state,
            version: "0".to_owned(),
            started_at: 0,
            name: String::new(),
        }
    }

    fn seen(record: Record, silent: u64) -> Seen {
        Seen {
            record,
            silent: Duration::from_secs(silent),
            watches: None,
        }
    }

    fn of(standings: &[ServiceStanding], service: &str) -> ServiceStanding {
        let found = standings
            .iter()
            .find(|standing| standing.service == service);
        found.expect("every service is told").clone()
    }

    #[test]
    fn a_heartbeat_is_missed_after_its_own_period() {
        let missed = |state, millis, period| {
            let report = Report {
                heartbeat_seconds: period,
                ..Report::default()
            };
            is_overdue(state, Duration::from_millis(millis), Some(&report))
        };
        assert!(!missed(State::Ready, 3900, 3) && missed(State::Ready, 4100, 3));
        assert!(!missed(State::Ready, 11_000, 10));
        assert!(missed(State::Ready, 4100, 0), "an earlier version");
        assert!(!missed(State::Draining, 9000, 3) && !missed(State::Gone, 60_000, 3));
        assert!(missed(State::Suspect, 0, 3));
    }

    #[test]
    fn it_is_told_since_when_somebody_is_as_he_is_and_since_when_nobody_is_there() {
        let reports = Reports::default();
        let told_at = |seen: Vec<Seen>, at, service: &str| {
            let leased = || Leased {
                all: seen,
                is_warming: false,
            };
            let Leased { all, .. } = reports.observe(leased, at);
            of(&reports.standings(all, at), service)
        };
        let starting = || seen(record("upload", State::Starting), 0);
        told_at(vec![starting()], 1000, "upload");
        let told = told_at(vec![starting()], 4000, "upload");
        assert_eq!(
            told.absent_since,
            Some(clock::rfc3339(1000)),
            "it takes no traffic yet"
        );
        assert_eq!(
            (told.instances[0].state_seconds, told.instances[0].overdue),
            (3, false)
        );
        let ready = record("upload", State::Ready);
        reports.hear(&ready, Some(Report::default()));
        let told = told_at(vec![seen(ready, 9)], 5000, "upload");
        assert_eq!(
            (told.absent_since, told.instances[0].state_seconds),
            (None, 0)
        );
        assert!(told.instances[0].overdue && told.instances[0].report.is_some());
        let told = told_at(Vec::new(), 7000, "upload");
        assert_eq!(told.absent_since, Some(clock::rfc3339(7000)));
        let again = told_at(
            vec![seen(record("upload", State::Ready), 0)],
            8000,
            "upload",
        );
        assert!(
            again.instances[0].report.is_none(),
            "who was away is forgotten"
        );
        let own = told_at(vec![seen(record("hello", State::Ready), 0)], 9000, "hello");
        assert_eq!(own.instances.len(), 1, "a service of an operator's own");
    }
}
