//! `/internal/storage`: how full the store is, for the catalog.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use slipway_service::Problem;
use slipway_service::api::Stored;

use crate::{UploadState, storage};

pub(super) fn router() -> Router<UploadState> {
    Router::new().route("/internal/storage", get(show))
}

async fn show(State(state): State<UploadState>) -> Result<Json<Stored>, Problem> {
    Ok(Json(storage::stored(&state).await?))
}
