//! What is missing is made by Compose, and what is too many is ended by Docker.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::task::JoinHandle;

use super::container::Container;
use super::docker::{docker, printed};
use super::places::{Places, Wanting, places};
use super::project::{Project, image_id};
use crate::fleet::wanted::Instance;
use crate::run::Service;

/// After a container could not be made.
const TRY_AGAIN: Duration = Duration::from_secs(3);
/// Seconds that a gateway gets to end which alone holds the public port: what waits for the port is more than what it carries,
/// and downloads go on from where they broke.
const PORT_GRACE: &str = "1";

/// What is being done; it takes longer than a look.
#[derive(Default)]
pub(super) struct Making {
    /// Those that are told to end, by container.
    leaving: HashMap<String, JoinHandle<Result<()>>>,
    /// One that takes the place of others.
    swap: Option<JoinHandle<Result<()>>>,
    try_again: Option<Instant>,
}

impl Making {
    pub(super) fn places<'a>(&self, wanted: &Wanting, containers: &'a [Container]) -> Places<'a> {
        places(wanted, containers, |one| self.leaving.contains_key(&one.id))
    }

    /// Makes what is missing and ends what is too many. Says why it could not, in words.
    pub(super) async fn make(
        &mut self,
        project: &Project,
        wanted: &Wanting,
        containers: &[Container],
    ) -> Option<String> {
        if self.swap.is_some() {
            return None;
        }
        let places = self.places(wanted, containers);
        let missing = places.missing.first().copied();
        let in_place = missing.filter(|missing| wanted.in_place.contains(&missing.service));
        for container in &places.excess {
            let id = container.id.clone();
            // A swap ends them itself.
            if in_place.is_none_or(|missing| missing.service != container.service) {
                let end = self.leaving.entry(id.clone());
                end.or_insert_with(|| tokio::spawn(end_container(id)));
            }
        }
        let waits = self.try_again.is_some_and(|at| Instant::now() < at);
        let missing = missing.filter(|_| !waits)?;
        let made = match in_place {
            Some(missing) => self.begin_swap(project, wanted, &missing, containers).await,
            None => make_container(project, wanted, &missing, containers, true)
                .await
                .map(drop),
        };
        self.try_again = made.is_err().then(|| Instant::now() + TRY_AGAIN);
        made.err().map(|error| format!("{error:#}"))
    }

    /// Where two cannot run at once: the new one is made, the others are ended, and it is started in the same moment.
    async fn begin_swap(
        &mut self,
        project: &Project,
        wanted: &Wanting,
        instance: &Instance,
        containers: &[Container],
    ) -> Result<()> {
        let of_service = containers
            .iter()
            .filter(|one| one.service == instance.service);
        let is_made = |one: &&Container| one.is_made && Some(one.program) == instance.program;
        let new = match of_service.clone().find(is_made) {
            Some(made) => made.id.clone(),
            None => make_container(project, wanted, instance, containers, false).await?,
        };
        let grace = (instance.service == Service::Gateway).then_some(PORT_GRACE);
        let others = of_service.map(|one| one.id.clone()).filter(|id| *id != new);
        self.swap = Some(tokio::spawn(swap(others.collect(), new, grace)));
        Ok(())
    }

    /// Forgets what is done, before containers are looked at: what was seen before is not there any more. Says what could not
    /// be done.
    pub(super) async fn settle(&mut self) -> Option<String> {
        let over = self.leaving.iter().filter(|(_, end)| end.is_finished());
        let over: Vec<_> = over.map(|(id, _)| id.clone()).collect();
        let mut failed = None;
        if let Some(swap) = self.swap.take_if(|swap| swap.is_finished())
            && let Ok(Err(error)) = swap.await
        {
            failed = Some(format!("{error:#}"));
        }
        for id in over {
            if let Some(end) = self.leaving.remove(&id)
                && let Ok(Err(error)) = end.await
            {
                failed = Some(format!("{error:#}"));
            }
        }
        failed
    }
}

/// One more container of a service, of the image of an instance. Those that are there stay as they are. Returns its id.
async fn make_container(
    project: &Project,
    wanted: &Wanting,
    instance: &Instance,
    containers: &[Container],
    is_started: bool,
) -> Result<String> {
    let service = instance.service;
    let image = instance
        .program
        .and_then(|program| wanted.images.get(&program));
    let image = image.context("the plan does not tell its image")?;
    let id = image_id(&image.name).await?;
    ensure!(
        id == image.id,
        "{} is another image than when it was planned ({id}, not {})",
        image.name,
        image.id
    );
    let of_service = |all: &[Container]| {
        let own = all.iter().filter(|one| one.service == service);
        own.map(|one| one.id.clone()).collect::<HashSet<_>>()
    };
    let before = of_service(containers);
    let scale = format!("{}={}", service.name(), before.len() + 1);
    let mut up = project.compose(&image.tag);
    up.args(["up", if is_started { "--detach" } else { "--no-start" }]);
    up.args(["--no-deps", "--no-recreate", "--no-build"]);
    up.args(["--pull", "never", "--scale", &scale, service.name()]);
    printed(up).await?;
    let containers = project.containers().await?;
    let mut made = containers
        .iter()
        .filter(|one| one.service == service && !before.contains(&one.id));
    match made.next() {
        Some(made) if Some(made.program) == instance.program => Ok(made.id.clone()),
        Some(other) => {
            end_container(other.id.clone()).await?;
            bail!(
                "Compose made a container of {}, not of {}",
                other.image,
                image.name
            )
        }
        None => bail!("Compose made no container of {}", image.name),
    }
}

/// Told to end, it has the time of its `stop_grace_period`: the others know first that it leaves.
async fn end_container(id: String) -> Result<()> {
    gone(printed(docker(["stop", &id])).await)?;
    gone(printed(docker(["rm", &id])).await)
}

/// A swap that was killed goes on: what is made is not made again, and what has ended ends at once.
async fn swap(others: Vec<String>, new: String, grace: Option<&str>) -> Result<()> {
    for id in &others {
        let grace = grace.into_iter().flat_map(|seconds| ["--time", seconds]);
        let stop = docker(["stop"].into_iter().chain(grace).chain([id.as_str()]));
        gone(printed(stop).await)?;
    }
    printed(docker(["start", &new])).await?;
    for id in &others {
        gone(printed(docker(["rm", id])).await)?;
    }
    Ok(())
}

/// One that is gone already, whoever removed it, is where it was to be.
fn gone(ended: Result<Vec<u8>>) -> Result<()> {
    match ended {
        Err(error) if !error.to_string().contains("No such container") => Err(error),
        _ => Ok(()),
    }
}
