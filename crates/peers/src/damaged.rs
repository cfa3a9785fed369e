//! A service whose database was found damaged before it could be built: it answers, and says so.

use axum::Router;
use axum::routing::any;
use slipway_runtime::fault::Fault;
use slipway_runtime::{Health, Problem};

/// The routes that take the place of the service's own.
pub(crate) fn routes() -> Router {
    let refused = any(|| async { Problem::from(Fault::Damaged) });
    Router::new()
        .route("/", refused.clone())
        .route("/{*path}", refused)
}

/// The process itself says that a damaged database makes nobody ready, and which one it is.
#[derive(Clone)]
pub(crate) struct NeverReady;

impl Health for NeverReady {
    async fn ready(&self) -> anyhow::Result<()> {
        anyhow::bail!("the service was not built")
    }
}
