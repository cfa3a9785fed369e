//! Download: what end users and their updaters fetch. It keeps a copy of what is published, signatures and keys
//! included, so that every published file stays downloadable when everybody else is gone, also after a restart.
//!
//! It writes nothing but its copy and its counters; it never writes to the store.

mod audience;
mod blobs;
mod copy;
mod counters;
mod device;
mod disposition;
mod guide;
mod labels;
mod notes;
mod range;
mod routes;
mod script;
mod settings;
mod store;
mod texts;

use std::sync::Arc;

use axum::Router;
use slipway_service::changes::follow::{CopyState, Following, follow};
use slipway_service::changes::held;
use slipway_service::changes::replica::Replica as _;
use slipway_service::database::Database;
use slipway_service::metrics::Reading;
use slipway_service::process::RouterService;
use slipway_service::{Assembled, Health, Process, Service, clock};
use sqlx::migrate::Migrator;

use audience::Audience;
use blobs::Blobs;
pub use copy::Copy;
use counters::Counters;
pub use settings::Settings;
pub use slipway_service::http::page::wanted as problem_page;

static MIGRATOR: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
pub struct Download;

/// What the handlers work with.
#[derive(Clone)]
pub struct DownloadState {
    database: Database,
    blobs: Blobs,
    counters: Counters,
    following: Following,
    audience: Audience,
    page: Arc<settings::Page>,
    /// Where the world finds this platform, without a slash at its end.
    public_url: Option<String>,
}

impl DownloadState {
    /// Opens the copy and the store, and begins to follow the catalog.
    pub async fn open(process: &Process, settings: &Settings) -> anyhow::Result<Self> {
        let database = Database::open(process, &MIGRATOR).await?;
        Copy(database.clone()).complete().await?;
        let folder = settings
            .store
            .folder
            .clone()
            .unwrap_or_else(|| process.data.blobs());
        let counters = Counters::new(process, database.clone());
        let (flushing, counting) = (process.clone(), counters.clone());
        let interval = settings.counters.flush();
        process.spawn_to_its_end("counters", move || {
            counting.clone().run(flushing.clone(), interval)
        });
        let damaged = process.metrics.counter(
            "blobs_damaged",
            "Times that a file in the store, or its list of blocks, was found damaged",
        );
        Ok(Self {
            blobs: Blobs::open(&settings.store, folder, damaged),
            following: follow(process, Copy(database.clone())),
            audience: Audience::Public,
            page: Arc::new(settings.page.clone()),
            public_url: process
                .settings
                .http
                .public_url
                .as_deref()
                .map(str::to_owned),
            counters,
            database,
        })
    }

    /// The copy that this instance serves from.
    pub fn copy(&self) -> Copy {
        Copy(self.database.clone())
    }

    fn seeing(&self, audience: Audience) -> Self {
        Self {
            audience,
            ..self.clone()
        }
    }
}

impl Health for DownloadState {
    async fn ready(&self) -> anyhow::Result<()> {
        self.database.ready().await?;
        self.blobs.ready().await?;
        anyhow::ensure!(
            *self.following.copy_state.borrow() == CopyState::Usable,
            "the copy of what is published is not complete yet"
        );
        Ok(())
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let reading = |name, help, value| Reading { name, help, value };
        Ok(vec![
            reading(
                "copy_applied",
                "Number of the last change of the catalog that the copy holds",
                self.copy().position().await?.applied,
            ),
            reading(
                "copy_age_seconds",
                "Seconds since the catalog said that the copy is the newest, -1 if it never did",
                self.following
                    .age
                    .seconds(clock::unix_millis())
                    .unwrap_or(-1),
            ),
            reading(
                "files_damaged",
                "Files in the store that were found damaged and have not been put back",
                i64::try_from(self.blobs.damaged_count())?,
            ),
        ])
    }
}

impl Service for Download {
    const NAME: &'static str = "download";
    const SOURCES: &'static str = env!("SLIPWAY_SOURCES");
    type Settings = Settings;
    type Http = RouterService;
    type Body = axum::body::Body;
    type Health = DownloadState;

    async fn build(
        process: Process,
        settings: Settings,
    ) -> anyhow::Result<Assembled<RouterService, DownloadState>> {
        let state = DownloadState::open(&process, &settings).await?;
        Ok(Assembled::new(
            &process,
            state.clone(),
            Some(problem_page),
            router(&state),
        ))
    }
}

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_service::process::main::<Download>()
}

/// Runs an instance until it is told to end.
pub fn run(options: slipway_service::Options) -> anyhow::Result<()> {
    slipway_service::process::run::<Download>(options)
}

/// All addresses of the service. What the catalog verifies under `/internal/staged` is answered by the same handlers as
/// what the public gets.
pub fn router(state: &DownloadState) -> Router {
    routes::public()
        .with_state(state.seeing(Audience::Public))
        .nest(
            "/internal/staged",
            routes::public().with_state(state.seeing(Audience::Staged)),
        )
        .merge(routes::counts::router().with_state(state.clone()))
        .merge(routes::rereads::router().with_state(state.clone()))
        .merge(held::router(state.following.report.clone()))
}
