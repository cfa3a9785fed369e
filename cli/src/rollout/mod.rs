//! `slipway rollout`: every instance replaced by one of another program, one at a time.
//!
//! What happens next is a rule of what was seen ([`rules::progress`]), and what is to run is a rule of how far it has come
//! ([`rules::progress::Progress::wanted`]). So whoever goes on after a kill does what the one before would have done.

mod acts;
mod compare;
mod containers;
mod drive;
mod kept;
mod lines;
mod look;
mod processes;
mod replaced;
mod rules;

use std::path::PathBuf;

use clap::ArgGroup;
use slipway_runtime::data::DataDir;

use crate::run::Service;
use crate::server::block_on;
use crate::terminal::Output;
use acts::Act;
use containers::Containers;
use processes::Processes;
use replaced::Wish;
use rules::plan::Times;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway rollout --to ./slipway                      all services, and `up` itself, become this program
  slipway rollout --to ./slipway-upload               upload alone
  slipway rollout --to 0.6.1 --service download --plan
  slipway rollout --resume                            follow what --plan has printed, or go on after a kill
  slipway rollout --abort                             back to what ran before
  slipway rollout --to 0.6.0                          back later is the same command
  slipway rollout --compose --to 0.6.1                containers become those of the images slipway-<service>:0.6.1
  slipway rollout --compose --project slipway --resume

It acts on the `slipway up` of --data, or with --compose on the containers of a project, on this machine. A new process is
started beside an old one; both are asked the same, and the old one is told to end when the new one is as good. Programs are
kept in DIR/versions/<digest>/; images stay where Docker has them.";

/// Replace what runs by another version, one instance at a time, and go back where it is worse
#[derive(clap::Args)]
#[command(group = ArgGroup::new("act").required(true).args(["to", "resume", "abort"]))]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub(crate) struct Options {
    #[arg(
        long,
        value_name = "DIR",
        help = "Folder of all state [default: data; with --compose: data/compose/<project> beside the Compose file]"
    )]
    data: Option<PathBuf>,
    /// The containers of a Compose project, of these files [default: those that they were made by]
    #[arg(long, value_name = "FILE", num_args = 0..)]
    compose: Option<Vec<PathBuf>>,
    #[arg(
        long,
        value_name = "NAME",
        requires = "compose",
        help = "The name of the project [default: the variable COMPOSE_PROJECT_NAME, else as the Compose file says]"
    )]
    project: Option<String>,
    /// The program: its file, its digest, or the version of one that was there before; with --compose the images' tag
    #[arg(long, value_name = "FILE|DIGEST|VERSION|TAG")]
    to: Option<String>,
    /// Replace this service alone
    #[arg(long, value_name = "SERVICE", requires = "to")]
    service: Option<Service>,
    /// Also a program that is in no release signed by the pinned key, as images are; `up` has to be started with it too
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
    let act = options.act();
    block_on(async {
        if let Some(files) = &options.compose {
            let (project, data) = (options.project.as_deref(), options.data.as_deref());
            let containers = Containers::open(files, project, data).await?;
            return acts::act(containers, act, options.output).await;
        }
        let data = options.data.as_deref().unwrap_or("data".as_ref());
        let processes = Processes::open(DataDir::new(std::path::absolute(data)?))?;
        acts::act(processes, act, options.output).await
    })
}

impl Options {
    fn act(&self) -> Act<'_> {
        let Some(to) = &self.to else {
            return if self.abort { Act::TakeBack } else { Act::GoOn };
        };
        let wish = Wish {
            to,
            service: self.service,
            unsigned: self.unsigned,
        };
        let times = Times {
            ready: self.times.ready,
            warm: self.times.warm,
            window: self.times.window,
            bake: self.times.bake,
        };
        if self.plan {
            Act::Plan(wish, times)
        } else {
            Act::Begin(wish, times)
        }
    }
}
