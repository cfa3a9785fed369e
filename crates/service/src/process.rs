//! A process from its start to its end, the same for all six services.
//!
//! Start: settings, log, a slot in the data folder, its ports, the service's own `build`; then the listeners take
//! connections, and as soon as the service can work it is announced as READY. Nobody waits for another service. End (SIGTERM or
//! SIGINT): `/readyz` says 503, the others learn that this instance drains, the listener closes, requests in flight
//! end within the drain time, background tasks end, the lease ends, exit 0. `kill -9` at any of these is safe.

mod command;
mod damaged;
mod descriptors;
mod life;
pub(crate) mod readings;
mod slot;
pub(crate) mod tasks;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use axum::Router;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::service::TowerToHyperService;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::data::DataDir;
use crate::database::Database;
use crate::database::damage::Damage;
use crate::discovery::time::RegistryTime;
use crate::discovery::view::View;
use crate::http::edge::{Page, edge};
use crate::internal::client::Client;
use crate::internal::identity::Identity;
use crate::metrics::{Metrics, Reading};
use crate::settings::Common;
use tasks::Gone;

pub use command::{Options, main};
pub use descriptors::raise_limit as raise_descriptor_limit;
pub use life::run;
pub use slot::{Announcement, announcements};

/// What a service is to the process that runs it.
pub trait Service {
    const NAME: &'static str;
    /// Digest of the sources that it is made of: `env!("SLIPWAY_SOURCES")`, which the build script sets.
    const SOURCES: &'static str;
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
    ) -> impl Future<Output = anyhow::Result<Assembled<Self::Http, Self::Health>>> + Send;

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
pub struct Assembled<S, H> {
    pub http: S,
    pub health: H,
}

/// The HTTP service of all but the gateway: axum's router behind hyper's server.
pub type RouterService = TowerToHyperService<Router>;

impl<H: Health> Assembled<RouterService, H> {
    /// Puts the edge around `routes`. `page` may answer problems with pages for browsers.
    pub fn new(process: &Process, health: H, page: Option<Page>, routes: Router) -> Self {
        let router = edge(process, page, routes);
        Self {
            http: TowerToHyperService::new(router),
            health,
        }
    }
}

/// What a service gets from its process; cheap to clone.
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
