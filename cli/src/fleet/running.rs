//! What runs now, as `up` tells it: `DIR/run/fleet`. It is true of the process that wrote it alone and so is not durable.

use std::fs;
use std::path::PathBuf;

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
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    #[serde(flatten)]
    pub(crate) instance: Instance,
    pub(crate) pid: u32,
    /// Whether it ends, and another has its place.
    pub(crate) leaves: bool,
}

impl Running {
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
