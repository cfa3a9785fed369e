//! A node of the registry: the rules of leases and watchers, with polls that are held and drains that wait.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use slipway_contract::record::{Record, Snapshot, State};

use super::network::Time;
use crate::leases::table::Table;
use crate::leases::watchers::Watchers;
use crate::settings::LeaseSettings;
use slipway_contract::holder::Holder;

/// The longest that a poll is held and a drain waited for, and how long a watcher counts after its poll.
const POLL: Time = 30_000;
const DRAIN: Time = 5_000;
const LIFE: Time = 10_000;
/// After which one that is heard again may have been suspected.
pub(super) const SILENT: Time = 9_000;

pub(super) struct Node {
    /// Raised at every start and end.
    pub(super) life: u64,
    pub(super) began: Time,
    pub(super) running: Option<Running>,
    pub(super) stopped_until: Time,
}

/// What a node loses when it ends.
pub(super) struct Running {
    pub(super) table: Table,
    pub(super) watchers: Watchers,
    epoch: String,
    /// Open polls by watcher and number: the revision, and when each began.
    polls: HashMap<(usize, u64), (u64, Time)>,
    seen: HashMap<usize, Time>,
    /// Whether polls are answered in a moment.
    is_answering: bool,
    /// Instances that wait to hear that all know that they drain: the revision, and until when.
    drains: Vec<(usize, u64, Time)>,
    /// When each READY instance was first and last heard.
    pub(super) heard: HashMap<String, (Time, Time)>,
    pub(super) protected_since: Option<Time>,
}

impl Running {
    pub(super) fn new(epoch: String, now: Instant) -> Self {
        Self {
            table: Table::new(LeaseSettings::default(), now),
            watchers: Watchers::default(),
            epoch,
            polls: HashMap::new(),
            seen: HashMap::new(),
            is_answering: false,
            drains: Vec::new(),
            heard: HashMap::new(),
            protected_since: None,
        }
    }

    /// A heartbeat was taken.
    pub(super) fn hears(&mut self, instance: usize, record: &Record, now: Time) {
        if record.state == State::Ready {
            let (first, last) = self
                .heard
                .entry(record.instance.clone())
                .or_insert((now, now));
            if now - *last > SILENT {
                *first = now;
            }
            *last = now;
        }
        if record.state == State::Draining {
            self.drains
                .push((instance, self.table.revision(), now + DRAIN));
        }
    }

    pub(super) fn begin_poll(
        &mut self,
        watcher: usize,
        number: u64,
        position: Option<&(String, u64)>,
        now: (Time, Instant),
    ) {
        let applied = position
            .filter(|(epoch, revision)| *epoch == self.epoch && *revision <= self.table.revision());
        let revision = applied.map_or(0, |(_, revision)| *revision);
        assert!(self.watchers.begin(&holder(watcher), revision, 64, now.1));
        self.polls.insert((watcher, number), (revision, now.0));
        self.seen.insert(watcher, now.0);
    }

    pub(super) fn end_poll(&mut self, watcher: usize, number: u64, now: (Time, Instant)) {
        if self.polls.remove(&(watcher, number)).is_some() {
            self.watchers.end(&holder(watcher), now.1);
            self.seen.insert(watcher, now.0);
        }
    }

    /// Whether polls are to be answered in a moment, for which nothing was done yet.
    pub(super) fn has_news(&mut self) -> bool {
        let revision = self.table.revision();
        let is_behind = |(applied, _): &(u64, Time)| *applied < revision;
        let begins = !self.is_answering && self.polls.values().any(is_behind);
        self.is_answering |= begins;
        begins
    }

    /// Ends the polls that have news, or were held for long.
    pub(super) fn answers(&mut self, now: (Time, Instant)) -> Vec<(usize, u64, Snapshot)> {
        self.is_answering = false;
        let revision = self.table.revision();
        let polls = self.polls.iter();
        let over =
            polls.filter(|(_, (applied, begun))| *applied < revision || now.0 - begun > POLL);
        let mut behind: Vec<_> = over.map(|(poll, _)| *poll).collect();
        behind.sort_unstable();
        let told = Snapshot {
            epoch: self.epoch.clone(),
            revision,
            warming: self.table.is_warming(now.1),
            instances: self.table.list(),
        };
        let answer = |(watcher, number)| {
            self.end_poll(watcher, number, now);
            (watcher, number, told.clone())
        };
        behind.into_iter().map(answer).collect()
    }

    /// The drains that are over, with whether everybody knows.
    pub(super) fn drained(&mut self, now: (Time, Instant)) -> Vec<(usize, bool)> {
        let is_warming = self.table.is_warming(now.1);
        let mut over = Vec::new();
        let watchers = &self.watchers;
        self.drains.retain(|(instance, revision, until)| {
            let known = !is_warming && watchers.have_applied(*revision, now.1);
            if known || now.0 >= *until {
                over.push((*instance, known));
            }
            !known && now.0 < *until
        });
        over
    }

    /// The watchers that a drain waits for.
    pub(super) fn live_watchers(&self, now: Time) -> Vec<usize> {
        let open = |watcher| self.polls.keys().any(|(other, _)| *other == watcher);
        let seen = self.seen.iter();
        seen.filter(|(watcher, last)| open(**watcher) || now - **last < LIFE)
            .map(|(watcher, _)| *watcher)
            .collect()
    }

    /// One look for leases that have ended, held against what it may do.
    pub(super) fn sweep(&mut self, now: (Time, Instant)) {
        let living = |table: &Table| {
            let mut list = table.list();
            list.retain(|record| record.state != State::Gone);
            list
        };
        let before = living(&self.table);
        self.watchers.sweep(now.1);
        self.table.sweep(now.1);
        let after = living(&self.table);
        let is_there =
            |record: &Record| after.iter().any(|other| other.instance == record.instance);
        let ended: Vec<_> = before.iter().filter(|record| !is_there(record)).collect();
        assert!(
            ended.len() <= 1.max(before.len() * 15 / 100),
            "{} of {} ended at once",
            ended.len(),
            before.len()
        );
        assert!(
            ended.is_empty() || !self.table.is_warming(now.1),
            "nobody is forgotten in the warm-up"
        );
        for record in ended {
            let is_alone = !after
                .iter()
                .any(|other| other.service == record.service && was_ready(other.state));
            let silent = now.0
                - self
                    .heard
                    .get(&record.instance)
                    .map_or(0, |(_, last)| *last);
            let may_end = !is_alone
                || !was_ready(record.state)
                || Duration::from_millis(silent) >= Duration::from_mins(10);
            assert!(
                may_end,
                "the last of {} was forgotten after {silent} ms",
                record.service
            );
        }
        if !self.table.is_protected() {
            self.protected_since = None;
            return;
        }
        let since = *self.protected_since.get_or_insert(now.0);
        assert!(now.0 - since < 300_000, "protection does not end");
    }
}

fn was_ready(state: State) -> bool {
    matches!(state, State::Ready | State::Suspect)
}

fn holder(watcher: usize) -> Holder {
    Holder {
        service: "gateway".to_owned(),
        instance: watcher.to_string(),
    }
}
