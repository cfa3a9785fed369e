//! Everybody, and what has to hold of what they know.

mod checks;
mod instances;
mod trouble;
mod watching;

use std::collections::HashMap;
use std::time::Instant;

use slipway_contract::record::{Record, State};
use slipway_peers::discovery::known::Known;

use super::chance::Chance;
use super::network::{End, Event, Network, Time};
use super::node::{Node, Running};
use crate::leases::table::Proven;
use slipway_contract::holder::Holder;

const SERVICES: [&str; 3] = ["upload", "download", "gateway"];
/// One address for each place that an instance may have.
const ADDRESSES: usize = 12;
const WATCHERS: usize = 3;
/// Trouble and quiet follow each other, so often.
const TROUBLE: (Time, Time) = (60_000, 240_000);
const QUIET: Time = 60_000;
const ROUNDS: u32 = 3;
/// The longest that a node is away.
const NODE_AWAY: Time = 40_000;
/// After the last trouble, until everybody has to know what is so.
const SETTLED: Time = 25_000;

struct Instance {
    address: usize,
    record: Record,
    lives: bool,
    stopped_until: Time,
    ready_at: Option<Time>,
    /// The watchers of whom it was said that they know that it leaves.
    told: Vec<usize>,
    closes: bool,
}

#[derive(Default)]
struct Watcher {
    known: Known,
    polls: Vec<Poll>,
}

#[derive(Clone, Default)]
struct Poll {
    number: u64,
    position: Option<(String, u64)>,
    /// Of the node that was asked.
    life: u64,
    /// The question or its answer met a way that was cut.
    is_lost: bool,
}

pub(super) struct Fleet {
    chance: Chance,
    network: Network,
    nodes: Vec<Node>,
    instances: Vec<Instance>,
    watchers: Vec<Watcher>,
    /// Whether nothing new happens to anybody, and since when nothing has happened.
    is_quiet: bool,
    quiet_since: Option<Time>,
    /// When a node could last not be reached well by a watcher.
    bad: HashMap<(usize, usize), Time>,
    acknowledged: u32,
}

impl Fleet {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let nodes = 1 + chance.index(3);
        let node = |_| Node {
            life: 0,
            began: 0,
            running: None,
            stopped_until: 0,
        };
        let watcher = |_| Watcher {
            known: Known::default(),
            polls: vec![Poll::default(); nodes],
        };
        let mut fleet = Self {
            chance,
            network: Network::new(),
            nodes: (0..nodes).map(node).collect(),
            instances: Vec::new(),
            watchers: (0..WATCHERS).map(watcher).collect(),
            is_quiet: false,
            quiet_since: None,
            bad: HashMap::new(),
            acknowledged: 0,
        };
        for node in 0..nodes {
            let late = fleet.chance.between(0, 5000);
            fleet.network.after(late, Event::NodeStarts { node });
            for watcher in 0..WATCHERS {
                fleet.network.after(late, Event::Looks { watcher, node });
            }
        }
        for address in 0..ADDRESSES {
            let late = fleet.chance.between(0, 3000);
            fleet.network.after(late, Event::Starts { address });
        }
        fleet.network.after(5000, Event::Trouble);
        fleet.network.after(0, Event::Check);
        fleet
    }

    /// Returns how many drains were acknowledged.
    pub(super) fn run(mut self) -> u32 {
        for _ in 0..ROUNDS {
            (self.is_quiet, self.quiet_since) = (false, None);
            let trouble = self.chance.between(TROUBLE.0, TROUBLE.1);
            self.pass(trouble);
            self.network.heal();
            self.is_quiet = true;
            let now = self.network.now;
            let stops = self.nodes.iter().map(|node| node.stopped_until);
            let last = stops.max().unwrap_or(now);
            self.pass(last.saturating_sub(now).max(NODE_AWAY));
            self.quiet_since = Some(self.network.now);
            self.pass(QUIET);
        }
        self.acknowledged
    }

    fn pass(&mut self, millis: Time) {
        let end = self.network.now + millis;
        while self.network.now < end {
            let event = self.network.next();
            self.happens(event);
        }
    }

    fn now(&self) -> (Time, Instant) {
        (self.network.now, self.network.instant(self.network.now))
    }

    fn happens(&mut self, event: Event) {
        let Some(node) = event.node() else {
            return self.happens_elsewhere(event);
        };
        let stopped_until = self.nodes[node].stopped_until;
        if stopped_until > self.network.now {
            let wait = stopped_until - self.network.now;
            return self.network.after(wait, event);
        }
        let (now, life) = (self.now(), self.nodes[node].life);
        let Some(running) = &mut self.nodes[node].running else {
            return;
        };
        match event {
            Event::Beat {
                instance, record, ..
            } => self.beat(node, instance, &record),
            Event::Met {
                record, asked, who, ..
            } => self.met(node, &record, asked, who.as_ref()),
            Event::Leave { record, .. } => running.table.leave(&Holder::of(&record), now.1),
            Event::Poll {
                watcher,
                number,
                position,
                ..
            } => running.begin_poll(watcher, number, position.as_ref(), now),
            Event::Closed {
                watcher, number, ..
            } => running.end_poll(watcher, number, now),
            Event::Answer { life: of, .. } if of == life => {
                for (watcher, number, snapshot) in running.answers(now) {
                    let told = Event::Told {
                        node,
                        watcher,
                        number,
                        snapshot,
                    };
                    let end = End::Watcher(watcher);
                    if !self.network.send(&mut self.chance, node, end, told) {
                        self.watchers[watcher].polls[node].is_lost = true;
                    }
                }
            }
            Event::Sweep { life: of, .. } if of == life => {
                running.sweep(now);
                self.network.after(1000, Event::Sweep { node, life });
                self.network.after(0, Event::Answer { node, life });
            }
            _ => {}
        }
        self.afterwards(node);
    }

    /// What a node does whenever something has happened to it.
    fn afterwards(&mut self, node: usize) {
        let (now, life) = (self.now(), self.nodes[node].life);
        let Some(running) = &mut self.nodes[node].running else {
            return;
        };
        if running.has_news() {
            self.network.after(20, Event::Answer { node, life });
        }
        let live = running.live_watchers(now.0);
        for (instance, all_know) in running.drained(now) {
            if !all_know {
                continue;
            }
            self.acknowledged += 1;
            let name = &self.instances[instance].record.instance;
            for watcher in &live {
                let state = self.watchers[*watcher].state(name);
                assert!(
                    !state.is_some_and(stays),
                    "acknowledged, and watcher {watcher} has it {state:?}"
                );
            }
            for watcher in &live {
                let state = self.watchers[*watcher].state(name);
                assert!(
                    !state.is_some_and(stays),
                    "acknowledged, and watcher {watcher} has it {state:?}"
                );
            }
            let told = Event::Acknowledged {
                instance,
                told: live.clone(),
            };
            let end = End::Address(self.instances[instance].address);
            self.network.send(&mut self.chance, node, end, told);
        }
    }

    fn beat(&mut self, node: usize, instance: usize, record: &Record) {
        let now = self.now();
        let running = self.nodes[node].running.as_mut().expect("it runs");
        match running.table.renew(record, now.1) {
            Ok(true) => running.hears(instance, record, now.0),
            Ok(false) if record.service == "gateway" => self.begin(node, record, None),
            Ok(false) => {
                let address = self.instances[instance].address;
                let asked = Event::Asked {
                    node,
                    record: record.clone(),
                    asked: now.0,
                };
                self.network
                    .send(&mut self.chance, node, End::Address(address), asked);
            }
            Err(_) => {}
        }
    }

    fn met(&mut self, node: usize, record: &Record, asked: Time, who: Option<&String>) {
        if who == Some(&record.instance) {
            self.begin(node, record, Some(asked));
        }
    }

    fn begin(&mut self, node: usize, record: &Record, asked: Option<Time>) {
        let (now, asked) = (self.now(), asked.map(|asked| self.network.instant(asked)));
        let running = self.nodes[node].running.as_mut().expect("it runs");
        let there = running.table.list().into_iter().find(|other| {
            other.addr == record.addr
                && other.state != State::Gone
                && other.instance != record.instance
        });
        let address = record.addr.parse().expect("an address");
        let began = running
            .table
            .begin(record, Proven { address, asked }, now.1);
        if let Some(there) = there
            && began.is_ok()
        {
            assert!(
                there.started_at <= record.started_at,
                "a zombie took the place of a later process"
            );
        }
        let mine = |one: &Instance| one.record.instance == record.instance;
        let instance = self
            .instances
            .iter()
            .position(mine)
            .expect("it is one of us");
        if began.is_ok() {
            running.hears(instance, record, now.0);
        }
    }

    fn happens_elsewhere(&mut self, event: Event) {
        match event {
            Event::NodeStarts { node } => self.start_node(node),
            Event::Starts { address } => self.start(address),
            Event::Asked {
                node,
                record,
                asked,
            } => self.asked(node, record, asked),
            Event::BeatDue { instance } => self.beat_due(instance),
            Event::Ready { instance } => {
                let one = &mut self.instances[instance];
                if one.record.state == State::Starting {
                    one.record.state = State::Ready;
                    one.ready_at = Some(self.network.now);
                    self.tell(instance);
                }
            }
            Event::Acknowledged { instance, told } => {
                self.instances[instance].told.extend(told);
                self.closes(instance);
            }
            Event::Closes { instance } => self.closes(instance),
            Event::Ends { instance } => self.ends(instance),
            Event::Told {
                node,
                watcher,
                number,
                snapshot,
            } => self.told(node, watcher, number, snapshot),
            Event::Looks { watcher, node } => self.looks(watcher, node),
            Event::Trouble => self.trouble(),
            Event::Check => self.check(),
            _ => unreachable!("it comes to a node"),
        }
    }

    fn start_node(&mut self, node: usize) {
        let now = self.now();
        let one = &mut self.nodes[node];
        if one.running.is_some() {
            return;
        }
        one.life += 1;
        one.began = now.0;
        let life = one.life;
        one.running = Some(Running::new(format!("{node}.{life}"), now.1));
        self.network.after(1000, Event::Sweep { node, life });
    }
}

impl Watcher {
    fn state(&self, instance: &str) -> Option<State> {
        let mut records = self.known.records().iter();
        records
            .find(|record| record.instance == instance)
            .map(|record| record.state)
    }
}

fn stays(state: State) -> bool {
    matches!(state, State::Starting | State::Ready | State::Suspect)
}
