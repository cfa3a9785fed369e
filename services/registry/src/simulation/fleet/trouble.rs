//! What goes wrong.

use super::{ADDRESSES, Fleet, NODE_AWAY, WATCHERS};
use crate::simulation::network::{End, Event};

impl Fleet {
    pub(super) fn trouble(&mut self) {
        let next = self.chance.between(500, 8000);
        self.network.after(next, Event::Trouble);
        if self.is_quiet {
            return;
        }
        let node = self.chance.index(self.nodes.len());
        let living = self
            .instances
            .iter()
            .enumerate()
            .filter(|(_, one)| one.lives);
        let living: Vec<_> = living.map(|(number, _)| number).collect();
        let instance = living.get(self.chance.index(living.len().max(1))).copied();
        let long = self.chance.between(500, 70_000);
        match (self.chance.between(0, 10), instance) {
            (0, _) => {
                let one = &mut self.nodes[node];
                one.running = None;
                one.life += 1;
                self.network.after(
                    self.chance.between(100, NODE_AWAY),
                    Event::NodeStarts { node },
                );
            }
            (1, _) => {
                let until = &mut self.nodes[node].stopped_until;
                *until = (*until).max(self.network.now + long);
            }
            (2, _) => self
                .network
                .cut(node, End::Watcher(self.chance.index(WATCHERS)), long),
            (3, _) => self
                .network
                .cut(node, End::Address(self.chance.index(ADDRESSES)), long),
            (4, _) => {
                for address in 0..ADDRESSES - self.chance.index(ADDRESSES) {
                    self.network.cut(node, End::Address(address), long);
                }
            }
            (5, _) => self.network.is_lossy = !self.network.is_lossy,
            (6, Some(instance)) => {
                // Killed; the next has its place.
                self.instances[instance].lives = false;
                let address = self.instances[instance].address;
                self.network
                    .after(self.chance.between(50, 30_000), Event::Starts { address });
            }
            (7, Some(instance)) => {
                // Stopped, and taken for dead; later it wakes up in the place of another.
                let until = &mut self.instances[instance].stopped_until;
                *until = (*until).max(self.network.now + long);
                let address = self.instances[instance].address;
                if self.chance.percent(50) {
                    self.network
                        .after(self.chance.between(50, 90_000), Event::Starts { address });
                }
            }
            (_, Some(instance)) => self.drain(instance),
            _ => {}
        }
    }
}
