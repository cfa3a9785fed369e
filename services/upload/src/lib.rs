//! Upload: incoming bytes, whole or in pieces, and handing them over to the catalog.
//!
//! It answers only for what survives the loss of power, and decides alone, by a copy of the catalog's tokens: with the
//! catalog and signing away, packages are accepted all the same and go on by themselves later. Any number of instances
//! share its database and its staging folder; one may go on with what another one began.

mod channel;
mod checksum;
mod copy;
mod digests;
mod envelope;
mod hashes;
mod incoming;
mod inspection;
mod listing;
mod metadata;
mod outbox;
mod parameters;
mod permission;
mod progress;
mod quota;
mod removing;
mod routes;
mod session;
mod settings;
mod staging;
mod storage;
mod store;
mod storing;
mod sweep;
mod writer;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use slipway_service::changes::follow::{self, CopyState, Following};
use slipway_service::changes::held;
use slipway_service::database::Database;
use slipway_service::metrics::Reading;
use slipway_service::process::RouterService;
use slipway_service::{Assembled, Health, Process, Service, clock};
use sqlx::migrate::Migrator;

use inspection::Inspection;
pub use inspection::{Share, confine};
pub use settings::Settings;
use staging::Staging;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
pub struct Upload;

/// What the handlers and tasks work with.
#[derive(Clone)]
pub struct UploadState {
    pub(crate) process: Process,
    pub(crate) settings: Arc<Settings>,
    pub(crate) database: Database,
    pub(crate) staging: Staging,
    pub(crate) inspection: Inspection,
    /// What is known of the bytes of sessions.
    pub(crate) hashes: hashes::Hashes,
    /// Rows of the outbox have come or gone.
    pub(crate) outbox: outbox::Signal,
    /// The copy of who may upload.
    pub(crate) following: Following,
}

impl Health for UploadState {
    async fn ready(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            *self.following.copy_state.borrow() == CopyState::Usable,
            "it does not know yet who may upload"
        );
        self.staging.ready()?;
        self.database.ready().await
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let now = clock::unix_millis();
        let mut connection = self.database.read().await?;
        let outbox = store::outbox::count(&mut connection, now).await?;
        let refused = store::packages::count_refused(&mut connection).await?;
        let without_blocks = store::missing_blocks::count(&mut connection).await?;
        let sessions = store::sessions::count_open(&mut connection, now).await?;
        let staged = i64::try_from(self.staging.list()?.len())?;
        let disk = storage::disk(self)?;
        let staging = self.staging.clone();
        let trash = tokio::task::spawn_blocking(move || staging.trash_size()).await??;
        let reading = |name, help, value| Reading { name, help, value };
        Ok(vec![
            reading(
                "copy_age_seconds",
                "Seconds since the catalog said that the copy is the newest, -1 if it never did",
                self.following.age.seconds(now).unwrap_or(-1),
            ),
            reading(
                "outbox_rows",
                "Deliveries that the catalog has not confirmed",
                outbox.rows,
            ),
            reading(
                "outbox_oldest_seconds",
                "Seconds that the oldest of them waits",
                outbox.oldest_millis / 1000,
            ),
            reading(
                "packages_refused",
                "Packages that the catalog refused after they were stored",
                refused,
            ),
            reading(
                "sessions_open",
                "Uploads in pieces that are not complete",
                sessions,
            ),
            reading(
                "packages_without_blocks",
                "Packages whose list of blocks the catalog does not know yet",
                without_blocks,
            ),
            reading(
                "staging_files",
                "Files whose digest is not known yet",
                staged,
            ),
            reading(
                "storage_free_bytes",
                "Bytes that may still be written on the disk of the store",
                disk.free_bytes,
            ),
            reading(
                "storage_reserve_bytes",
                "Bytes of it that uploads leave free",
                disk.reserve_bytes,
            ),
            reading(
                "storage_near_reserve",
                "1 when so little is left that somebody should make room",
                i64::from(disk.near_reserve),
            ),
            reading(
                "trash_files",
                "Files in the trash of the store",
                trash.files,
            ),
            reading(
                "trash_bytes",
                "Bytes in the trash of the store",
                trash.bytes,
            ),
        ])
    }
}

impl Service for Upload {
    const NAME: &'static str = "upload";
    const SOURCES: &'static str = env!("SLIPWAY_SOURCES");
    type Settings = Settings;
    type Http = RouterService;
    type Body = axum::body::Body;
    type Health = UploadState;

    async fn build(
        process: Process,
        settings: Settings,
    ) -> anyhow::Result<Assembled<RouterService, UploadState>> {
        let state = open(&process, settings).await?;
        Ok(Assembled::new(&process, state.clone(), None, router(state)))
    }

    fn tool(name: &str, arguments: &[OsString]) -> Option<ExitCode> {
        (name == "inspect").then(|| inspection::run(arguments))
    }
}

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_service::process::main::<Upload>()
}

/// Runs an instance until it is told to end.
pub fn run(options: slipway_service::Options) -> anyhow::Result<()> {
    slipway_service::process::run::<Upload>(options)
}

/// Opens database and store and starts the background tasks.
pub async fn open(process: &Process, settings: Settings) -> anyhow::Result<UploadState> {
    let database = Database::open(process, &MIGRATIONS).await?;
    complete_keys(&database).await?;
    let state = UploadState {
        staging: Staging::open(&settings.store, &process.data)?,
        inspection: Inspection::new(settings.inspection.clone()),
        hashes: hashes::Hashes::default(),
        outbox: outbox::Signal::default(),
        following: follow::follow(process, copy::Copy(database.clone())),
        settings: Arc::new(settings),
        process: process.clone(),
        database,
    };
    outbox::start(&state);
    process.spawn_once("inspection", state.inspection.clone().try_out());
    sweep::start(&state);
    let running = state.clone();
    process.spawn("listing", move || listing::run(running.clone()));
    Ok(state)
}

/// Completes the keys of versions that an earlier version of this service has written.
async fn complete_keys(database: &Database) -> sqlx::Result<()> {
    let mut transaction = database.write().await?;
    store::packages::complete_keys(&mut transaction).await?;
    store::copy::complete_keys(&mut transaction).await?;
    transaction.commit().await
}

/// The whole HTTP surface but the edge.
pub fn router(state: UploadState) -> Router {
    let report = state.following.report.clone();
    routes::router()
        .merge(held::router(report))
        .with_state(state)
}
