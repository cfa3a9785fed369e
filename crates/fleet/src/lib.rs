//! What runs and what is wrong with it, as a registry tells operators: what each instance reports beside its lease, and since
//! when it is as it is. All of it is in memory, and nothing is decided by it.

mod reports;
mod routes;

use axum::Router;
use slipway_central::CentralState;
use slipway_peers::Peers;

pub use reports::{Leased, Reports, Seen};

/// `/api/v1/fleet` for operators, `/internal/fleet` for the gateway; `leased` are all that the leases know.
pub fn router<S>(
    peers: &Peers,
    central: CentralState,
    reports: Reports,
    leased: impl Fn() -> Leased + Send + Sync + 'static,
) -> Router<S> {
    routes::router(peers, central, reports, leased)
}

/// What the routes are, as the API's description says it.
#[cfg(feature = "schema")]
pub fn openapi() -> utoipa::openapi::OpenApi {
    use utoipa::OpenApi as _;

    routes::Description::openapi()
}
