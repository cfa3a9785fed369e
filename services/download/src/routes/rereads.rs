//! `/internal/blobs/{sha256}`: what lies in the store under a digest, read anew.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use slipway_packages::Digest;
use slipway_service::Problem;
use slipway_service::http::json::ApiPath;

use crate::DownloadState;

pub(crate) fn router() -> Router<DownloadState> {
    Router::new().route("/internal/blobs/{sha256}", get(show))
}

#[derive(Serialize)]
struct Reread {
    /// Of the bytes that are there, in hex; `null` when there is no file.
    sha256: Option<String>,
    /// Bytes.
    size: u64,
}

/// Reads the file from the disk to its end. Nothing that is remembered of it counts: the catalog asks before it gives a
/// release up for its bytes.
async fn show(
    State(state): State<DownloadState>,
    ApiPath(sha256): ApiPath<String>,
) -> Result<Json<Reread>, Problem> {
    let digest: Digest = sha256
        .parse()
        .map_err(|_| Problem::bad_request("digest_invalid", "a digest is 64 hexadecimal digits"))?;
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
