//! What was seen of a fleet at one time.

use slipway_runtime::process::slot::Announcement;

use super::rules::progress::Life;
use crate::fleet::wanted::Instance;
use crate::run::Service;

pub(super) struct Look {
    /// The process that keeps the fleet running: another one knows nothing of what was seen before.
    pub(super) keeper: u32,
    /// Of the process that is to start at the step that is taken, and of the one that is to end.
    pub(super) starts: Life,
    pub(super) ends: Life,
    /// Why what was said is not done, in words.
    pub(super) refused: Option<String>,
    /// Those that have said that they are ready.
    pub(super) ready: Vec<(Instance, Whom)>,
    /// One of the gateways, whichever.
    pub(super) gateway: Option<Whom>,
    /// How often instances ended without being told to.
    pub(super) ended: Vec<(Instance, usize)>,
}

/// A process as it says of itself where it is.
#[derive(Clone, Debug)]
pub(super) struct Whom {
    pub(super) service: Service,
    pub(super) said: Announcement,
    pub(super) listener: Listener,
}

/// Who takes connections that are made to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    /// It alone.
    Own,
    /// Others too.
    Shared,
    /// Others too, in the network of the process that holds it.
    HeldBy(u32),
}

impl Look {
    pub(super) fn whom(&self, instance: &Instance) -> Option<&Whom> {
        let mut ready = self.ready.iter();
        ready.find(|(one, _)| one == instance).map(|(_, whom)| whom)
    }

    pub(super) fn ended_times(&self, instance: &Instance) -> usize {
        let mut ended = self.ended.iter();
        ended
            .find(|(one, _)| one == instance)
            .map_or(0, |(_, times)| *times)
    }
}
