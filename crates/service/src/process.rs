//! A process from its start to its end, the same for all six services.
//!
//! Start: settings, log, a slot in the data folder, its ports, the service's own `build`; then the listeners take
//! connections, and as soon as the service can work it is announced as READY. Nobody waits for another service. End (SIGTERM or
//! SIGINT): `/readyz` says 503, the others learn that this instance drains, the listener closes, requests in flight
//! end within the drain time, background tasks end, the lease ends, exit 0. `kill -9` at any of these is safe.

mod command;
mod damaged;
mod descriptors;
mod slot;
pub(crate) mod tasks;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::service::TowerToHyperService;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock;
use crate::data::DataDir;
use crate::database::Database;
use crate::database::damage::Damage;
use crate::discovery::record::{Record, State};
use crate::discovery::time::RegistryTime;
use crate::discovery::view::View;
use crate::discovery::{heartbeat, watch as registry_watch};
use crate::http::edge::{Page, admin, edge, readiness};
use crate::http::serve::{Transport, serve};
use crate::internal::client::Client;
use crate::internal::identity::Identity;
use crate::metrics::{Metrics, Reading};
use crate::settings::{self, Common};
use crate::telemetry;
use damaged::Damaged;
use slot::{Reserved, Slot};
use tasks::Gone;

pub use command::{Options, main};
pub use descriptors::raise_limit as raise_descriptor_limit;
pub use slot::{Announcement, announcements};

/// Time for background tasks to end after the last request. A job that is cut off is taken up by the next process.
const TASKS_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before a process is written down that the disk had no room for.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// A service as the house runs it.
pub trait Service {
    const NAME: &'static str;
    /// Whether the world speaks to it, in plain HTTP. All others are spoken to by services alone, which prove themselves.
    const IS_PUBLIC: bool = false;
    /// The service's own sections of the settings.
    type Settings: DeserializeOwned + Send;
    type Http: hyper::service::Service<
            Request<Incoming>,
            Response = Response<Self::Body>,
            Error: Into<Box<dyn std::error::Error + Send + Sync>>,
            Future: Send,
        > + Clone
        + Send
        + 'static;
    type Body: hyper::body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static;
    type Health: Health;

    /// Opens what the service needs and spawns its background tasks with [`Process::spawn`].
    fn build(
        process: Process,
        settings: Self::Settings,
    ) -> impl Future<Output = anyhow::Result<App<Self::Http, Self::Health>>> + Send;

    /// A subcommand of the binary beside serving, for work that the service does in a process of its own.
    fn tool(_name: &str, _arguments: &[OsString]) -> Option<ExitCode> {
        None
    }
}

/// What a service says of itself.
pub trait Health: Clone + Send + Sync + 'static {
    /// Whether it can do its own work: its database and store answer. Never whether its peers do.
    fn ready(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Numbers to read at a scrape of `/metrics`.
    fn readings(&self) -> impl Future<Output = anyhow::Result<Vec<Reading>>> + Send {
        async { Ok(Vec::new()) }
    }
}

/// A service that is ready to serve.
pub struct App<S, H> {
    pub http: S,
    pub health: H,
}

/// The HTTP service of all but the gateway: axum's router behind hyper's server.
pub type RouterService = TowerToHyperService<Router>;

impl<H: Health> App<RouterService, H> {
    /// Puts the edge around `routes`. `page` may answer problems with pages for browsers.
    pub fn new(process: &Process, health: H, page: Option<Page>, routes: Router) -> Self {
        let router = edge(process, page, routes);
        Self {
            http: TowerToHyperService::new(router),
            health,
        }
    }
}

/// What a service gets from the house; cheap to clone.
#[derive(Clone)]
pub struct Process {
    pub service: &'static str,
    /// A UUID made at the process's start.
    pub instance: Arc<str>,
    /// `host:port` under which others reach it, once it listens.
    pub address: Option<Arc<str>>,
    pub data: DataDir,
    pub settings: Arc<Common>,
    /// By what this process proves who it is.
    pub identity: Identity,
    /// The run of `slipway up` that it belongs to, if one runs.
    pub run: Option<Arc<str>>,
    /// Who else is there.
    pub view: View,
    /// What time it is for the registry.
    pub registry_time: RegistryTime,
    /// Calls to the others.
    pub client: Client,
    pub metrics: Metrics,
    /// Tasks that panic whenever they are begun.
    pub(crate) gone: Gone,
    /// The service's database, once it is open: it is closed last.
    pub(crate) database: Arc<OnceLock<Database>>,
    /// What was found wrong with the database.
    pub damage: Damage,
    /// Background tasks; those that [`Process::spawn`] did not start end by themselves when `shutdown` is cancelled.
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
    /// Cancelled from SIGTERM on.
    pub draining: CancellationToken,
}

impl Process {
    /// Reads the process's certificate and what it last knew of the others.
    pub fn open(service: &'static str, data: DataDir, settings: Common) -> anyhow::Result<Self> {
        let folder = data.service(service);
        crate::data::private_folder(&folder)?;
        let view = View::open(folder.join("view.json"));
        Self::open_with_view(service, data, settings, view)
    }

    /// Reads the process's certificate; `view` is what it knows of the others.
    pub fn open_with_view(
        service: &'static str,
        data: DataDir,
        settings: Common,
        view: View,
    ) -> anyhow::Result<Self> {
        let identity = Identity::open(service, &data)?;
        let run: Option<Arc<str>> = data.current_run().map(Into::into);
        Ok(Self {
            service,
            instance: Uuid::now_v7().to_string().into(),
            address: None,
            client: Client::open(identity.clone(), run.clone(), view.clone()),
            identity,
            run,
            view,
            registry_time: RegistryTime::default(),
            data,
            settings: Arc::new(settings),
            metrics: Metrics::default(),
            gone: Gone::default(),
            database: Arc::default(),
            damage: Damage::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            draining: CancellationToken::new(),
        })
    }

    pub(crate) fn is_registry(&self) -> bool {
        self.service == "registry"
    }

    /// Addresses of the registry's nodes: those of the settings, else those that run in the same data folder. None for
    /// a registry, which announces itself to nobody and looks for nobody.
    pub fn registries(&self) -> Vec<String> {
        if self.is_registry() {
            return Vec::new();
        }
        let configured = &self.settings.registry.urls;
        if configured.is_empty() {
            let found = announcements(&self.data).into_iter();
            let registries = found.filter(|other| other.service == "registry");
            return registries.map(|registry| registry.addr).collect();
        }
        let authority = |url: &String| {
            // Both are one way: whatever the URL says, the other end has to prove itself.
            let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
            let rest = rest.unwrap_or(url);
            rest.trim_end_matches('/').to_owned()
        };
        configured.iter().map(authority).collect()
    }
}

/// Runs a service until it is told to end.
pub fn run<S: Service>(options: Options) -> anyhow::Result<()> {
    let (mut common, own) = settings::load::<S::Settings>(S::NAME, options.config.as_deref())?;
    common.http.listen = options.listen.or(common.http.listen);
    if !options.registry.is_empty() {
        common.registry.urls.clone_from(&options.registry);
    }
    telemetry::init(&common.log)?;
    raise_descriptor_limit();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(live::<S>(options, common, own))
}

async fn live<S: Service>(
    options: Options,
    common: Common,
    own: S::Settings,
) -> anyhow::Result<()> {
    let data = DataDir::new(std::path::absolute(&options.data)?);
    if let Some(moved) = data.notice_move()? {
        tracing::warn!("{moved}");
    }
    let slot = Slot::take(&data, S::NAME)?;
    let port = slot.reserve(common.http.listen)?;
    let admin = reserve_for_operators(&common.admin)?;
    let mut process = Process::open(S::NAME, data, common)?;
    let announcement = Announcement::new(
        &process,
        port.address()?.to_string(),
        admin.address()?.to_string(),
    );
    process.address = Some(announcement.addr.as_str().into());
    let place = Place {
        slot,
        port,
        admin,
        announcement,
    };
    let built = S::build(process.clone(), own).await;
    let built = built.inspect_err(|error| process.damage.notice(error.as_ref()));
    match built {
        Ok(app) => work::<S>(process, place, app, options.supervised).await,
        // A start again and again would leave those who ask without the reason.
        Err(_) if process.damage.found().is_some() => {
            let app = Damaged::<S>::build(process.clone(), ()).await?;
            work::<Damaged<S>>(process, place, app, options.supervised).await
        }
        Err(error) => Err(error.context(format!("the {} service could not start", S::NAME))),
    }
}

/// Where a process is found.
struct Place {
    slot: Slot,
    port: Reserved,
    admin: Reserved,
    announcement: Announcement,
}

/// Serves until the process is told to end.
async fn work<S: Service>(
    process: Process,
    place: Place,
    app: App<S::Http, S::Health>,
    supervised: bool,
) -> anyhow::Result<()> {
    let Place {
        slot,
        port,
        admin,
        announcement,
    } = place;
    let record = record::<S>(&announcement);
    let (listener, admin) = (port.listen()?, admin.listen()?);
    let (state, states) = watch::channel(State::Starting);
    let identity = process.identity.clone();
    process.spawn("certificates", move || {
        identity.clone().keep_current(S::NAME)
    });
    if !process.is_registry() {
        let (beating, record) = (process.clone(), record.clone());
        process.spawn("heartbeat", move || {
            heartbeat::run(beating.clone(), record.clone(), states.clone())
        });
        registry_watch::start(&process);
    }
    let stop = CancellationToken::new();
    serve_operators(&process, admin, app.health.clone());
    let transport = if S::IS_PUBLIC {
        Transport::Plain
    } else {
        Transport::Proven(process.identity.clone())
    };
    let http = &process.settings.http;
    let serving = serve(listener, transport, app.http, http, stop.clone());
    let slot = Arc::new(slot);
    let (damage, standing) = (process.damage.clone(), state.clone());
    process.spawn("standing back", move || {
        stand_back_when_damaged(damage.clone(), standing.clone())
    });
    let ending = async {
        announce(&process, &app.health, &slot, announcement, &state).await;
        process.draining.cancelled().await;
        state.send_replace(State::Draining);
        heartbeat::drain(&process, &record).await;
        stop.cancel();
    };
    let signals = tokio::spawn(wait_for_end(process.draining.clone(), supervised));
    tokio::join!(ending, serving);
    signals.abort();
    end(&process, &record, &slot).await;
    Ok(())
}

fn reserve_for_operators(settings: &settings::Admin) -> anyhow::Result<Reserved> {
    Reserved::at(settings.listen).with_context(|| {
        format!(
            "could not listen on {} for operators: choose another [admin] listen",
            settings.listen
        )
    })
}

fn serve_operators<H: Health>(process: &Process, listener: TcpListener, health: H) {
    let router = TowerToHyperService::new(admin(process, health));
    let (http, stop) = (process.settings.http.clone(), process.shutdown.clone());
    process
        .tasks
        .spawn(async move { serve(listener, Transport::Plain, router, &http, stop).await });
}

/// What others are told of this process. Nobody inside calls a gateway, and its public address may be any: its lease
/// names where operators ask it.
fn record<S: Service>(announcement: &Announcement) -> Record {
    let Announcement { addr, admin, .. } = announcement;
    Record {
        service: S::NAME.to_owned(),
        instance: announcement.instance.clone(),
        addr: if S::IS_PUBLIC { admin } else { addr }.clone(),
        state: State::Starting,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: clock::unix_millis(),
    }
}

/// Waits until the service can work, then tells everybody.
async fn announce<H: Health>(
    process: &Process,
    health: &H,
    slot: &Arc<Slot>,
    announcement: Announcement,
    state: &watch::Sender<State>,
) {
    while readiness(process, health).await.is_err() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = process.draining.cancelled() => return,
        }
    }
    let written = write_down(slot, &announcement);
    state.send_if_modified(|state| {
        let forward = State::Ready.follows(*state);
        if forward {
            *state = State::Ready;
        }
        forward
    });
    tracing::info!(
        service = process.service,
        instance = &*process.instance,
        addr = announcement.addr,
        admin = announcement.admin,
        "ready"
    );
    let (identity, slot) = (process.identity.clone(), slot.clone());
    process.spawn("announcement", move || {
        announce_again(
            identity.clone(),
            slot.clone(),
            announcement.clone(),
            written,
        )
    });
}

/// Says which authorities are trusted and which certificate is used now: a rotation waits for everybody. What a full disk
/// did not take is written when there is room.
async fn announce_again(
    identity: Identity,
    slot: Arc<Slot>,
    mut announcement: Announcement,
    mut written: bool,
) {
    let mut changes = identity.subscribe();
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(WRITE_AGAIN), if !written => {}
        }
        let loaded = identity.loaded();
        announcement.authorities.clone_from(&loaded.authorities);
        announcement.certificate.clone_from(&loaded.certificate);
        written = write_down(&slot, &announcement);
    }
}

fn write_down(slot: &Slot, announcement: &Announcement) -> bool {
    let written = slot.announce(announcement);
    if let Err(error) = &written {
        tracing::warn!(
            error = format!("{error:#}"),
            "what runs here could not be written down and is written again"
        );
    }
    written.is_ok()
}

/// Who found its database damaged answers only where nobody else can: another machine may have a whole one.
async fn stand_back_when_damaged(damage: Damage, state: watch::Sender<State>) {
    damage.wait().await;
    state.send_replace(State::Draining);
}

async fn end(process: &Process, record: &Record, slot: &Slot) {
    process.shutdown.cancel();
    process.tasks.close();
    if tokio::time::timeout(TASKS_TIMEOUT, process.tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("a background task was cut off; the next process takes its work up");
    }
    if let Some(database) = process.database.get() {
        database.close().await;
    }
    heartbeat::leave(process, record).await;
    slot.leave();
    tracing::info!(
        service = process.service,
        instance = &*process.instance,
        "ended"
    );
}

/// Cancels `draining` at SIGTERM, SIGINT or, for a supervised process, at the end of its standard input. That one is
/// read by a thread of its own: the runtime does not end before its reads have, and this one ends with the supervisor.
async fn wait_for_end(draining: CancellationToken, supervised: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    if supervised {
        let draining = draining.clone();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            draining.cancel();
        });
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    draining.cancel();
    Ok(())
}
