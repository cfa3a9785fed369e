//! Where a request goes.

use http::{HeaderValue, Response};
use hyper::body::Incoming;
use slipway_contract::record::Record;
use slipway_peers::guard::INSTANCE;

/// An instance that is asked.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: String,
    pub(super) instance: HeaderValue,
    /// The instance's name comes out of a 421 of this address, which is believed once.
    pub(super) corrected: bool,
    /// It ended before it had answered, and is asked for the second time.
    pub(super) again: bool,
}

impl Target {
    pub(super) fn of(record: Record) -> Option<Self> {
        Some(Self {
            instance: HeaderValue::from_str(&record.instance).ok()?,
            address: record.addr,
            corrected: false,
            again: false,
        })
    }

    /// Its name, for the log.
    pub(super) fn name(&self) -> Option<String> {
        self.instance.to_str().ok().map(str::to_owned)
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
    pub(super) fn corrected(&self, answer: &Response<Incoming>) -> Option<Self> {
        if self.corrected {
            return None;
        }
        Some(Self {
            address: self.address.clone(),
            instance: answer.headers().get(&INSTANCE)?.clone(),
            corrected: true,
            again: self.again,
        })
    }
}
