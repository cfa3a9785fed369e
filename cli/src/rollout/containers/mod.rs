//! The containers of a Compose project: Compose makes them, and Docker ends them.
//!
//! What is to run is compared with what is there at every look, and what differs is done. So nothing has to be known of what
//! was done before a kill: the containers themselves tell.

mod container;
mod docker;
mod making;
mod places;
mod project;
mod secrets;
mod target;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::Announcement;
use tokio::time::sleep;

use super::compare::Asker;
use super::look::{Listener, Look, Whom};
use super::replaced::{Fleet, Wish};
use super::rules::plan::{Step, Target};
use super::rules::progress::{Life, Phase, Progress};
use crate::fleet::wanted::{Instance, Wanted};
use crate::run::Service;
use crate::terminal;
use container::Container;
use making::Making;
use places::{Places, Wanting};
use project::Project;

/// Where a service listens in its container.
const PORT: u16 = 8080;

pub(super) struct Containers {
    project: Project,
    data: DataDir,
    asker: Option<Arc<Asker>>,
    wanted: Wanting,
    making: Making,
    /// Those that have said that they are ready, by container and process.
    ready: HashMap<(String, u32), Whom>,
}

impl Containers {
    pub(super) async fn open(
        files: &[PathBuf],
        project: Option<&str>,
        data: Option<&Path>,
    ) -> Result<Self> {
        let project = Project::open(files, project).await?;
        let data = match data {
            Some(data) => std::path::absolute(data)?,
            None => project.folder.join("data/compose").join(&project.name),
        };
        Ok(Self {
            project,
            data: DataDir::new(data),
            asker: None,
            wanted: Wanting::default(),
            making: Making::default(),
            ready: HashMap::new(),
        })
    }

    async fn make(&mut self, containers: &[Container]) -> Option<String> {
        self.making
            .make(&self.project, &self.wanted, containers)
            .await
    }

    fn places<'a>(&self, containers: &'a [Container]) -> Places<'a> {
        self.making.places(&self.wanted, containers)
    }

    /// Asks those that have not said so yet whether they are ready.
    async fn ask_who_is_ready(&mut self, containers: impl Iterator<Item = &Container>) {
        let Some(asker) = self.asker.clone() else {
            return;
        };
        for container in containers {
            let Some(pid) = container.pid else {
                continue;
            };
            let key = (container.id.clone(), pid);
            if !self.ready.contains_key(&key)
                && let Some(whom) = whom(&asker, container, pid).await
            {
                self.ready.insert(key, whom);
            }
        }
    }

    fn whom(&self, container: &Container) -> Option<&Whom> {
        self.ready.get(&(container.id.clone(), container.pid?))
    }

    /// What starts, and what ends, of the step that is taken. Containers of an image are alike: all that are to be there.
    fn step(
        &self,
        progress: &Progress,
        places: &Places<'_>,
        containers: &[Container],
    ) -> (Life, Life) {
        let step = progress.plan.steps.get(progress.at);
        let Some(Step::Replace { old, new } | Step::ReplaceInPlace { old, new }) = step else {
            return (Life::Absent, Life::Absent);
        };
        let (starts, ends) = if progress.halted.is_some() {
            (old, new)
        } else {
            (new, old)
        };
        let alike = |one: &Instance, other: &Instance| {
            one.service == other.service && one.program == other.program
        };
        let is_ready = |wanted: &Instance| {
            let mut taken = places.taken.iter();
            taken.any(|(one, container)| one == wanted && self.whom(container).is_some())
        };
        let mut starting = self
            .wanted
            .instances
            .iter()
            .filter(|one| alike(one, starts));
        let starts = if starting.all(is_ready) {
            Life::Ready
        } else {
            Life::Starting
        };
        let stay = self
            .wanted
            .instances
            .iter()
            .filter(|one| alike(one, ends))
            .count();
        let of_ends =
            |one: &&Container| one.service == ends.service && Some(one.program) == ends.program;
        let are = containers.iter().filter(of_ends).count();
        let ends = if are <= stay {
            Life::Absent
        } else {
            Life::Ready
        };
        (starts, ends)
    }
}

impl Fleet for Containers {
    const AWAY: &'static str = "Docker does not answer now";
    /// It costs two runs of the command.
    const LOOK_AGAIN: Duration = Duration::from_millis(400);

    fn data(&self) -> &DataDir {
        &self.data
    }

    async fn asker(&mut self) -> Result<Arc<Asker>> {
        loop {
            if let Some(words) = self.making.settle().await {
                terminal::note(words);
            }
            let containers = self.project.containers().await?;
            let of = |service| containers.iter().find(move |one| one.service == service);
            if let (Some(gateway), Some(catalog)) = (of(Service::Gateway), of(Service::Catalog)) {
                let asker = Arc::new(secrets::asker(&self.project.name, gateway, catalog).await?);
                self.asker = Some(asker.clone());
                return Ok(asker);
            }
            // Killed while one was replaced in its place.
            if let Some(words) = self.make(&containers).await {
                terminal::note(words);
            }
            sleep(Self::LOOK_AGAIN).await;
        }
    }

    async fn target(&self, wish: &Wish<'_>) -> Result<Target> {
        target::find(&self.project, wish).await
    }

    async fn now(&self) -> Result<Wanted> {
        let containers = self.project.containers().await?;
        let mut instances: Vec<_> = containers
            .iter()
            .map(|one| Instance {
                service: one.service,
                number: one.number,
                program: Some(one.program),
            })
            .collect();
        instances.sort_by_key(|one| (one.service.name(), one.number));
        Ok(Wanted {
            instances,
            ..Wanted::default()
        })
    }

    async fn want(&mut self, progress: &Progress) -> Result<()> {
        self.wanted = Wanting::of(progress);
        let begins = progress.at == 0 && progress.phase == Phase::Starting;
        if begins && progress.halted.is_none() {
            self.project.init(&progress.plan.to).await?;
        }
        Ok(())
    }

    async fn look(&mut self, progress: &Progress) -> Result<Option<Look>> {
        let failed = self.making.settle().await;
        let Ok(containers) = self.project.containers().await else {
            return Ok(None);
        };
        let refused = self.make(&containers).await.or(failed);
        let places = self.places(&containers);
        let gateways = containers.iter();
        let gateways: Vec<_> = gateways
            .filter(|one| one.service == Service::Gateway)
            .collect();
        let taken = places.taken.iter().map(|(_, container)| *container);
        self.ask_who_is_ready(taken.chain(gateways.iter().copied()))
            .await;
        let (starts, ends) = self.step(progress, &places, &containers);
        let ready = places.taken.iter();
        let ready =
            ready.filter_map(|(one, container)| Some((*one, self.whom(container)?.clone())));
        let ended = places.taken.iter();
        let ended = ended.map(|(one, container)| (*one, container.restarts));
        Ok(Some(Look {
            keeper: 0,
            starts,
            ends,
            refused,
            ready: ready.collect(),
            gateway: gateways.into_iter().find_map(|one| self.whom(one)).cloned(),
            ended: ended.collect(),
        }))
    }

    async fn afterwards(&self, ended: &Progress) -> Result<Vec<String>> {
        target::afterwards(&self.project, ended).await
    }
}

/// A process as its neighbours ask it, once it has said that it is ready.
async fn whom(asker: &Asker, container: &Container, pid: u32) -> Option<Whom> {
    let address = container.address?;
    let admin = (address, container.admin_port).into();
    if !asker.is_ready(admin).await {
        return None;
    }
    let service = container.service;
    let (own, listener) = match container.door {
        Some(door) => ((door.address, PORT).into(), Listener::HeldBy(door.pid)),
        None => ((address, PORT).into(), Listener::Own),
    };
    let instance = match service {
        // It is asked as the world asks it.
        Service::Gateway => String::new(),
        _ => asker.instance(service, own).await.ok()?,
    };
    let said = Announcement {
        service: service.name().to_owned(),
        instance,
        pid,
        name: String::new(),
        addr: own.to_string(),
        admin: admin.to_string(),
        started_at: String::new(),
        run: None,
        authorities: Vec::new(),
        certificate: String::new(),
    };
    Some(Whom {
        service,
        said,
        listener,
    })
}
