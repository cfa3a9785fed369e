//! The signing service: the keys of apps, and the signatures of what they release.
//!
//! It reads blobs and calls nobody. It decides nothing but this: a name in a version of an app is signed for one set of
//! bytes, those whose digest it has computed itself. What it has stated is in its database and in files
//! beside it, so it can be killed at any moment, or get an older database, and gives the same bytes again.

mod blobs;
mod error;
mod files;
mod keys;
mod memory;
mod reconcile;
mod routes;
mod sealing;
mod settings;
mod signing;
mod single_flight;
mod statement;
mod store;
mod time;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use slipway_service::database::Database;
use slipway_service::process::RouterService;
use slipway_service::{Assembled, Health, Process, Service};
use sqlx::migrate::Migrator;

use blobs::Blobs;
use files::StatementFiles;
use sealing::SealingKey;
pub use settings::Settings;
use single_flight::SingleFlight;
use time::Past;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
pub struct Signing;

/// What the handlers work with. There is none without a sealing key that opens the keys of its database.
#[derive(Clone)]
pub struct SigningState {
    pub(crate) process: Process,
    pub(crate) database: Database,
    pub(crate) sealing: Arc<SealingKey>,
    pub(crate) blobs: Arc<Blobs>,
    /// Of the first statements, and of the further ones.
    pub(crate) files: StatementFiles,
    pub(crate) further: StatementFiles,
    pub(crate) single_flight: SingleFlight,
    pub(crate) past: Arc<Past>,
}

impl Health for SigningState {
    async fn ready(&self) -> anyhow::Result<()> {
        self.database.ready().await?;
        self.blobs.ready().await?;
        self.files.ready().await
    }
}

impl Service for Signing {
    const NAME: &'static str = "signing";
    const SOURCES: &'static str = env!("SLIPWAY_SOURCES");
    type Settings = Settings;
    type Http = RouterService;
    type Body = axum::body::Body;
    type Health = SigningState;

    async fn build(
        process: Process,
        settings: Settings,
    ) -> anyhow::Result<Assembled<RouterService, SigningState>> {
        let state = open(&process, settings).await?;
        Ok(Assembled::new(&process, state.clone(), None, router(state)))
    }
}

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_service::process::main::<Signing>()
}

/// Runs an instance until it is told to end.
pub fn run(options: slipway_service::Options) -> anyhow::Result<()> {
    slipway_service::process::run::<Signing>(options)
}

/// Opens the database, the statements' files and the store. It refuses to start with a sealing key that is not the
/// database's, and with files that are not the database's.
pub async fn open(process: &Process, settings: Settings) -> anyhow::Result<SigningState> {
    // Before the key of all seals is in it.
    memory::keep_private()?;
    let file = settings.keys.sealing_key_file;
    let file = file.unwrap_or_else(|| process.data.sealing_key());
    let sealing = Arc::new(SealingKey::read(&file)?);
    let database = Database::open(process, &MIGRATIONS).await?;
    sealing::check(&database, &sealing).await.with_context(|| {
        format!(
            "the sealing key {} does not fit the database: put back the file that the keys of apps were sealed with, the same one for every instance",
            file.display()
        )
    })?;
    let folder = settings.statements.folder;
    let folder = folder.unwrap_or_else(|| process.data.statements());
    let [files, further] = StatementFiles::open(folder, &sealing)?;
    reconcile::reconcile(&database, &files).await?;
    reconcile::reconcile(&database, &further).await?;
    let newest = store::statements::newest(&mut *database.read().await?).await?;
    let folder = settings.store.folder;
    let folder = folder.unwrap_or_else(|| process.data.blobs());
    let reads = settings.store.concurrent_reads;
    Ok(SigningState {
        blobs: Arc::new(Blobs::open(folder, reads, process.shutdown.clone())?),
        process: process.clone(),
        database,
        sealing,
        files,
        further,
        single_flight: SingleFlight::default(),
        past: Arc::new(Past::new(newest.unwrap_or_default())),
    })
}

/// The whole HTTP surface but the edge.
pub fn router(state: SigningState) -> Router {
    routes::router().with_state(state)
}
