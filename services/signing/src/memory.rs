//! The memory of this process, which the keys of apps pass through.

use anyhow::Context as _;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Keeps the process's memory to itself, for the rest of its life.
///
/// A crash leaves no core with a key in it, and no process of the same user can trace this one or read its memory in
/// /proc (ptrace(2), `PR_SET_DUMPABLE`): under `slipway up` all services are one user, and the others take strangers'
/// requests. Root can still do both.
pub(crate) fn keep_private() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("cores could not be switched off")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("the process could not be kept from being read")
}
