//! A platform of its own, in a folder that goes with it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use slipway_runtime::data::DataDir;
use slipway_runtime::http::client::http_client;
use slipway_runtime::process::slot::{Announcement, announcements};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::tally::Tally;
use crate::terminal;

const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Far above the time that a start takes.
const STARTED: Duration = Duration::from_secs(20);

pub(super) struct Platform {
    pub(super) origin: String,
    pub(super) token: String,
    data: DataDir,
    up: Child,
    folder: TempDir,
}

impl Platform {
    /// Starts `slipway up` and waits until it is ready.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("could not make a temporary folder")?;
        let data = DataDir::new(folder.path().join("data"));
        // Free now, and taken by the gateway in a moment.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let address = format!("127.0.0.1:{port}");
        let log = std::fs::File::create(folder.path().join("log"))?;
        let up = Command::new(std::env::current_exe()?)
            .args(["up", "--listen", &address, "--data"])
            .arg(data.root())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("could not start `slipway up`")?;
        let origin = format!("http://{address}");
        if let Err(error) = wait_until_ready(&origin).await {
            return Err(error.context(kept(folder)));
        }
        let token = std::fs::read_to_string(data.admin_token())?;
        Ok(Self {
            origin,
            token: token.trim().to_owned(),
            data,
            up,
            folder,
        })
    }

    /// Kills a service with -9, and waits until another process has its place.
    pub(super) async fn kill(&self, service: &str, tally: &Tally) -> anyhow::Result<()> {
        let killed = self
            .running(service)
            .with_context(|| format!("{service} does not run"))?;
        let pid = i32::try_from(killed.pid).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process has a number")?, Signal::KILL)?;
        tally.count(|counted| counted.killed += 1);
        let begun = Instant::now();
        while self
            .running(service)
            .is_none_or(|now| now.pid == killed.pid)
        {
            if begun.elapsed() > STARTED {
                bail!("{service} did not come back");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        terminal::note(format_args!(
            "killed {service} (process {}), back after {:.1} s",
            killed.pid,
            begun.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    /// Leaves the folder for whoever looks why it failed; the processes end with their supervisor.
    pub(super) fn keep(self) -> String {
        kept(self.folder)
    }

    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        let pid = self
            .up
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM)?;
        }
        self.up.wait().await?;
        Ok(())
    }

    fn running(&self, service: &str) -> Option<Announcement> {
        let found = announcements(&self.data).into_iter();
        found
            .filter(Announcement::lives)
            .find(|one| one.service == service)
    }
}

fn kept(folder: TempDir) -> String {
    let log = folder.keep().join("log");
    format!("the log of the platform is {}", log.display())
}

async fn wait_until_ready(origin: &str) -> anyhow::Result<()> {
    let client = http_client()?;
    let begun = Instant::now();
    loop {
        let answer = client.get(format!("{origin}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if begun.elapsed() > STARTED {
            bail!("the platform did not get ready");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
