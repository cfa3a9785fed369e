//! What watchers do.

use slipway_contract::record::{Record, Snapshot, State};

use super::{Fleet, Node};
use crate::simulation::network::{End, Event};

impl Fleet {
    pub(super) fn told(&mut self, node: usize, watcher: usize, number: u64, snapshot: Snapshot) {
        let now = self.now();
        let one = &mut self.watchers[watcher];
        if one.polls[node].number != number {
            return;
        }
        if let Some((epoch, revision)) = &one.polls[node].position
            && *epoch == snapshot.epoch
        {
            assert!(snapshot.revision >= *revision, "a revision went back");
        }
        one.polls[node].position = Some((snapshot.epoch.clone(), snapshot.revision));
        let (before, is_warming) = (one.known.records().to_vec(), snapshot.warming);
        let said = snapshot.instances.clone();
        one.known.apply(&node.to_string(), Some(snapshot), now.1);
        if is_warming {
            forgets_nobody(&before, one.known.records(), &said);
        }
        self.poll(watcher, node);
    }

    fn poll(&mut self, watcher: usize, node: usize) {
        let life = self.nodes[node].life;
        let poll = &mut self.watchers[watcher].polls[node];
        poll.number += 1;
        poll.life = life;
        let (number, position) = (poll.number, poll.position.clone());
        let event = Event::Poll {
            node,
            watcher,
            number,
            position,
        };
        let end = End::Watcher(watcher);
        let is_sent = self.network.send(&mut self.chance, node, end, event);
        self.watchers[watcher].polls[node].is_lost = !is_sent;
    }

    /// A watcher notices after some seconds that a node does not answer any more, and then asks anew.
    pub(super) fn looks(&mut self, watcher: usize, node: usize) {
        let now = self.now();
        let is_cut = self.network.is_cut(node, End::Watcher(watcher));
        let one = &mut self.watchers[watcher];
        let Node { running, life, .. } = &self.nodes[node];
        let is_well = !is_cut
            && running.is_some()
            && !one.polls[node].is_lost
            && one.polls[node].life == *life;
        if !is_well {
            one.known.apply(&node.to_string(), None, now.1);
            one.polls[node].position = None;
            let number = one.polls[node].number;
            let closed = Event::Closed {
                node,
                watcher,
                number,
            };
            self.network
                .send(&mut self.chance, node, End::Watcher(watcher), closed);
            self.poll(watcher, node);
        }
        let next = if is_well { 5000 } else { 1000 };
        self.network.after(next, Event::Looks { watcher, node });
    }
}

/// A node that warms up takes nobody away, but for those whose place another has or who are said to be gone.
fn forgets_nobody(before: &[Record], after: &[Record], said: &[Record]) {
    for record in before {
        let is_there = after.iter().any(|other| other.instance == record.instance);
        let is_replaced = after.iter().any(|other| other.addr == record.addr);
        let is_gone = said
            .iter()
            .any(|other| other.instance == record.instance && other.state == State::Gone);
        assert!(
            is_there || is_replaced || is_gone,
            "{} was forgotten in a warm-up",
            record.instance
        );
    }
}
