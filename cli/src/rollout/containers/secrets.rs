//! By what containers are asked as their neighbours ask them: the certificates of the gateway and the catalog, and the
//! administrator's token.
//!
//! Who may speak to Docker may read every volume. What is read is in the memory of this machine (`/dev/shm`) for a moment,
//! in a folder that its owner alone may enter, and after that in the memory of this process alone. What a kill in that moment
//! leaves is removed by the next roll-out of the project.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context as _, Result};
use slipway_runtime::data::{DataDir, private_folder};
use tempfile::{Builder, TempDir};

use super::container::Container;
use super::docker::{docker, printed};

use crate::rollout::compare::Asker;

/// A file system that is in memory, on Linux.
const MEMORY: &str = "/dev/shm";

/// Of the project that this process alone rolls out.
pub(super) async fn asker(
    project: &str,
    gateway: &Container,
    catalog: &Container,
) -> Result<Asker> {
    let copy = folder(project).context("could not make a folder in memory for a moment")?;
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

/// Made now, so nobody else's: what is there of another user stays there, and this fails.
fn folder(project: &str) -> io::Result<TempDir> {
    let name = format!("slipway-rollout-{project}");
    match fs::remove_dir_all(Path::new(MEMORY).join(&name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    Builder::new()
        .prefix(&name)
        .rand_bytes(0)
        .tempdir_in(MEMORY)
}

async fn copied(container: &Container, from: &str, to: &Path) -> Result<()> {
    let from = format!("{}:{from}", container.id);
    let mut command = docker(["cp", &from]);
    command.arg(to);
    printed(command).await?;
    Ok(())
}
