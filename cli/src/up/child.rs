//! One instance, kept running.
//!
//! A child that is told to end by somebody else says that it drains, and its successor is started at once: the two serve
//! side by side until the old one has ended, so that nobody finds no instance. A child that ends without a word is started
//! again after a pause.

use std::ffi::OsString;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::announcements;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::process::Process;
use super::programs::Programs;
use super::table::Table;
use crate::fleet::wanted::Instance;
use crate::run::Service;
use crate::terminal;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Above the time that a process takes at most: 6 s until all know that it leaves, 10 s for its successor, 30 s for requests in
/// flight, and its background tasks and farewells.
const END_TIMEOUT: Duration = Duration::from_mins(1);

/// How children are told to end.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) politely: CancellationToken,
    pub(super) at_once: CancellationToken,
}

impl Ending {
    pub(super) fn new() -> Self {
        Self {
            politely: CancellationToken::new(),
            at_once: CancellationToken::new(),
        }
    }

    /// The first time politely, the second time at once.
    pub(super) fn advance(&self) {
        if self.politely.is_cancelled() {
            self.at_once.cancel();
        }
        self.politely.cancel();
    }

    /// Of one child, which ends with all and may end before.
    pub(super) fn of_one(&self) -> Self {
        Self {
            politely: self.politely.child_token(),
            at_once: self.at_once.clone(),
        }
    }
}

/// What every child is started with.
pub(super) struct Nursery {
    pub(super) data: DataDir,
    pub(super) programs: Programs,
    /// The public one, which gateways are given.
    pub(super) listener: TcpListener,
    pub(super) environment: Vec<(String, String)>,
    pub(super) table: Table,
    /// Processes whose place another has.
    pub(super) leaving: TaskTracker,
}

#[derive(Clone)]
pub(super) struct Child {
    pub(super) instance: Instance,
    pub(super) nursery: Arc<Nursery>,
    pub(super) ending: Ending,
}

/// How it came that a process has not its place any more.
enum Gone {
    /// In words, and whether it was ready before: then its end is a new trouble, however soon it came.
    Ended(String, bool),
    Replaced,
    ToldTo,
}

impl Child {
    /// Keeps a process running until the end is asked for; the first one may run already.
    pub(super) async fn keep_running(self, mut first: Option<Arc<Process>>) {
        let mut pause = FIRST_PAUSE;
        while !self.ending.politely.is_cancelled() {
            let begun = match first.take() {
                Some(process) => Ok(process),
                None => self.begin(),
            };
            let gone = match begun {
                Ok(process) => self.watch_over(&process).await,
                Err(error) => Gone::Ended(format!("could not be started: {error:#}"), false),
            };
            let (how, was_ready) = match gone {
                Gone::ToldTo => return,
                Gone::Replaced => continue,
                Gone::Ended(how, was_ready) => (how, was_ready),
            };
            if !self.ending.politely.is_cancelled() {
                self.nursery.table.ended_by_itself(self.instance);
            }
            if was_ready {
                pause = FIRST_PAUSE;
            }
            let name = self.name();
            terminal::note(format_args!(
                "{name} ended ({how}); starting it again in {pause:?}"
            ));
            tokio::select! {
                () = sleep(pause) => {}
                () = self.ending.politely.cancelled() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.instance.service.name(), self.instance.number)
    }

    fn begin(&self) -> anyhow::Result<Arc<Process>> {
        let nursery = &self.nursery;
        let service = self.instance.service;
        let program = nursery.programs.of(self.instance.program)?;
        let mut arguments: Vec<OsString> = Vec::new();
        if program.is_command {
            arguments.extend(["run".into(), service.name().into()]);
        }
        arguments.extend(["--data".into(), nursery.data.root().into()]);
        arguments.push("--supervised".into());
        let is_gateway = service == Service::Gateway;
        if is_gateway {
            arguments.push("--inherit".into());
        }
        let mut command = Command::new(&program.path);
        command.args(arguments);
        command.envs(nursery.environment.iter().cloned());
        let listener = is_gateway.then_some(&nursery.listener);
        let process = Arc::new(Process::begin(&mut command, listener)?);
        nursery.table.enter(self.instance, process.clone(), false);
        Ok(process)
    }

    async fn watch_over(&self, process: &Arc<Process>) -> Gone {
        tokio::select! {
            status = process.ended() => {
                self.nursery.table.ended(process);
                match status {
                    Ok(status) => {
                        let was_ready = status.success() || self.has_been_ready(process);
                        Gone::Ended(status.to_string(), was_ready)
                    }
                    Err(error) => Gone::Ended(error.to_string(), self.has_been_ready(process)),
                }
            }
            () = process.drains() => {
                if self.ending.politely.is_cancelled() {
                    self.end(process).await;
                    return Gone::ToldTo;
                }
                terminal::note(format_args!("{} drains; another takes its place", self.name()));
                self.leave(process.clone());
                Gone::Replaced
            }
            () = self.ending.politely.cancelled() => {
                self.end(process).await;
                Gone::ToldTo
            }
        }
    }

    /// Lets a process end whose place another has.
    pub(super) fn leave(&self, process: Arc<Process>) {
        self.nursery.table.leaves(&process);
        let (child, leaving) = (self.clone(), self.nursery.leaving.clone());
        leaving.spawn(async move { child.await_end(&process).await });
    }

    async fn end(&self, process: &Arc<Process>) {
        self.nursery.table.leaves(process);
        process.signal(Signal::TERM);
        process.release();
        self.await_end(process).await;
    }

    /// Waits until a process that was told to end has ended, and ends it where it does not.
    async fn await_end(&self, process: &Arc<Process>) {
        let why = tokio::select! {
            ended = timeout(END_TIMEOUT, process.ended()) => match ended {
                Ok(_) => None,
                Err(_) => Some("it did not end in time"),
            },
            () = self.ending.at_once.cancelled() => Some("up was told twice to end"),
        };
        if let Some(why) = why {
            process.signal(Signal::KILL);
            let _ = process.ended().await;
            terminal::note(format_args!("{} was killed: {why}", self.name()));
        }
        self.nursery.table.ended(process);
    }

    /// Whether the process has said that it is ready.
    fn has_been_ready(&self, process: &Process) -> bool {
        let announced = announcements(&self.nursery.data);
        announced.iter().any(|said| said.pid == process.pid())
    }
}
