//! The containers of a Compose project: Compose makes them, and Docker ends them.
//!
//! What is to run is compared with what is there at every look, and what differs is done. So nothing has to be known of what
//! was done before a kill: the containers themselves tell.

mod docker;
mod places;
mod project;
mod secrets;
mod target;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use slipway_contract::Digest;
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::Announcement;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::compare::Asker;
use super::look::{Look, Whom};
use super::replaced::{Fleet, Wish};
use super::rules::plan::{Image, Step, Target};
use super::rules::progress::{Life, Progress};
use crate::fleet::wanted::{Instance, Wanted};
use crate::run::Service;
use crate::terminal;
use docker::{docker, printed};
use places::{Places, places};
use project::{Container, Project, image_id};

/// Where a service listens in its container.
const PORT: u16 = 8080;
/// After a container could not be made.
const TRY_AGAIN: Duration = Duration::from_secs(3);

pub(super) struct Containers {
    project: Project,
    data: DataDir,
    asker: Option<Arc<Asker>>,
    wanted: Vec<Instance>,
    images: BTreeMap<Digest, Image>,
    /// The services and programs that the roll-out is about.
    known: HashSet<(Service, Digest)>,
    in_place: HashSet<Service>,
    goes_back: bool,
    /// Those that have said that they are ready, by container and process.
    ready: HashMap<(String, u32), Whom>,
    /// Those that are told to end, by container.
    leaving: HashMap<String, JoinHandle<Result<()>>>,
    /// The new one that takes the place of others.
    swap: Option<JoinHandle<Result<()>>>,
    try_again: Option<Instant>,
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
            wanted: Vec::new(),
            images: BTreeMap::new(),
            known: HashSet::new(),
            in_place: HashSet::new(),
            goes_back: false,
            ready: HashMap::new(),
            leaving: HashMap::new(),
            swap: None,
            try_again: None,
        })
    }

    /// Makes what is missing and ends what is too many. Says why it could not, in words.
    async fn make(&mut self, containers: &[Container]) -> Option<String> {
        let failed = self.ended().await;
        if self.swap.is_some() {
            return failed;
        }
        let places = self.places(containers);
        let missing = places.missing.first().copied();
        let in_place = missing.filter(|missing| self.in_place.contains(&missing.service));
        for container in &places.excess {
            let id = container.id.clone();
            // A swap ends them itself.
            if in_place.is_none_or(|missing| missing.service != container.service) {
                let end = self.leaving.entry(id.clone());
                end.or_insert_with(|| tokio::spawn(end_container(id)));
            }
        }
        let waits = self.try_again.is_some_and(|at| Instant::now() < at);
        let Some(missing) = missing.filter(|_| !waits) else {
            return failed;
        };
        let made = match in_place {
            Some(missing) => self.begin_swap(&missing, containers).await,
            None => self
                .make_container(&missing, containers, true)
                .await
                .map(drop),
        };
        self.try_again = made.is_err().then(|| Instant::now() + TRY_AGAIN);
        made.err().map(|error| format!("{error:#}")).or(failed)
    }

    /// Where two cannot run at once: the new one is made, the others are ended, and it is started in the same moment.
    async fn begin_swap(&mut self, instance: &Instance, containers: &[Container]) -> Result<()> {
        let of_service = containers
            .iter()
            .filter(|one| one.service == instance.service);
        let is_made = |one: &&Container| one.is_made && Some(one.program) == instance.program;
        let new = match of_service.clone().find(is_made) {
            Some(made) => made.id.clone(),
            None => self.make_container(instance, containers, false).await?,
        };
        let others = of_service.map(|one| one.id.clone()).filter(|id| *id != new);
        self.swap = Some(tokio::spawn(swap(others.collect(), new)));
        Ok(())
    }

    /// Forgets those whose end was waited for. Says what could not be ended.
    async fn ended(&mut self) -> Option<String> {
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

    /// One more container of a service, of the image of an instance. Those that are there stay as they are. Returns its id.
    async fn make_container(
        &self,
        instance: &Instance,
        containers: &[Container],
        is_started: bool,
    ) -> Result<String> {
        let service = instance.service;
        let image = instance
            .program
            .and_then(|program| self.images.get(&program));
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
        let mut up = self.project.compose(&image.tag);
        up.args(["up", if is_started { "--detach" } else { "--no-start" }]);
        up.args(["--no-deps", "--no-recreate", "--no-build"]);
        up.args(["--pull", "never", "--scale", &scale, service.name()]);
        printed(up).await?;
        let containers = self.project.containers().await?;
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

    fn places<'a>(&self, containers: &'a [Container]) -> Places<'a> {
        let leaves = |one: &Container| self.leaving.contains_key(&one.id);
        places(
            &self.wanted,
            containers,
            &self.known,
            leaves,
            self.goes_back,
        )
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
        let mut starting = self.wanted.iter().filter(|one| alike(one, starts));
        let starts = if starting.all(is_ready) {
            Life::Ready
        } else {
            Life::Starting
        };
        let stay = self.wanted.iter().filter(|one| alike(one, ends)).count();
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
            let containers = self.project.containers().await?;
            let of = |service| containers.iter().find(move |one| one.service == service);
            if let (Some(gateway), Some(catalog)) = (of(Service::Gateway), of(Service::Catalog)) {
                let asker = Arc::new(secrets::asker(gateway, catalog).await?);
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
        let plan = &progress.plan;
        let replaced = plan.steps.iter().flat_map(|step| match step {
            Step::Replace { old, new } | Step::ReplaceInPlace { old, new } => vec![*old, *new],
            Step::Up { .. } => Vec::new(),
        });
        let known = replaced.filter_map(|one| Some((one.service, one.program?)));
        self.known = known.collect();
        let in_place = plan.steps.iter().filter_map(|step| match step {
            Step::ReplaceInPlace { old, .. } => Some(old.service),
            _ => None,
        });
        self.in_place = in_place.collect();
        self.images.clone_from(&plan.images);
        self.wanted = progress.wanted().0;
        self.goes_back = progress.halted.is_some();
        Ok(())
    }

    async fn look(&mut self, progress: &Progress) -> Result<Option<Look>> {
        let Ok(containers) = self.project.containers().await else {
            return Ok(None);
        };
        let refused = self.make(&containers).await;
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

/// Told to end, it has the time of its `stop_grace_period`: the others know first that it leaves.
async fn end_container(id: String) -> Result<()> {
    printed(docker(["stop", &id])).await?;
    printed(docker(["rm", &id])).await?;
    Ok(())
}

/// A swap that was killed goes on: what is made is not made again, and what has ended ends at once.
async fn swap(others: Vec<String>, new: String) -> Result<()> {
    for id in &others {
        printed(docker(["stop", id])).await?;
    }
    printed(docker(["start", &new])).await?;
    for id in &others {
        printed(docker(["rm", id])).await?;
    }
    Ok(())
}

/// A process as its neighbours ask it, once it has said that it is ready.
async fn whom(asker: &Asker, container: &Container, pid: u32) -> Option<Whom> {
    let address = container.address?;
    let admin = (address, container.admin_port).into();
    if !asker.is_ready(admin).await {
        return None;
    }
    let service = container.service;
    let own = (address, PORT).into();
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
        shares_listener: false,
    })
}
