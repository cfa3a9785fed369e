//! The processes under `slipway up`: told in `DIR/versions/wanted.json` what to run, they tell in `DIR/run/fleet` what runs.

mod target;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use slipway_contract::Digest;
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::{Announcement, announcements};

use super::compare::Asker;
use super::look::{Listener, Look, Whom};
use super::replaced::{Fleet, Wish};
use super::rules::plan::{Step, Target};
use super::rules::progress::{Life, Progress};
use crate::exit::Stop;
use crate::fleet::running::Running;
use crate::fleet::wanted::{Instance, Wanted};
use crate::run::Service;

pub(super) struct Processes {
    data: DataDir,
    /// What was said last.
    wanted: Wanted,
}

impl Processes {
    pub(super) fn open(data: DataDir) -> Result<Self> {
        let wanted = Wanted::read(&data)?.unwrap_or_default();
        Ok(Self { data, wanted })
    }
}

impl Fleet for Processes {
    const AWAY: &'static str = "no `slipway up` runs here now";
    const LOOK_AGAIN: Duration = Duration::from_millis(200);

    fn data(&self) -> &DataDir {
        &self.data
    }

    async fn asker(&mut self) -> Result<Arc<Asker>> {
        Ok(Arc::new(Asker::open(&self.data)?))
    }

    async fn target(&self, wish: &Wish<'_>) -> Result<Target> {
        let to = target::find(&self.data, wish.to, wish.unsigned)?;
        let only = target::service(&self.data, to, wish.service)?;
        target::check_release(&self.data, to, wish.unsigned)?;
        let services = Service::ALL.into_iter();
        let services = services.filter(|service| only.is_none_or(|only| only == *service));
        Ok(Target {
            name: to.to_string(),
            programs: services.map(|service| (service, to)).collect(),
            // It is the program of all of them.
            up: only.is_none().then_some(to),
            ..Target::default()
        })
    }

    /// What runs now, with the program that it was started as.
    async fn now(&self) -> Result<Wanted> {
        let Some(running) = Running::read(&self.data) else {
            let words = format!(
                "no `slipway up` runs in {}: start it first, or name its folder with --data",
                self.data.root().display()
            );
            return Err(Stop::usage(words).into());
        };
        let mut wanted = Wanted::read(&self.data)?.unwrap_or_default();
        if wanted.first.is_none() {
            wanted.first = Some(target::first(&self.data, &running)?);
        }
        wanted.instances = running.keeps;
        Ok(wanted)
    }

    async fn want(&mut self, progress: &Progress) -> Result<()> {
        let (instances, up) = progress.wanted();
        let wanted = Wanted {
            revision: self.wanted.revision,
            up,
            first: progress.plan.first,
            rollout: progress.goes_on().then(|| progress.plan.id.clone()),
            instances,
        };
        if wanted != self.wanted {
            let revision = self.wanted.revision + 1;
            let wanted = Wanted { revision, ..wanted };
            wanted.write(&self.data)?;
            self.wanted = wanted;
        }
        Ok(())
    }

    async fn look(&mut self, progress: &Progress) -> Result<Option<Look>> {
        let Some(running) = Running::read(&self.data) else {
            return Ok(None);
        };
        let said = announcements(&self.data);
        let (starts, ends) = step(progress, &running, &said);
        let has_read = running.revision == self.wanted.revision;
        let serving = running.children.iter().filter(|child| !child.leaves);
        let ready = serving.filter_map(|child| {
            let said = said.iter().find(|said| said.pid == child.pid)?;
            let whom = Whom {
                service: child.instance.service,
                said: said.clone(),
                listener: Listener::Shared,
            };
            Some((child.instance, whom))
        });
        let ready: Vec<_> = ready.collect();
        let mut gateways = ready.iter().map(|(_, whom)| whom);
        let ended = running.ended.iter().map(|one| (one.instance, one.times));
        Ok(Some(Look {
            keeper: running.pid,
            starts,
            ends,
            refused: running.refused.clone().filter(|_| has_read),
            gateway: gateways
                .find(|whom| whom.service == Service::Gateway)
                .cloned(),
            ready,
            ended: ended.collect(),
        }))
    }

    async fn afterwards(&self, _: &Progress) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// What starts, and what ends, of the step that is taken.
fn step(progress: &Progress, running: &Running, said: &[Announcement]) -> (Life, Life) {
    let goes_back = progress.halted.is_some();
    match progress.plan.steps.get(progress.at) {
        Some(Step::Replace { old, new } | Step::ReplaceInPlace { old, new }) => {
            let (starts, ends) = if goes_back { (old, new) } else { (new, old) };
            (life(starts, running, said), remains(ends, running))
        }
        Some(Step::Up { to }) => {
            let wanted: Option<Digest> = if goes_back {
                progress.plan.up_before
            } else {
                Some(*to)
            };
            let is_it = running.up == wanted;
            let starts = if is_it { Life::Ready } else { Life::Starting };
            (starts, Life::Absent)
        }
        None => (Life::Absent, Life::Absent),
    }
}

fn life(instance: &Instance, running: &Running, said: &[Announcement]) -> Life {
    match running.serving(instance) {
        Some(pid) if said.iter().any(|said| said.pid == pid) => Life::Ready,
        Some(_) => Life::Starting,
        None if running.keeps.contains(instance) => Life::Starting,
        None => Life::Absent,
    }
}

/// What is told to end is there until its process has ended.
fn remains(instance: &Instance, running: &Running) -> Life {
    let mut children = running.children.iter();
    let remains = children.any(|child| child.instance == *instance);
    if remains || running.keeps.contains(instance) {
        Life::Ready
    } else {
        Life::Absent
    }
}
