//! `/internal/storage`: how full the store is, for the catalog.

use axum::Json;
use axum::extract::State;
use slipway_contract::internal::Stored;
use slipway_openapi::InternalReading;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::state::UploadState;
use crate::storage;

pub(super) fn router() -> OpenApiRouter<UploadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[utoipa::path(
    get,
    path = "/internal/storage",
    operation_id = "show_store",
    responses(InternalReading, (status = 200, description = "How full it is.", body = Stored)),
)]
async fn show(State(state): State<UploadState>) -> Result<Json<Stored>, Error> {
    Ok(Json(storage::stored(&state).await?))
}
