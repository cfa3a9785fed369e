//! Where a request goes.

use http::{HeaderValue, Response};
use hyper::body::Incoming;
use slipway_peers::guard::INSTANCE;

use super::breaker::Event;
use super::instance::Place;

/// An instance that is asked.
pub(super) struct Target {
    pub(super) place: Place,
    /// Whom the request is meant for.
    pub(super) name: HeaderValue,
    /// The name comes out of a 421 of this address, which is believed once.
    corrected: bool,
    /// It ended before it had answered, and is asked for the second time.
    again: bool,
}

impl Target {
    pub(super) fn new(place: Place) -> Self {
        Self {
            name: place.instance.name.clone(),
            place,
            corrected: false,
            again: false,
        }
    }

    /// The instance's name, for the log.
    pub(super) fn name(&self) -> Option<String> {
        self.name.to_str().ok().map(str::to_owned)
    }

    /// The same for a second attempt, unless this was one.
    pub(super) fn again(self) -> Option<Self> {
        (!self.again).then_some(Self {
            again: true,
            ..self
        })
    }

    /// The same address under the name that it gave in a 421: a process that was restarted there. Its certificate has
    /// proven that it is of the same service.
    pub(super) fn corrected(mut self, answer: &Response<Incoming>) -> Option<Self> {
        match answer.headers().get(&INSTANCE) {
            Some(name) if !self.corrected => Some(Self {
                name: name.clone(),
                corrected: true,
                ..self
            }),
            _ => {
                self.place.tell(Event::Refused);
                None
            }
        }
    }
}
