//! What the handlers work with.

use std::sync::Arc;

use slipway_runtime::Process;

use crate::central::Central;

#[derive(Clone)]
pub struct CentralState {
    pub(crate) central: Arc<Central>,
    pub(crate) process: Process,
}

impl CentralState {
    /// The environment of this process.
    pub(crate) fn environment(&self) -> &str {
        self.process.environment()
    }

    /// The newest revision that this node knows.
    pub fn revision(&self) -> u64 {
        *self.central.head().borrow()
    }
}
