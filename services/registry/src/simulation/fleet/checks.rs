//! What has to hold.

use slipway_contract::record::State;

use super::{Fleet, Instance, SETTLED, WATCHERS};
use crate::simulation::network::{End, Event, Time};
use crate::simulation::node::SILENT;

impl Fleet {
    /// What has to hold at any time.
    pub(super) fn check(&mut self) {
        let now = self.network.now;
        self.network.after(200, Event::Check);
        for node in 0..self.nodes.len() {
            for watcher in 0..WATCHERS {
                let one = &self.nodes[node];
                let is_bad = one.running.is_none()
                    || one.began + 200 > now
                    || one.stopped_until > now
                    || self.network.is_lossy
                    || self.network.late_until > now
                    || self.network.is_cut(node, End::Watcher(watcher));
                if is_bad {
                    self.bad.insert((node, watcher), now);
                }
                let since = self.bad.get(&(node, watcher)).copied().unwrap_or(0);
                if now - since > 15_000 {
                    self.knows_what_is_heard(node, watcher);
                }
            }
        }
        for one in &self.instances {
            for watcher in &one.told {
                let state = self.watchers[*watcher].state(&one.record.instance);
                assert!(
                    state != Some(State::Ready),
                    "one that was said to leave is asked again"
                );
            }
        }
        if self.quiet_since.is_some_and(|since| now - since > SETTLED) {
            self.is_settled();
        }
    }

    /// A READY instance is not missing a second after its heartbeat at a node that is reached.
    fn knows_what_is_heard(&self, node: usize, watcher: usize) {
        let now = self.network.now;
        let running = self.nodes[node].running.as_ref().expect("it is reached");
        for (name, (first, last)) in &running.heard {
            let is_fresh = now - first > 1000 && now - last < SILENT;
            let is_ready =
                |one: &&Instance| one.record.instance == *name && one.record.state == State::Ready;
            let Some(one) = self.instances.iter().find(is_ready).filter(|_| is_fresh) else {
                continue;
            };
            let is_newest = self
                .newest(one.address)
                .is_some_and(|newest| newest.record.instance == *name);
            let state = self.watchers[watcher].state(name);
            assert!(
                !is_newest || state == Some(State::Ready),
                "{name} was heard, and watcher {watcher} has it {state:?} at {now}"
            );
        }
    }

    fn newest(&self, address: usize) -> Option<&Instance> {
        self.instances
            .iter()
            .rev()
            .find(|one| one.address == address)
    }

    /// When nothing happens any more, everybody knows what is so.
    fn is_settled(&self) {
        let now = self.network.now;
        for (number, watcher) in self.watchers.iter().enumerate() {
            for one in &self.instances {
                let state = watcher.state(&one.record.instance);
                let newest = self.newest(one.address).expect("there is one at least");
                let is_newest = newest.record.instance == one.record.instance;
                if newest.is_settled(now) {
                    let name = &one.record.instance;
                    let is_ready = state == Some(State::Ready);
                    assert!(
                        is_ready == is_newest,
                        "{name} is {state:?} for watcher {number} at {now}"
                    );
                }
            }
        }
    }
}

impl Instance {
    /// Whether it is there, and was ready for long enough that everybody has to know it.
    fn is_settled(&self, now: Time) -> bool {
        self.lives
            && !self.closes
            && self.record.state == State::Ready
            && self.stopped_until + 5000 < now
            && self.ready_at.is_some_and(|ready| now - ready > 5000)
    }
}
