//! By what containers are asked as their neighbours ask them: the certificates of the gateway and the catalog, and the
//! administrator's token.
//!
//! Who may speak to Docker may read every volume. What is read is in the memory of this machine (`/dev/shm`) for a moment,
//! in a folder that its owner alone may enter, and after that in the memory of this process alone.

use std::path::Path;

use anyhow::{Context as _, Result};
use slipway_runtime::data::{DataDir, private_folder};
use tempfile::TempDir;

use super::docker::{docker, printed};
use super::project::Container;
use crate::rollout::compare::Asker;

/// A file system that is in memory, on Linux.
const MEMORY: &str = "/dev/shm";

pub(super) async fn asker(gateway: &Container, catalog: &Container) -> Result<Asker> {
    let memory = Path::new(MEMORY);
    let copy = if memory.is_dir() {
        TempDir::with_prefix_in("slipway-", memory)
    } else {
        TempDir::with_prefix("slipway-")
    };
    let copy = copy.context("could not make a folder for a moment")?;
    let data = DataDir::new(copy.path());
    for container in [gateway, catalog] {
        let service = container.service.name();
        let folder = data.secrets(service);
        private_folder(folder.parent().context("a folder of secrets is in none")?)?;
        copied(container, &format!("/data/secrets/{service}"), &folder).await?;
    }
    copied(catalog, "/data/admin-token", &data.admin_token()).await?;
    Asker::open(&data)
}

async fn copied(container: &Container, from: &str, to: &Path) -> Result<()> {
    let from = format!("{}:{from}", container.id);
    let mut command = docker(["cp", &from]);
    command.arg(to);
    printed(command).await?;
    Ok(())
}
