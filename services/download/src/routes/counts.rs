//! `/internal/downloads/{app}/{version}`: how often a release's files were downloaded, and which are damaged.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use slipway_packages::Digest;
use slipway_service::Problem;
use slipway_service::http::json::ApiPath;

use crate::DownloadState;
use crate::store::downloads::Downloads;

pub(crate) fn router() -> Router<DownloadState> {
    Router::new().route("/internal/downloads/{app}/{version}", get(show))
}

#[derive(Serialize)]
struct Counts {
    items: Vec<Item>,
    /// Names of files that this instance has found damaged in the store, and that are not served until they are mended.
    damaged: Vec<String>,
}

#[derive(Serialize)]
struct Item {
    filename: String,
    downloads: i64,
}

impl From<Downloads> for Item {
    fn from(count: Downloads) -> Self {
        Self {
            filename: count.filename,
            downloads: count.count,
        }
    }
}

/// What the database has, and what this instance has not yet written; what another instance counted in the last
/// seconds is missing.
async fn show(
    State(state): State<DownloadState>,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<Counts>, Problem> {
    let counts = state.counters.of_release(&app, &version).await?;
    let digests = counts.iter().filter_map(|count| count.sha256.parse().ok());
    let damaged = state.blobs.damaged(digests.collect()).await;
    let damaged: Vec<_> = damaged
        .map_err(Problem::internal)?
        .iter()
        .map(Digest::as_hex)
        .collect();
    let damaged = counts
        .iter()
        .filter(|count| damaged.contains(&count.sha256));
    Ok(Json(Counts {
        damaged: damaged.map(|count| count.filename.clone()).collect(),
        items: counts.into_iter().map(Item::from).collect(),
    }))
}
