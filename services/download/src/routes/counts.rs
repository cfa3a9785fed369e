//! `/internal/downloads/{app}/{version}`: how often a release's files were downloaded.

use axum::extract::State as Extracted;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use slipway_service::Problem;
use slipway_service::http::json::ApiPath;

use crate::State;
use crate::store::downloads::Count;

pub(crate) fn router() -> Router<State> {
    Router::new().route("/internal/downloads/{app}/{version}", get(show))
}

#[derive(Serialize)]
struct Counts {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    filename: String,
    downloads: i64,
}

impl From<Count> for Item {
    fn from(count: Count) -> Self {
        Self {
            filename: count.filename,
            downloads: count.count,
        }
    }
}

/// What the database has, and what this instance has not yet written; what another instance counted in the last
/// seconds is missing.
async fn show(
    Extracted(state): Extracted<State>,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<Counts>, Problem> {
    let counts = state.counters.of_release(&app, &version).await?;
    Ok(Json(Counts {
        items: counts.into_iter().map(Item::from).collect(),
    }))
}
