//! The catalog: apps, packages, releases, channels, tokens, the audit, and the jobs that carry a release from draft to
//! published.
//!
//! Every change is one transaction: the rows, their number in the change feed, the job that follows and the audit row
//! are there together or not at all, so a process can be killed anywhere and the next one goes on. With signing or
//! download away, releases wait and reads go on.

mod app;
mod channels;
mod choice;
mod delivery;
mod draft;
mod error;
mod feed;
mod gate;
mod held;
mod history;
mod mark;
mod opening;
mod permission;
mod publishing;
mod quota;
mod refusal;
mod release;
mod removal;
mod restore;
mod routes;
mod rules;
mod settings;
mod state;
mod store;
mod switch;
mod worker;

use std::time::Duration;

use axum::Router;
use slipway_database::Database;
use slipway_database::signal::Signal;
use slipway_peers::{Assembled, Peers, RouterService};
use slipway_runtime::command::Service;
use sqlx::migrate::Migrator;

use held::Doubts;
use mark::Marks;
use opening::Opening;
pub use settings::Settings;
pub use state::CatalogState;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
const SERVICE: Service = Service {
    name: "catalog",
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
) -> anyhow::Result<Assembled<RouterService, CatalogState>> {
    let state = open(&peers, settings).await?;
    worker::start(&state);
    quota::follow(&state);
    let running = state.clone();
    peers.process.spawn("administrator", move || {
        permission::keep_knowing_the_administrator(running.clone())
    });
    Ok(Assembled::new(
        &peers.process,
        state.clone(),
        None,
        router(state),
    ))
}

/// Opens the database and makes what a first start needs: the feed's epoch and the administrator's token.
pub async fn open(peers: &Peers, settings: Settings) -> anyhow::Result<CatalogState> {
    let process = &peers.process;
    let longest = Duration::from_millis(settings.publishing.first_ask_millis);
    let state = CatalogState {
        database: Database::open(process, &MIGRATIONS).await?,
        process: process.clone(),
        peers: peers.clone(),
        settings: peers.configuration.live(settings),
        signals: Signal::default(),
        marks: Marks::open(&process.data)?,
        opening: Opening::begin(peers.view.clone(), longest),
        doubts: Doubts::default(),
    };
    feed::begin(&state).await?;
    quota::begin(&state).await?;
    permission::know_administrator(&state).await?;
    Ok(state)
}

/// The whole HTTP surface but the edge.
pub fn router(state: CatalogState) -> Router {
    let (router, _) = routes::router().split_for_parts();
    router.with_state(state)
}

/// What the routes are, as the API's description says it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::router().into_openapi()
}

/// Starts the jobs' workers, for tests; `build` does it for a process.
pub fn start_workers(state: &CatalogState) {
    worker::start(state);
}
