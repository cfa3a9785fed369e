//! What instances do.

use slipway_contract::record::{Record, State};

use super::{Fleet, Instance, SERVICES};
use crate::simulation::network::{End, Event, Time};

impl Fleet {
    pub(super) fn start(&mut self, address: usize) {
        let number = self.instances.len();
        let record = Record {
            service: SERVICES[address % SERVICES.len()].to_owned(),
            instance: number.to_string(),
            addr: format!("127.0.0.1:{}", address + 1),
            state: State::Starting,
            version: "0".to_owned(),
            started_at: i64::try_from(number).expect("few"),
            name: String::new(),
        };
        self.instances.push(Instance {
            address,
            record,
            lives: true,
            stopped_until: 0,
            ready_at: None,
            told: Vec::new(),
            closes: false,
        });
        let ready = self.chance.between(10, 2000);
        self.network.after(0, Event::BeatDue { instance: number });
        self.network.after(ready, Event::Ready { instance: number });
    }

    /// Whoever came to the address last answers who it is.
    pub(super) fn asked(&mut self, node: usize, record: Record, asked: Time) {
        let now = self.network.now;
        let mine = |one: &&Instance| one.record.addr == record.addr;
        let there = self.instances.iter().rev().find(mine);
        if let Some(there) = there.filter(|one| one.lives && one.stopped_until <= now) {
            let who = Some(there.record.instance.clone());
            let end = End::Address(there.address);
            let met = Event::Met {
                node,
                record,
                asked,
                who,
            };
            self.network.send(&mut self.chance, node, end, met);
        }
    }

    pub(super) fn beat_due(&mut self, instance: usize) {
        let one = &self.instances[instance];
        if !one.lives {
            return;
        }
        let next = if one.stopped_until > self.network.now {
            one.stopped_until - self.network.now
        } else {
            self.tell(instance);
            self.chance.between(2700, 3300)
        };
        self.network.after(next, Event::BeatDue { instance });
    }

    pub(super) fn tell(&mut self, instance: usize) {
        let one = &self.instances[instance];
        if one.lives && one.stopped_until <= self.network.now {
            for node in 0..self.nodes.len() {
                let beat = Event::Beat {
                    node,
                    instance,
                    record: one.record.clone(),
                };
                self.network
                    .send(&mut self.chance, node, End::Address(one.address), beat);
            }
        }
    }

    pub(super) fn drain(&mut self, instance: usize) {
        self.instances[instance].record.state = State::Draining;
        self.tell(instance);
        self.network.after(6000, Event::Closes { instance });
    }

    pub(super) fn closes(&mut self, instance: usize) {
        if !std::mem::replace(&mut self.instances[instance].closes, true) {
            let in_flight = self.chance.between(0, 5000);
            self.network.after(in_flight, Event::Ends { instance });
        }
    }

    pub(super) fn ends(&mut self, instance: usize) {
        let one = &mut self.instances[instance];
        if !std::mem::replace(&mut one.lives, false) {
            return;
        }
        let (address, record) = (one.address, one.record.clone());
        for node in 0..self.nodes.len() {
            let leave = Event::Leave {
                node,
                record: record.clone(),
            };
            self.network
                .send(&mut self.chance, node, End::Address(address), leave);
        }
        let pause = self.chance.between(50, 20_000);
        self.network.after(pause, Event::Starts { address });
    }
}
