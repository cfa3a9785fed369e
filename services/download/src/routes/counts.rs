//! `/internal/downloads/{app}/{version}`: how often a release's files were downloaded, and which are damaged.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use slipway_contract::Digest;
use slipway_openapi::InternalReading;
use slipway_openapi::parameters::ReleasePath;
use slipway_runtime::http::json::ApiPath;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::state::DownloadState;
use crate::store::downloads::Downloads;

pub(crate) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Serialize, ToSchema)]
#[schema(as = DownloadCounts)]
struct Counts {
    items: Vec<Item>,
    /// Names of files that this instance has found damaged in the store, and that are not served until they are mended.
    damaged: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DownloadCount)]
struct Item {
    filename: String,
    #[schema(minimum = 0)]
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
#[utoipa::path(
    get,
    path = "/internal/downloads/{app}/{version}",
    operation_id = "show_download_counts",
    params(ReleasePath),
    responses(
        InternalReading,
        (status = 200, description = "What the database has, and what this instance has not yet written.", body = Counts),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<Counts>, Error> {
    let counts = state.counters.of_release(&app, &version).await?;
    let digests = counts.iter().filter_map(|count| count.sha256.parse().ok());
    let damaged = state.blobs.damaged(digests.collect()).await;
    let damaged: Vec<_> = damaged
        .map_err(Error::internal)?
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
