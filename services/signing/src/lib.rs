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
mod present;
mod purpose;
mod reconcile;
mod routes;
mod sealing;
mod settings;
mod signing;
mod single_flight;
mod state;
mod statement;
mod store;
mod taken;
mod time;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use slipway_database::Database;
use slipway_peers::{Assembled, Peers, RouterService};
use slipway_runtime::command::Service;
use sqlx::migrate::Migrator;

use blobs::Blobs;
use files::StatementFiles;
use sealing::SealingKey;
pub use settings::Settings;
use single_flight::SingleFlight;
pub use state::SigningState;
use time::Past;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
const SERVICE: Service = Service {
    name: "signing",
    version: env!("CARGO_PKG_VERSION"),
};

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_peers::main(SERVICE, build)
}

/// Runs an instance until it is told to end.
pub fn run(options: &slipway_runtime::command::Options) -> anyhow::Result<()> {
    slipway_peers::run(SERVICE, options, build)
}

/// Opens what the service needs and begins its background tasks.
async fn build(
    peers: Peers,
    settings: Settings,
) -> anyhow::Result<Assembled<RouterService, SigningState>> {
    let state = open(&peers, settings).await?;
    Ok(Assembled::new(
        &peers.process,
        state.clone(),
        None,
        router(state),
    ))
}

/// Opens the database, the statements' files and the store. It refuses to start with a sealing key that is not the
/// database's, and with files that are not the database's.
pub async fn open(peers: &Peers, settings: Settings) -> anyhow::Result<SigningState> {
    let process = &peers.process;
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
        peers: peers.clone(),
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
    let (router, _) = routes::router().split_for_parts();
    router.with_state(state)
}

/// What the routes are, as the API's description says it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::router().into_openapi()
}
