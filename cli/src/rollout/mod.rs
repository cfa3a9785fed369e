//! `slipway rollout`: every instance replaced by one of another program, one at a time.
//!
//! What happens next is a rule of what was seen ([`rules::progress`]), and what is to run is a rule of how far it has come
//! ([`rules::progress::Progress::wanted`]). So whoever goes on after a kill does what the one before would have done.

mod compare;
mod drive;
mod kept;
mod lines;
mod rules;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ArgGroup;
use slipway_runtime::data::DataDir;
use tokio::time::sleep;
use uuid::Uuid;

use crate::exit::{Exit, Stop};
use crate::fleet::running::Running;
use crate::fleet::wanted::Wanted;
use crate::run::Service;
use crate::server::block_on;
use crate::terminal::Output;
use drive::{drive, now};
use kept::Kept;
use rules::plan::{Plan, Times};
use rules::progress::Progress;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway rollout --to ./slipway                      all services, and `up` itself, become this program
  slipway rollout --to ./slipway-upload               upload alone
  slipway rollout --to 0.6.1 --service download --plan
  slipway rollout --resume                            follow what --plan has printed, or go on after a kill
  slipway rollout --abort                             back to what ran before
  slipway rollout --to 0.6.0                          back later is the same command

It acts on the `slipway up` of --data, on this machine. A new process is started beside an old one; both are asked the same,
and the old one is told to end when the new one is as good. Programs are kept in DIR/versions/<digest>/.";

/// Replace what runs by another version, one instance at a time, and go back where it is worse
#[derive(clap::Args)]
#[command(group = ArgGroup::new("act").required(true).args(["to", "resume", "abort"]))]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub(crate) struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The program: its file, its digest, or the version of one that was there before
    #[arg(long, value_name = "FILE|DIGEST|VERSION")]
    to: Option<String>,
    /// Replace this service alone
    #[arg(long, value_name = "SERVICE", requires = "to")]
    service: Option<Service>,
    /// Also a program that is in no release signed by the pinned key; `up` has to be started with it too
    #[arg(long, requires = "to")]
    unsigned: bool,
    /// Only print and keep what would be done
    #[arg(long, requires = "to")]
    plan: bool,
    /// Follow the plan, or go on with what was interrupted
    #[arg(long)]
    resume: bool,
    /// Take back what was begun
    #[arg(long)]
    abort: bool,
    #[command(flatten)]
    times: TimeOptions,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(clap::Args)]
#[group(skip)]
struct TimeOptions {
    /// For a new process to be ready, the longest
    #[arg(long, value_name = "SECONDS", default_value_t = Times::default().ready, requires = "to")]
    ready: u64,
    /// In which a ready one fills its caches and is not judged
    #[arg(long, value_name = "SECONDS", default_value_t = Times::default().warm, requires = "to")]
    warm: u64,
    /// In which old and new are compared
    #[arg(long, value_name = "SECONDS", default_value_t = Times::default().window, requires = "to")]
    window: u64,
    /// For which all are watched at the end: some faults take their time
    #[arg(long, value_name = "SECONDS", default_value_t = Times::default().bake, requires = "to")]
    bake: u64,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let data = DataDir::new(std::path::absolute(&options.data)?);
    block_on(async {
        if options.abort {
            return take_back(&data, options.output).await;
        }
        let kept = Kept::take(&data)?;
        let progress = match &options.to {
            Some(to) => begun(&data, &kept, to, options)?,
            None => Some(resumed(&data)?),
        };
        match progress {
            Some(progress) => finish(&data, &kept, progress, options.output).await,
            None => Ok(()),
        }
    })
}

/// A new plan; none to follow where it was only to be printed.
fn begun(
    data: &DataDir,
    kept: &Kept,
    to: &str,
    options: &Options,
) -> anyhow::Result<Option<Progress>> {
    if kept::read(data)?.is_some_and(|before| before.goes_on()) {
        let words = "a roll-out was interrupted: go on with --resume, or take it back with --abort";
        return Err(Stop::refused("rollout_unfinished", words).into());
    }
    let to = target::find(data, to, options.unsigned)?;
    let only = target::service(data, to, options.service)?;
    target::check_release(data, to, options.unsigned)?;
    let fleet = fleet(data)?;
    let id = Uuid::now_v7().to_string();
    let times = &options.times;
    let times = Times {
        ready: times.ready,
        warm: times.warm,
        window: times.window,
        bake: times.bake,
    };
    let plan = Plan::make(id, &fleet, to, only, times);
    if options.plan {
        kept.write(&Progress::planned(plan.clone(), now()))?;
        let document = serde_json::to_value(&plan)?;
        options.output.tell(&document, lines::plan(&plan));
        return Ok(None);
    }
    Ok(Some(Progress::begin(plan, now())))
}

/// What runs now, with the program that it was started as.
fn fleet(data: &DataDir) -> anyhow::Result<Wanted> {
    let Some(running) = Running::read(data) else {
        let words = format!(
            "no `slipway up` runs in {}: start it first, or name its folder with --data",
            data.root().display()
        );
        return Err(Stop::usage(words).into());
    };
    let mut wanted = Wanted::read(data)?.unwrap_or_default();
    if wanted.first.is_none() {
        wanted.first = Some(target::first(data, &running)?);
    }
    wanted.instances = running.keeps;
    Ok(wanted)
}

/// What was planned or interrupted. A plan of a fleet that has changed since is none.
fn resumed(data: &DataDir) -> anyhow::Result<Progress> {
    let Some(before) = kept::read(data)? else {
        return Err(nothing().into());
    };
    if before.goes_on() {
        return Ok(before.resumed(now()));
    }
    if before.halted.is_some() || before.phase == rules::progress::Phase::Ended {
        return Err(nothing().into());
    }
    let now_is = fleet(data)?;
    let Plan {
        before: was,
        up_before,
        ..
    } = &before.plan;
    if now_is.instances != *was || now_is.up.or(now_is.first) != *up_before {
        let words = "the fleet has changed since it was planned: plan again";
        return Err(Stop::refused("plan_outdated", words).into());
    }
    Ok(Progress::begin(before.plan, now()))
}

fn nothing() -> Stop {
    let words = "no roll-out was planned or interrupted: begin one with --to";
    Stop::refused("rollout_none", words)
}

async fn finish(
    data: &DataDir,
    kept: &Kept,
    progress: Progress,
    output: Output,
) -> anyhow::Result<()> {
    let ended = drive(data, kept, progress).await?;
    tell(&ended, output)
}

fn tell(ended: &Progress, output: Output) -> anyhow::Result<()> {
    let words = lines::ended(ended);
    if ended.halted.is_some() {
        return Err(Stop::new(Exit::Failed, "rollout_halted", words).into());
    }
    output.tell(&serde_json::to_value(ended)?, [words]);
    Ok(())
}

/// Tells who rolls out to go back, and waits for it; where nobody does, it is done here.
async fn take_back(data: &DataDir, output: Output) -> anyhow::Result<()> {
    let going_on = kept::read(data)?.filter(Progress::goes_on);
    let Some(going_on) = going_on else {
        return Err(nothing().into());
    };
    kept::ask_to_go_back(data, &going_on.plan.id)?;
    let mut now_is = going_on;
    while now_is.goes_on() {
        match Kept::take(data) {
            Ok(kept) => now_is = drive(data, &kept, read_again(data)?.resumed(now())).await?,
            // Somebody rolls out.
            Err(error) if error.is::<Stop>() => {
                sleep(Duration::from_millis(200)).await;
                now_is = read_again(data)?;
            }
            Err(error) => return Err(error),
        }
    }
    output.tell(&serde_json::to_value(&now_is)?, [lines::ended(&now_is)]);
    Ok(())
}

fn read_again(data: &DataDir) -> anyhow::Result<Progress> {
    kept::read(data)?.context("what is kept of the roll-out is gone")
}
