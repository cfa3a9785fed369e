//! What a follower tells of an epoch that it does not take: `GET /internal/held`.

use axum::routing::get;
use axum::{Json, Router};
use slipway_contract::held::Report;
use tokio::sync::watch;

/// The endpoint, for every service that follows.
pub fn router<S: Clone + Send + Sync + 'static>(report: watch::Receiver<Report>) -> Router<S> {
    Router::new().route(
        "/internal/held",
        get(move || {
            let report = report.borrow().clone();
            async move { Json(report) }
        }),
    )
}
