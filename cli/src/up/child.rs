//! One instance, kept running.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::announcements;
use tokio::process::Command;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::run::Service;
use crate::terminal;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Above the time that a process takes at most: 30 s for requests in flight, and its background tasks and farewells.
const END_TIMEOUT: Duration = Duration::from_secs(45);

/// How the children are told to end.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) politely: CancellationToken,
    pub(super) at_once: CancellationToken,
}

impl Ending {
    /// The first time politely, the second time at once.
    pub(super) fn advance(&self) {
        if self.politely.is_cancelled() {
            self.at_once.cancel();
        }
        self.politely.cancel();
    }
}

pub(super) struct Child {
    pub(super) service: Service,
    number: usize,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    data: DataDir,
    /// 0 while no process runs.
    pid: AtomicU32,
}

impl Child {
    pub(super) fn new(
        service: Service,
        number: usize,
        program: &Path,
        arguments: Vec<OsString>,
        environment: Vec<(String, String)>,
        data: DataDir,
    ) -> Self {
        let program = program.into();
        Self {
            service,
            number,
            program,
            arguments,
            environment,
            data,
            pid: AtomicU32::new(0),
        }
    }

    /// The process that runs now.
    pub(super) fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Starts the process, and again whenever it ends, until the end is asked for.
    pub(super) async fn keep_running(self: Arc<Self>, ending: Ending) {
        let mut pause = FIRST_PAUSE;
        while !ending.politely.is_cancelled() {
            let (how, started_well) = self.run_once(&ending).await;
            self.pid.store(0, Ordering::Relaxed);
            if ending.politely.is_cancelled() {
                return;
            }
            if started_well {
                pause = FIRST_PAUSE;
            }
            let name = self.service.name();
            let Self { number, .. } = *self;
            terminal::note(format_args!(
                "{name} {number} ended ({how}); starting it again in {pause:?}"
            ));
            tokio::select! {
                () = sleep(pause) => {}
                () = ending.politely.cancelled() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns how the process ended, in words, and whether it was ready before: then its end is a new trouble, however
    /// soon it came.
    async fn run_once(&self, ending: &Ending) -> (String, bool) {
        let spawned = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.clone())
            .stdin(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => return (format!("could not be started: {error}"), false),
        };
        // Held, not written to: it closes when we end, by `kill -9` too, and then the child ends.
        let _lifeline = child.stdin.take();
        self.pid.store(child.id().unwrap_or(0), Ordering::Relaxed);
        tokio::select! {
            status = child.wait() => return match status {
                // One that was told to end takes back what it has said.
                Ok(status) => (status.to_string(), status.success() || self.has_been_ready()),
                Err(error) => (error.to_string(), self.has_been_ready()),
            },
            () = ending.politely.cancelled() => {}
        }
        let pid = self
            .pid()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let why = tokio::select! {
            ended = timeout(END_TIMEOUT, child.wait()) => match ended {
                Ok(_) => return ("told to".to_owned(), true),
                Err(_) => "it did not end in time",
            },
            () = ending.at_once.cancelled() => "up was told twice to end",
        };
        let _ = child.kill().await;
        let Self { number, .. } = *self;
        terminal::note(format_args!(
            "{} {number} was killed: {why}",
            self.service.name()
        ));
        ("killed".to_owned(), true)
    }

    /// Whether the process that runs or ran last has said that it is ready.
    fn has_been_ready(&self) -> bool {
        let announced = announcements(&self.data);
        announced.iter().any(|said| Some(said.pid) == self.pid())
    }
}
