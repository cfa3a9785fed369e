//! A Compose project: its files, its images and its containers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

use super::container::{Container, Door};
use super::docker::{docker, printed};
use crate::exit::Stop;
use crate::terminal;

/// By which the Compose file names the images.
pub(super) const VERSION: &str = "SLIPWAY_VERSION";

/// The service that makes what is missing of secrets and folders, and ends.
const INIT: &str = "init";

pub(super) struct Project {
    pub(super) name: String,
    files: Vec<PathBuf>,
    /// Where `.env` lies.
    pub(super) folder: PathBuf,
}

/// A service as the Compose file has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Declared {
    #[serde(default)]
    pub(super) image: String,
    #[serde(default)]
    ports: Vec<Value>,
    #[serde(default)]
    container_name: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    name: String,
    services: BTreeMap<String, Declared>,
}

impl Project {
    /// `files`: those that its containers were made by, where none is named.
    pub(super) async fn open(files: &[PathBuf], name: Option<&str>) -> Result<Self> {
        let files: Vec<_> = files
            .iter()
            .map(std::path::absolute)
            .collect::<Result<_, _>>()?;
        let named = name.map(str::to_owned);
        let named = named.or_else(|| std::env::var("COMPOSE_PROJECT_NAME").ok());
        let name = match named {
            Some(name) => name,
            None => document(compose(&files, None)).await?.name,
        };
        let Some(labels) = labels(&name).await? else {
            let words = format!(
                "the project {name} has no containers: start it with docker compose up, or name another with --project"
            );
            return Err(Stop::usage(words).into());
        };
        let label = |label: &str| labels[format!("com.docker.compose.project.{label}")].as_str();
        let folder = label("working_dir").context("its containers do not tell its folder")?;
        let made_by = label("config_files").unwrap_or_default();
        let files = if files.is_empty() {
            made_by.split(',').map(PathBuf::from).collect()
        } else {
            files
        };
        Ok(Self {
            name,
            files,
            folder: folder.into(),
        })
    }

    /// `docker compose` of this project, in which images are those of `tag`.
    pub(super) fn compose(&self, tag: &str) -> Command {
        let mut command = compose(&self.files, Some(self));
        command.env(VERSION, tag);
        command
    }

    /// The services with the images of `tag`.
    pub(super) async fn declared(&self, tag: &str) -> Result<BTreeMap<String, Declared>> {
        Ok(document(self.compose(tag)).await?.services)
    }

    /// Those of the six services, in whatever state.
    pub(super) async fn containers(&self) -> Result<Vec<Container>> {
        match self.seen().await {
            // One of those that were listed is gone before it was looked at.
            Err(_) => self.seen().await,
            seen => seen,
        }
    }

    /// Makes what a version needs and an earlier one had not, such as a secret, as Compose does before it starts services.
    pub(super) async fn init(&self, tag: &str) -> Result<()> {
        let Some(is) = self.declared(tag).await?.remove(INIT) else {
            return Ok(());
        };
        if image_id(&is.image).await.is_err() {
            terminal::note(format_args!(
                "there is no image {} on this machine: nothing is made that {tag} may need and is not there",
                is.image
            ));
            return Ok(());
        }
        let mut run = self.compose(tag);
        run.args(["run", "--rm", "--no-deps", "-T", INIT]);
        printed(run).await.map(drop)
    }

    async fn seen(&self) -> Result<Vec<Container>> {
        let ids = ids(&self.name).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let inspected = printed(docker(
            ["inspect"]
                .into_iter()
                .chain(ids.iter().map(String::as_str)),
        ));
        let inspected: Vec<Value> = serde_json::from_slice(&inspected.await?)?;
        let door = inspected.iter().find_map(Door::read);
        let containers = inspected
            .iter()
            .filter_map(|one| Container::read(one, door));
        Ok(containers.collect())
    }
}

impl Declared {
    /// Whether two containers cannot run at once: one port of this machine, or one name, is for one.
    pub(super) fn is_alone(&self) -> bool {
        let publishes = |port: &Value| {
            port["published"]
                .as_str()
                .is_some_and(|port| !port.is_empty())
        };
        self.container_name.is_some() || self.ports.iter().any(publishes)
    }
}

/// The id of an image of this machine.
pub(super) async fn image_id(name: &str) -> Result<String> {
    let asked = printed(docker(["image", "inspect", "--format", "{{.Id}}", name])).await;
    let id = asked.map_err(|_| {
        let words = format!("there is no image {name} on this machine: docker load, docker pull or deploy/images brings it");
        Stop::refused("image_unknown", words)
    })?;
    Ok(String::from_utf8(id)?.trim().to_owned())
}

fn compose(files: &[PathBuf], project: Option<&Project>) -> Command {
    let mut command = docker(["compose"]);
    if let Some(project) = project {
        command.args(["--project-name", &project.name]);
        command.arg("--project-directory").arg(&project.folder);
    }
    for file in files {
        command.arg("--file").arg(file);
    }
    command
}

async fn document(mut compose: Command) -> Result<Document> {
    compose.args(["config", "--format", "json"]);
    let text = printed(compose)
        .await
        .map_err(|error| Stop::usage(format!("{error:#}")))?;
    serde_json::from_slice(&text).context("docker compose config says something strange")
}

async fn ids(project: &str) -> Result<Vec<String>> {
    let project = format!("label=com.docker.compose.project={project}");
    let own = "label=com.docker.compose.oneoff=False";
    let listed = docker([
        "ps",
        "--all",
        "--no-trunc",
        "--quiet",
        "--filter",
        &project,
        "--filter",
        own,
    ]);
    let listed = String::from_utf8(printed(listed).await?)?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// Of the container that was made last.
async fn labels(project: &str) -> Result<Option<Value>> {
    let ids = ids(project).await?;
    let Some(last) = ids.first() else {
        return Ok(None);
    };
    let inspected = printed(docker(["inspect", last])).await?;
    let inspected: Value = serde_json::from_slice(&inspected)?;
    Ok(Some(inspected[0]["Config"]["Labels"].clone()))
}
