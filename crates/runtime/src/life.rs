//! The life of a process, but for what others are told of it.
//!
//! Start: settings, log, a slot in the data folder, its ports; nobody waits for another service. End (SIGTERM or SIGINT):
//! `/readyz` says 503, the listener closes, requests in flight end within the drain time, background tasks end, exit 0.
//! `kill -9` at any of these is safe.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use hyper_util::service::TowerToHyperService;
use slipway_handover::say_draining;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::command::{Options, Service};
use crate::data::DataDir;
use crate::health::Health;
use crate::http::operators::{readiness, router};
use crate::http::serve::{Transport, serve};
use crate::process::Process;
use crate::process::address::Address;
use crate::process::descriptors;
use crate::process::listener::Listener;
use crate::process::program;
use crate::process::slot::{Announcement, Reserved, Slot};
use crate::settings::sources::{Loaded, load};
use crate::settings::{self, Common};
use crate::telemetry::{self, LogFilter};

/// Time for background tasks to end after the last request. A job that is cut off is taken up by the next process.
const TASKS_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the settings, begins to log, and runs what `live` does with the process.
pub fn run<Settings, Living>(
    service: Service,
    options: &Options,
    live: impl FnOnce(Begun, Loaded<Settings>) -> Living,
) -> anyhow::Result<()>
where
    Settings: settings::Settings,
    Living: Future<Output = anyhow::Result<()>>,
{
    let loaded = load::<Settings>(service.name, options)?;
    let common = loaded.settled.common.clone();
    let log = telemetry::init(&common.log)?;
    descriptors::raise_limit();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(async { live(Begun::take(service, options, common, log).await?, loaded).await })
}

/// A process that has its place, and listens to nobody yet.
pub struct Begun {
    pub process: Process,
    /// What others on this machine are told when it is ready.
    pub announcement: Announcement,
    pub log: LogFilter,
    slot: Arc<Slot>,
    port: Reserved,
    admin: Reserved,
    signals: Signals,
    supervised: bool,
}

impl Begun {
    async fn take(
        service: Service,
        options: &Options,
        common: Common,
        log: LogFilter,
    ) -> anyhow::Result<Self> {
        let mut signals = Signals::listen()?;
        let data = DataDir::new(std::path::absolute(&options.data)?);
        if let Some(moved) = data.notice_move()? {
            tracing::warn!("{moved}");
        }
        let slot = Slot::take(&data, service.name)?;
        let port = tokio::select! {
            port = reserve(&slot, options, &common.http) => port?,
            () = signals.any() => bail!("told to end while it waited for a door"),
        };
        let admin = reserve_for_operators(&common.admin)?;
        let mut process = Process::open(service.name, data, common)?;
        process.version = service.version;
        tell_build(&process);
        let advertise = process.settings.http.advertise.as_deref();
        let address = Address::new(port.address()?, advertise);
        let operators = admin.address()?;
        process.name = slot.name(&process.settings.registry).into();
        process.address = Some(address.clone());
        let announcement = Announcement::new(&process, address.shown(), operators.to_string());
        Ok(Self {
            process,
            announcement,
            log,
            slot: Arc::new(slot),
            port,
            admin,
            signals,
            supervised: options.supervised,
        })
    }

    /// From now on connections are taken, and operators are answered.
    pub fn listen(self, health: impl Health) -> anyhow::Result<(Listening, Listener)> {
        let listener = self.port.listen()?;
        serve_operators(&self.process, self.admin.listen()?, health);
        let ends = Ends {
            draining: self.process.draining.clone(),
            without_successor: self.process.without_successor.clone(),
        };
        let told = tokio::spawn(wait_for_end(ends, self.signals, self.supervised));
        let listening = Listening {
            process: self.process,
            announcement: self.announcement,
            slot: self.slot,
            told: told.abort_handle(),
        };
        Ok((listening, listener))
    }
}

/// A process whose ports are open.
pub struct Listening {
    pub process: Process,
    pub announcement: Announcement,
    pub slot: Arc<Slot>,
    told: tokio::task::AbortHandle,
}

impl Listening {
    /// Ends the background tasks, and then what is to be done last.
    pub async fn end(&self) {
        self.told.abort();
        let process = &self.process;
        process.shutdown.cancel();
        process.tasks.close();
        if tokio::time::timeout(TASKS_TIMEOUT, process.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("a background task was cut off; the next process takes its work up");
        }
        process.ended.cancel();
        process.last.close();
        process.last.wait().await;
    }
}

/// Takes the address, from whoever holds it where somebody does.
async fn reserve(
    slot: &Slot,
    options: &Options,
    settings: &settings::Http,
) -> anyhow::Result<Reserved> {
    let Some(door) = &settings.door else {
        return if options.inherit {
            Reserved::inherited().context("standard input gave no listener")
        } else {
            slot.reserve(settings.listen)
        };
    };
    ensure!(
        settings.listen.is_none() && !options.inherit,
        "a door gives the listener, and so does --listen or `slipway up`: leave out [http] door, or the other"
    );
    Ok(Reserved::behind(door).await)
}

fn reserve_for_operators(settings: &settings::Admin) -> anyhow::Result<Reserved> {
    Reserved::at(settings.listen).with_context(|| {
        format!(
            "could not listen on {} for operators: choose another [admin] listen",
            settings.listen
        )
    })
}

/// In a thread of its own: nothing waits until the whole program is read.
fn tell_build(process: &Process) {
    let (metrics, version) = (process.metrics.clone(), process.version);
    std::thread::spawn(move || match program::digest() {
        Ok(program) => metrics.tell_build(version, program),
        Err(error) => tracing::warn!("which program this is cannot be told: {error}"),
    });
}

fn serve_operators(process: &Process, listener: Listener, health: impl Health) {
    let router = TowerToHyperService::new(router(process, health));
    let (http, stop) = (process.settings.http.clone(), process.shutdown.clone());
    process
        .tasks
        .spawn(async move { serve(listener, Transport::Plain, router, &http, stop).await });
}

/// Waits until the service can work; false when it drains before.
pub async fn becomes_ready(process: &Process, health: &impl Health) -> bool {
    while readiness(process, health).await.is_err() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = process.draining.cancelled() => return false,
        }
    }
    true
}

/// What tells a process to end. It is listened to from the very start: one that comes before anybody listens would kill the
/// process instead.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What is cancelled at the end.
#[derive(Clone)]
struct Ends {
    draining: CancellationToken,
    without_successor: CancellationToken,
}

/// Cancels `draining` at SIGTERM, SIGINT or, for a supervised process, at the end of its standard input: its supervisor ends
/// too, or ends it for good. That one is read by a thread of its own: the runtime does not end before its reads have, and this
/// one ends with the supervisor.
async fn wait_for_end(ends: Ends, mut signals: Signals, supervised: bool) {
    if supervised {
        let ends = ends.clone();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            ends.without_successor.cancel();
            ends.draining.cancel();
        });
    } else {
        ends.without_successor.cancel();
    }
    signals.any().await;
    // Whoever started it by a pipe or by hand does not listen, and that is no reason to work on.
    if supervised && let Err(error) = say_draining() {
        tracing::debug!(%error, "nobody was told on standard input");
    }
    ends.draining.cancel();
}
