//! What `up` does while it runs: it keeps its children, follows what is wanted, and ends when it is told to.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;

use anyhow::Context as _;
use slipway_contract::Digest;
use slipway_runtime::data::{DataDir, RUN_VARIABLE};
use slipway_runtime::http::client::http_client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::child::{Ending, Nursery};
use super::fleet::Fleet;
use super::options::Options;
use super::programs::Programs;
use super::ready;
use super::succession::{self, Estate, Left, become_program};
use super::table::Table;
use crate::fleet::FOLLOWED_EVERY;
use crate::fleet::running::Running;
use crate::fleet::versions::digest_of;
use crate::fleet::wanted::Wanted;
use crate::run::Service;
use crate::terminal;

/// The program that this process is, also when its file was replaced.
const OWN: &str = "/proc/self/exe";

/// What only one `up` has, and what the program has that it becomes.
pub(super) struct Holding {
    pub(super) run: String,
    /// Whether the person at the terminal was told that all is ready.
    pub(super) has_greeted: bool,
    /// The program that somebody started by hand.
    pub(super) started: Digest,
    /// The program that it is; none for the one that was started.
    pub(super) up: Option<Digest>,
    pub(super) lock: File,
    pub(super) listener: TcpListener,
    pub(super) children: Vec<Left>,
}

/// Runs the children until SIGTERM or SIGINT; a second one of these ends them at once.
pub(super) async fn supervise(
    options: &Options,
    data: &DataDir,
    mut holding: Holding,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    succession::listen_to_signals()?;
    let ending = Ending::new();
    let nursery = nursery(options, data, &holding)?;
    let left = std::mem::take(&mut holding.children);
    let mut supervisor = Supervisor {
        options,
        data,
        fleet: Fleet::new(nursery, ending.clone()),
        refused: None,
        revision: None,
        telling: None,
        holding,
    };
    supervisor.greet()?;
    supervisor.fleet.take_over(left);
    let mut looking = tokio::time::interval(FOLLOWED_EVERY);
    let table = supervisor.fleet.nursery().table.clone();
    while !ending.politely.is_cancelled() {
        tokio::select! {
            _ = terminate.recv() => ending.advance(),
            _ = interrupt.recv() => ending.advance(),
            _ = looking.tick() => supervisor.follow(),
            () = table.changed() => supervisor.tell(),
        }
    }
    if let Some(telling) = &supervisor.telling {
        telling.abort();
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => ending.advance(),
            _ = interrupt.recv() => ending.advance(),
            () = supervisor.fleet.ended() => return Ok(()),
        }
    }
}

struct Supervisor<'a> {
    options: &'a Options,
    data: &'a DataDir,
    holding: Holding,
    fleet: Fleet,
    /// Of what is wanted, as it was read; none before.
    revision: Option<u64>,
    refused: Option<String>,
    /// Tells a person that the platform can be used.
    telling: Option<JoinHandle<()>>,
}

impl Supervisor<'_> {
    /// Whoever was told before is not told again.
    fn greet(&mut self) -> anyhow::Result<()> {
        if !self.holding.has_greeted {
            let address = self.holding.listener.local_addr()?;
            let telling = ready::tell(http_client()?, self.data.clone(), address);
            self.telling = Some(tokio::spawn(telling));
        }
        Ok(())
    }

    /// Reads what is wanted, and does it where it has changed.
    fn follow(&mut self) {
        let wanted = match Wanted::read(self.data) {
            Ok(wanted) => wanted.unwrap_or_default(),
            // What runs goes on running.
            Err(error) => return self.refuse(format!("{error:#}")),
        };
        if self.revision == Some(wanted.revision) {
            return;
        }
        self.revision = Some(wanted.revision);
        self.refused = None;
        self.fleet.nursery().programs.set_first(wanted.first);
        if let Some(up) = wanted.up.filter(|up| Some(*up) != self.holding.up) {
            self.become_version(up);
        }
        let wanted = wanted.counted(|service| self.options.instances.of(service));
        self.fleet.follow(&wanted.instances);
        self.tell();
    }

    /// Becomes the program, or says why not.
    fn become_version(&mut self, up: Digest) {
        let own = self
            .holding
            .up
            .map_or_else(|| digest_of(Path::new(OWN)), Ok);
        let failed = match own {
            Ok(own) if own == up => {
                self.holding.up = Some(own);
                return;
            }
            Ok(_) => {
                let Err(error) = self.exec(up);
                error
            }
            Err(error) => error,
        };
        self.refuse(format!("{failed:#}"));
    }

    fn exec(&self, digest: Digest) -> Result<std::convert::Infallible, anyhow::Error> {
        let nursery = self.fleet.nursery();
        let program = nursery.programs.of(Some(digest))?;
        let children = nursery.table.entries();
        let estate = Estate {
            run: &self.holding.run,
            started: self.holding.started,
            has_greeted: self.telling.as_ref().is_none_or(JoinHandle::is_finished),
            lock: &self.holding.lock,
            listener: &self.holding.listener,
            children: &children,
        };
        become_program(&program.path, digest, &self.options.arguments(), &estate)
    }

    fn refuse(&mut self, why: String) {
        if self.refused.as_ref() != Some(&why) {
            terminal::fail(&why);
            self.refused = Some(why);
            self.tell();
        }
    }

    /// Says what runs now.
    fn tell(&self) {
        let running = Running {
            pid: std::process::id(),
            up: self.holding.up,
            revision: self.revision.unwrap_or(0),
            refused: self.refused.clone(),
            children: self.fleet.nursery().table.told(),
            keeps: self.fleet.instances(),
            ended: self.fleet.nursery().table.told_of_ends(),
        };
        if let Err(error) = running.write(self.data) {
            terminal::note(format_args!(
                "what runs could not be written down: {error:#}"
            ));
        }
    }
}

fn nursery(options: &Options, data: &DataDir, holding: &Holding) -> anyhow::Result<Nursery> {
    let own = std::env::current_exe().context("could not find the own executable")?;
    let mut environment = vec![(RUN_VARIABLE.to_owned(), holding.run.clone())];
    let url = options.public_url.as_ref();
    environment.extend(url.into_iter().flat_map(|url| {
        let name = |service: Service| service.name().to_uppercase();
        let setting = move |service| format!("SLIPWAY_{}__HTTP__PUBLIC_URL", name(service));
        Service::ALL.map(|service| (setting(service), url.to_string()))
    }));
    Ok(Nursery {
        data: data.clone(),
        programs: Programs::new(data.clone(), own, holding.started, options.unsigned),
        listener: holding.listener.try_clone()?,
        environment,
        table: Table::default(),
        leaving: TaskTracker::new(),
    })
}
