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
mod error;
mod guide;
mod headers;
mod labels;
mod lookup;
mod notes;
mod range;
mod refusal;
mod routes;
mod rules;
mod script;
mod settings;
mod state;
mod store;
mod texts;

use axum::Router;
use slipway_database::replica::held;
use slipway_peers::{Assembled, Peers, RouterService};
use slipway_runtime::command::Service;
use utoipa_axum::router::OpenApiRouter;

use audience::Audience;
pub use copy::Copy;
pub use settings::Settings;
pub use slipway_runtime::http::page::wanted as problem_page;
pub use state::DownloadState;

/// The service, for its binary and for the command.
const SERVICE: Service = Service {
    name: "download",
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
pub async fn build(
    peers: Peers,
    settings: Settings,
) -> anyhow::Result<Assembled<RouterService, DownloadState>> {
    let state = DownloadState::open(&peers, &settings).await?;
    Ok(Assembled::new(
        &peers.process,
        state.clone(),
        Some(problem_page),
        router(&state),
    ))
}

/// All addresses of the service. What the catalog verifies under `/internal/staged` is answered by the same handlers as
/// what the public gets.
pub fn router(state: &DownloadState) -> Router {
    let public = |audience| routes::public().with_state(state.seeing(audience));
    let (router, _) = public(Audience::Public)
        .nest("/internal/staged", public(Audience::Staged))
        .merge(own().with_state(state.clone()))
        .split_for_parts();
    router.merge(held::router(state.following.report.clone()))
}

/// What only services ask.
fn own() -> OpenApiRouter<DownloadState> {
    routes::counts::router().merge(routes::rereads::router())
}

/// What the routes are, as the API's description says it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::public()
        .nest("/internal/staged", routes::public())
        .merge(own())
        .into_openapi()
}
