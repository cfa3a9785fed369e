//! `/internal/blobs/{sha256}`: what lies in the store under a digest, read anew.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use slipway_contract::Digest;
use slipway_openapi::{InternalReading, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::ApiPath;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::refusal::Refused;
use crate::state::DownloadState;

pub(crate) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Serialize, ToSchema)]
struct Reread {
    /// Of the bytes that are there, in hex; `null` when there is no file.
    #[schema(pattern = "^[0-9a-f]{64}$", required = true)]
    sha256: Option<String>,
    /// Bytes.
    #[schema(minimum = 0)]
    size: u64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by its one part")]
struct Address {
    #[param(value_type = Digest)]
    sha256: String,
}

/// Reads the file from the disk to its end. Nothing that is remembered of it counts: the catalog asks before it gives a
/// release up for its bytes.
#[utoipa::path(
    get,
    path = "/internal/blobs/{sha256}",
    operation_id = "reread_blob",
    params(Address),
    responses(
        InternalReading,
        (status = 200, description = "What lies there, read from the disk to its end.", body = Reread),
        (status = 400, description = "`digest_invalid`: a digest is 64 hexadecimal digits.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    ApiPath(sha256): ApiPath<String>,
) -> Result<Json<Reread>, Error> {
    let digest: Digest = sha256.parse().map_err(|_| Refused::Digest)?;
    let found = state.blobs.read_anew(digest).await?;
    Ok(Json(match found {
        Some((found, size)) => Reread {
            sha256: Some(found.as_hex()),
            size,
        },
        None => Reread {
            sha256: None,
            size: 0,
        },
    }))
}
