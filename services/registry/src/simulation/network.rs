//! What is on its way, and which ways are cut.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use slipway_contract::record::{Record, Snapshot};

use super::chance::Chance;

/// Milliseconds of the simulation.
pub(super) type Time = u64;

/// The other end of a node's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// Whoever has this address.
    Address(usize),
    Watcher(usize),
}

/// What happens at its time.
#[derive(Clone, Debug)]
pub(super) enum Event {
    // At a node.
    Beat {
        node: usize,
        instance: usize,
        record: Record,
    },
    Met {
        node: usize,
        record: Record,
        asked: Time,
        who: Option<String>,
    },
    Leave {
        node: usize,
        record: Record,
    },
    Poll {
        node: usize,
        watcher: usize,
        number: u64,
        position: Option<(String, u64)>,
    },
    /// The watcher has closed the connection of its poll.
    Closed {
        node: usize,
        watcher: usize,
        number: u64,
    },
    Answer {
        node: usize,
        life: u64,
    },
    Sweep {
        node: usize,
        life: u64,
    },
    NodeStarts {
        node: usize,
    },
    // At an instance.
    Asked {
        node: usize,
        record: Record,
        asked: Time,
    },
    BeatDue {
        instance: usize,
    },
    Ready {
        instance: usize,
    },
    Acknowledged {
        instance: usize,
        told: Vec<usize>,
    },
    Closes {
        instance: usize,
    },
    Ends {
        instance: usize,
    },
    Starts {
        address: usize,
    },
    // At a watcher.
    Told {
        node: usize,
        watcher: usize,
        number: u64,
        snapshot: Snapshot,
    },
    Looks {
        watcher: usize,
        node: usize,
    },
    // Of the world.
    Trouble,
    Check,
}

impl Event {
    /// The node that it comes to.
    pub(super) fn node(&self) -> Option<usize> {
        match self {
            Self::Beat { node, .. }
            | Self::Met { node, .. }
            | Self::Leave { node, .. }
            | Self::Poll { node, .. }
            | Self::Closed { node, .. }
            | Self::Answer { node, .. }
            | Self::Sweep { node, .. } => Some(*node),
            _ => None,
        }
    }
}

pub(super) struct Network {
    pub(super) now: Time,
    begun: Instant,
    queue: BTreeMap<(Time, u64), Event>,
    sent: u64,
    cuts: HashMap<(usize, End), Time>,
    /// Whether packets are lost: what is sent comes, but late.
    pub(super) is_lossy: bool,
    /// Until when something late is on its way.
    pub(super) late_until: Time,
}

impl Network {
    pub(super) fn new() -> Self {
        Self {
            now: 0,
            begun: Instant::now(),
            queue: BTreeMap::new(),
            sent: 0,
            cuts: HashMap::new(),
            is_lossy: false,
            late_until: 0,
        }
    }

    /// The simulation's clock for the rules.
    pub(super) fn instant(&self, at: Time) -> Instant {
        self.begun + Duration::from_millis(at)
    }

    pub(super) fn after(&mut self, millis: Time, event: Event) {
        self.sent += 1;
        self.queue.insert((self.now + millis, self.sent), event);
    }

    pub(super) fn next(&mut self) -> Event {
        let ((at, _), event) = self.queue.pop_first().expect("the checks never end");
        self.now = at;
        event
    }

    pub(super) fn is_cut(&self, node: usize, end: End) -> bool {
        self.cuts
            .get(&(node, end))
            .is_some_and(|until| *until > self.now)
    }

    pub(super) fn cut(&mut self, node: usize, end: End, millis: Time) {
        let until = self.cuts.entry((node, end)).or_default();
        *until = (*until).max(self.now + millis);
    }

    pub(super) fn heal(&mut self) {
        self.cuts.clear();
        self.is_lossy = false;
    }

    /// Sends between a node and `end`; `false` when the way is cut.
    pub(super) fn send(
        &mut self,
        chance: &mut Chance,
        node: usize,
        end: End,
        event: Event,
    ) -> bool {
        if self.is_cut(node, end) {
            return false;
        }
        let late = if self.is_lossy && chance.percent(10) {
            chance.between(200, 3000)
        } else {
            0
        };
        self.late_until = self.late_until.max((self.now + late) * u64::from(late > 0));
        self.after(late + chance.between(1, 40), event);
        true
    }
}
