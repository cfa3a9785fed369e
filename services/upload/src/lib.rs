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
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hashes;
mod health;
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
mod rules;
mod session;
mod settings;
mod staging;
mod state;
mod storage;
mod store;
mod storing;
mod sweep;
mod trash;
mod tus;
mod writer;

use axum::Router;
use slipway_database::Database;
use slipway_database::replica::{follow, held};
use slipway_database::signal::Signal;
use slipway_peers::{Assembled, Peers, RouterService};
use slipway_runtime::command::Service;
use sqlx::migrate::Migrator;

use inspection::Inspection;
pub use inspection::{Share, confine, run as inspect};
pub use settings::Settings;
use staging::Staging;
pub use state::UploadState;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
const SERVICE: Service = Service {
    name: "upload",
    version: env!("CARGO_PKG_VERSION"),
};

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.split_first() {
        // A process of its own reads packages.
        Some((name, rest)) if name == "inspect" => inspection::run(rest),
        _ => slipway_peers::main(SERVICE, build),
    }
}

/// Runs an instance until it is told to end.
pub fn run(options: &slipway_runtime::command::Options) -> anyhow::Result<()> {
    slipway_peers::run(SERVICE, options, build)
}

/// Opens what the service needs and begins its background tasks.
async fn build(
    peers: Peers,
    settings: Settings,
) -> anyhow::Result<Assembled<RouterService, UploadState>> {
    let state = open(&peers, settings).await?;
    Ok(Assembled::new(
        &peers.process,
        state.clone(),
        None,
        router(state),
    ))
}

/// Opens database and store and starts the background tasks.
pub async fn open(peers: &Peers, settings: Settings) -> anyhow::Result<UploadState> {
    let process = &peers.process;
    let live = peers.configuration.live(settings.clone());
    let database = Database::open(process, &MIGRATIONS).await?;
    complete_keys(&database).await?;
    let state = UploadState {
        staging: Staging::open(&settings.store, &process.data)?,
        inspection: Inspection::new(live.clone()),
        hashes: hashes::Hashes::default(),
        outbox: Signal::default(),
        following: follow::follow(peers, copy::Copy(database.clone())),
        settings: live,
        process: process.clone(),
        peers: peers.clone(),
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
    let (router, _) = routes::router().split_for_parts();
    router.merge(held::router(report)).with_state(state)
}

/// What the routes are, as the API's description says it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::router().into_openapi()
}
