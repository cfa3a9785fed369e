//! What runs now, as `up` tells it: `DIR/run/fleet`. It is true of the process that wrote it alone and so is not durable.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use slipway_contract::Digest;
use slipway_runtime::data::DataDir;

use super::wanted::Instance;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Of `up`.
    pub(crate) pid: u32,
    /// The program that `up` itself is; none for the one that was started.
    pub(crate) up: Option<Digest>,
    /// The revision of what is wanted that it has read.
    pub(crate) revision: u64,
    /// Why it did not do what that revision says, in words.
    pub(crate) refused: Option<String>,
    pub(crate) children: Vec<Process>,
    /// What it keeps running, also while a process of it is not there for a moment.
    #[serde(default)]
    pub(crate) keeps: Vec<Instance>,
    /// Those whose processes ended without being told to, since they were wanted.
    #[serde(default)]
    pub(crate) ended: Vec<Ended>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    #[serde(flatten)]
    pub(crate) instance: Instance,
    pub(crate) times: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    #[serde(flatten)]
    pub(crate) instance: Instance,
    pub(crate) pid: u32,
    /// Whether it was told to end, or another has its place.
    pub(crate) leaves: bool,
}

impl Running {
    /// What an `up` that lives has told; none where none runs.
    pub(crate) fn read(data: &DataDir) -> Option<Self> {
        let told: Self = serde_json::from_slice(&fs::read(path(data)).ok()?).ok()?;
        let pid = i32::try_from(told.pid).ok().and_then(Pid::from_raw)?;
        test_kill_process(pid).is_ok().then_some(told)
    }

    /// The process that has the place of an instance.
    pub(crate) fn serving(&self, instance: &Instance) -> Option<u32> {
        let mut own = self.children.iter();
        own.find(|child| child.instance == *instance && !child.leaves)
            .map(|child| child.pid)
    }

    /// Whole or not at all, and not durable.
    pub(crate) fn write(&self, data: &DataDir) -> anyhow::Result<()> {
        let path = path(data);
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(&new, &path)?;
        Ok(())
    }
}

fn path(data: &DataDir) -> PathBuf {
    data.run().join("fleet")
}
