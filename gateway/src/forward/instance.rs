//! One instance of a service as the gateway knows it: what is on its way there and what is thought of it. A process that
//! is started anew has another name, so nothing of this outlives it.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use http::HeaderValue;
use http::uri::Authority;
use slipway_contract::record::Record;
use slipway_peers::identity::Identity;
use slipway_peers::probe::{self, Sign};
use tokio::time::{Instant, sleep};

use super::breaker::{Breaker, Event};
use super::choice::{Standing, Tier};
use crate::connections::Pool;

pub(super) struct Instance {
    pub(super) service: &'static str,
    pub(super) name: HeaderValue,
    pub(super) authority: Authority,
    /// `None` of one that is known by a name and not by a number.
    pub(super) address: Option<SocketAddr>,
    /// Its connections.
    pub(super) pool: Pool,
    in_flight: AtomicUsize,
    breaker: Mutex<Breaker>,
}

impl Instance {
    /// `None` where the record cannot be that of anybody.
    pub(super) fn of(service: &'static str, record: &Record) -> Option<Self> {
        Some(Self {
            service,
            name: HeaderValue::from_str(&record.instance).ok()?,
            authority: record.addr.parse().ok()?,
            address: record.addr.parse().ok(),
            pool: Pool::default(),
            in_flight: AtomicUsize::default(),
            breaker: Mutex::default(),
        })
    }

    pub(super) fn is_of(&self, record: &Record) -> bool {
        self.name == record.instance.as_str() && self.authority == record.addr.as_str()
    }

    /// How it stands for a request, where the view has it in `tier`.
    pub(super) fn standing(&self, tier: Tier, was_tried: bool, now: Instant) -> Standing {
        Standing {
            was_tried,
            tier,
            is_admitted: self.breaker().admits(now),
            in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }

    /// Notes what was seen, and returns what was thought before.
    pub(super) fn tell(&self, event: Event) -> Breaker {
        let now = Instant::now();
        let (before, after) = {
            let mut breaker = self.breaker();
            let before = *breaker;
            *breaker = before.after(event, now, chance(event));
            (before, *breaker)
        };
        let (was_out, is_out) = (!before.admits(now), !after.admits(now));
        let (service, instance) = (self.service, &self.name);
        match (was_out, is_out) {
            (false, true) => {
                tracing::warn!(
                    service,
                    ?instance,
                    ?event,
                    "this instance gets no requests for a while"
                );
            }
            (true, false) if event != Event::Nothing => {
                tracing::info!(service, ?instance, "this instance gets requests again");
            }
            _ => {}
        }
        before
    }

    /// It did not answer in time: others are asked until it proves itself on a new connection.
    pub(super) fn doubt(self: &Arc<Self>, identity: &Identity) {
        let Some(address) = self.address else { return };
        if self.tell(Event::Silent) == Breaker::Silent {
            return;
        }
        let (service, identity) = (self.service, identity.clone());
        tokio::spawn(look_until_it_proves_itself(
            Arc::downgrade(self),
            service,
            address,
            identity,
        ));
    }

    /// Whether this request may go there as what the rule says it is: the one that tries an instance, or one of many.
    fn admit(&self, now: Instant) -> bool {
        let mut breaker = self.breaker();
        let admits = breaker.admits(now);
        *breaker = breaker.after(Event::Asked, now, 0);
        admits
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when it has, when its answer came after all, or when nobody knows it any more.
async fn look_until_it_proves_itself(
    instance: Weak<Instance>,
    service: &'static str,
    address: SocketAddr,
    identity: Identity,
) {
    loop {
        let sign = probe::look(&identity, service, address).await;
        let Some(instance) = instance.upgrade() else {
            return;
        };
        if *instance.breaker() != Breaker::Silent {
            return;
        }
        if sign == Sign::Answers {
            instance.tell(Event::Proven);
            return;
        }
        drop(instance);
        sleep(probe::PATIENCE).await;
    }
}

/// A number to spread times with, where one begins.
fn chance(event: Event) -> u8 {
    match event {
        Event::Failed | Event::Refused => RandomState::new().hash_one(event).to_le_bytes()[0],
        _ => 0,
    }
}

/// A request's place at an instance: it counts from the choice to the end of the answer's body.
pub(crate) struct Place {
    pub(super) instance: Arc<Instance>,
    /// What was seen of the instance is noted.
    told: bool,
}

impl Place {
    /// `None` when somebody else tries the instance at this moment; `forced` where everybody is out.
    pub(super) fn take(instance: &Arc<Instance>, now: Instant, forced: bool) -> Option<Self> {
        if !instance.admit(now) && !forced {
            return None;
        }
        instance.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            instance: instance.clone(),
            told: false,
        })
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.told = true;
        self.instance.tell(event);
    }

    /// For another attempt from the same place.
    pub(super) fn forget(&mut self) {
        self.told = false;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.told {
            self.instance.tell(Event::Nothing);
        }
    }
}
