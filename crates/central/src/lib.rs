//! The central configuration as a registry serves it: its database, its history, who follows it, and `/api/v1/config`. The
//! rules are `slipway-configuration`'s. The leases beside it need no SQL: they go on while this database is away.

mod central;
mod change;
mod copy;
mod error;
mod explain;
mod permission;
mod routes;
mod shipped;
mod state;
mod store;

use axum::Router;
use slipway_peers::Peers;

pub use change::Operator;
pub use state::CentralState;

/// Opens the database in the background.
pub fn start(peers: &Peers) -> CentralState {
    CentralState {
        central: central::Central::start(peers),
        process: peers.process.clone(),
    }
}

/// Answers for it: 503 until it is open.
pub fn router<S>(state: CentralState) -> Router<S> {
    routes::router().with_state(state)
}

/// What the routes are, as the API's description says it.
#[cfg(feature = "schema")]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::openapi()
}
