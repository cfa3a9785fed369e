//! What a watcher makes of what the registry's nodes say, as a function of what it knew and the time.
//!
//! Nodes know nothing of each other, so each may be behind: what one says of an instance that is further on counts, and
//! whoever was said to leave is never READY again. Nobody is forgotten on the word of a node that cannot know: one that has
//! just started, or does not answer. And nobody forgets all instances of a service at once because a list came without
//! them, unless it was said where they went.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use slipway_contract::record::{Record, Snapshot, State};

/// For how long the last word of a node that does not answer counts in full, and then for how long at all, beside those
/// that do: as long as it would have counted there itself without a heartbeat.
const FRESH_WORD: Duration = Duration::from_secs(10);
const LAST_WORD: Duration = Duration::from_secs(30);
/// For how long a service whose every instance is missing without a word is taken to be there: a registry that lost its
/// memory has it again long before.
const MISSING: Duration = Duration::from_mins(1);

/// For how long after it was last listed it is known of somebody that it leaves or is gone. A node that hung meanwhile may
/// still list it as READY; none lists for longer who is not heard from.
const REMEMBERED: Duration = Duration::from_mins(15);

/// Service and instance.
pub type Key = (String, String);

/// Everything that is known of the others.
#[derive(Debug, Default)]
pub struct Known {
    records: Vec<Record>,
    /// The last answer of each node, by its address.
    answers: BTreeMap<String, Answer>,
    /// Who is leaving or has left, and when it was last listed.
    leaving: BTreeMap<Key, Instant>,
    gone: BTreeMap<Key, Instant>,
    /// The services whose every instance is missing, since when.
    missing: BTreeMap<String, Instant>,
}

#[derive(Debug)]
struct Answer {
    snapshot: Snapshot,
    /// Since when the node does not answer.
    silent: Option<Instant>,
}

impl Known {
    /// Begins with what was known before any node answers.
    pub fn new(records: Vec<Record>) -> Self {
        Self {
            records,
            ..Self::default()
        }
    }

    /// Everybody who is there, in the order of their keys.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether no node answers.
    pub fn is_kept(&self) -> bool {
        self.answers.values().all(|answer| answer.silent.is_some())
    }

    /// Whether a node is still in the epoch of its last answer, and has been in it long enough that who watches may have
    /// come to it.
    pub fn is_warm(&self, node: &str, epoch: &str) -> bool {
        self.answers
            .get(node)
            .is_some_and(|Answer { snapshot, silent }| {
                silent.is_none() && snapshot.epoch == epoch && !snapshot.warming
            })
    }

    /// Takes `records` for all that is there.
    pub fn replace(&mut self, records: Vec<Record>) {
        self.records = records;
    }

    /// Adds who is known to live though no node says so. Whoever had the address of one of them is gone.
    pub fn meet(&mut self, living: &[Record]) -> bool {
        let new = living.iter().filter(|other| !holds(&self.records, other));
        let new: Vec<_> = new.cloned().collect();
        self.records.retain(|record| !is_replaced(record, &new));
        self.records.extend(new.iter().cloned());
        !new.is_empty()
    }

    /// The instance has said itself that it leaves.
    pub fn leaves(&mut self, service: &str, instance: &str, now: Instant) -> bool {
        let is = |record: &&mut Record| record.service == service && record.instance == instance;
        let Some(record) = self.records.iter_mut().find(is) else {
            return false;
        };
        if !may_yet_leave(record.state) {
            return false;
        }
        record.state = State::Draining;
        self.leaving.insert(key(record), now).is_none()
    }

    /// Takes a node's answer, or `None` when it does not answer: then the others' count, and when none answers what was
    /// last known stays. Returns whether something is new.
    pub fn apply(&mut self, node: &str, answer: Option<Snapshot>, now: Instant) -> bool {
        match answer {
            Some(snapshot) => {
                let silent = None;
                self.answers
                    .insert(node.to_owned(), Answer { snapshot, silent });
            }
            None => {
                if let Some(answer) = self.answers.get_mut(node) {
                    answer.silent.get_or_insert(now);
                }
            }
        }
        if self.is_kept() {
            return false;
        }
        self.answers.retain(|_, answer| {
            answer
                .silent
                .is_none_or(|since| now.duration_since(since) < LAST_WORD)
        });
        let mut records = self.said(now);
        if self.answers.values().any(|answer| answer.snapshot.warming) {
            self.keep(&mut records, |_| true);
        }
        self.keep_missing(&mut records, now);
        for left in [&mut self.leaving, &mut self.gone] {
            for record in &records {
                if let Some(listed) = left.get_mut(&key(record)) {
                    *listed = now;
                }
            }
            left.retain(|_, listed| now.duration_since(*listed) < REMEMBERED);
        }
        records.sort_by_key(key);
        let changed = records != self.records;
        self.records = records;
        changed
    }

    /// The union of what the nodes say: of each instance what is further on, and nothing that takes back what was said.
    fn said(&mut self, now: Instant) -> Vec<Record> {
        let mut said: BTreeMap<Key, Record> = BTreeMap::new();
        for answer in self.answers.values() {
            let is_old = |since| now.duration_since(since) >= FRESH_WORD;
            let doubtful = answer.silent.is_some_and(is_old);
            for record in &answer.snapshot.instances {
                let mut record = record.clone();
                if doubtful && record.state == State::Ready {
                    record.state = State::Suspect;
                }
                match record.state {
                    State::Draining => _ = self.leaving.insert(key(&record), now),
                    State::Gone => _ = self.gone.insert(key(&record), now),
                    _ => {}
                }
                let best = said.entry(key(&record)).or_insert_with(|| record.clone());
                if certainty(record.state) > certainty(best.state) {
                    *best = record;
                }
            }
        }
        said.retain(|key, _| !self.gone.contains_key(key));
        for (key, record) in &mut said {
            if self.leaving.contains_key(key) && may_yet_leave(record.state) {
                record.state = State::Draining;
            }
        }
        said.into_values().collect()
    }

    /// Leaves in `records` those of before that `wanted` says, but for whoever is gone or whose address another instance of
    /// the service has now. Each service for itself: one that says the name or the address of another's instance takes
    /// nobody's place.
    fn keep(&self, records: &mut Vec<Record>, wanted: impl Fn(&Record) -> bool) {
        let lost = |record: &&Record| {
            wanted(record)
                && !holds(records, record)
                && !is_replaced(record, records)
                && !self.gone.contains_key(&key(record))
        };
        let kept: Vec<_> = self.records.iter().filter(lost).cloned().collect();
        records.extend(kept);
    }

    /// A service of which nobody is left that takes traffic, and of whom nobody said where they went.
    fn keep_missing(&mut self, records: &mut Vec<Record>, now: Instant) {
        let takes = |records: &[Record]| -> BTreeSet<String> {
            let there = records.iter().filter(|record| record.state.takes_traffic());
            there.map(|record| record.service.clone()).collect()
        };
        let there = takes(records);
        let missing = &takes(&self.records) - &there;
        self.missing.retain(|service, _| missing.contains(service));
        for service in missing {
            let before = records.len();
            self.keep(records, |record| {
                let is_lost = matches!(record.state, State::Ready | State::Suspect);
                is_lost && record.service == service
            });
            if records.len() == before {
                continue;
            }
            let since = *self.missing.entry(service.clone()).or_insert_with(|| {
                tracing::warn!(service, "all instances are missing in what the registry says, without a word where they went: they are asked on for a minute");
                now
            });
            if now.duration_since(since) >= MISSING {
                records.truncate(before);
                self.missing.remove(&service);
                continue;
            }
            for record in &mut records[before..] {
                record.state = State::Suspect;
            }
        }
    }
}

/// Of two states that nodes say of one instance the higher counts. A node that suspects it only did not hear from it.
fn certainty(state: State) -> u8 {
    match state {
        State::Starting => 0,
        State::Suspect => 1,
        State::Ready => 2,
        State::Draining => 3,
        State::Unknown => 4,
        State::Gone => 5,
    }
}

/// Whether an instance in this state is not known to leave.
fn may_yet_leave(state: State) -> bool {
    matches!(state, State::Starting | State::Ready | State::Suspect)
}

fn key(record: &Record) -> Key {
    (record.service.clone(), record.instance.clone())
}

fn holds(records: &[Record], other: &Record) -> bool {
    let is = |record: &Record| record.service == other.service && record.instance == other.instance;
    records.iter().any(is)
}

/// Whether another instance of the service has the address of `record`.
fn is_replaced(record: &Record, by: &[Record]) -> bool {
    let same = |other: &Record| {
        other.service == record.service
            && other.addr == record.addr
            && other.instance != record.instance
    };
    by.iter().any(same)
}

#[cfg(test)]
mod tests;
