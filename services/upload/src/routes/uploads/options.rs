//! OPTIONS: what of tus is spoken.

use axum::extract::State;
use axum::response::Response;
use slipway_openapi::parameters::AppPath;

use super::address::UploadPath;
use crate::routes::tus as answer;
use crate::state::UploadState;

/// What the server can do; asked before there is a token.
#[utoipa::path(
    options,
    path = "/api/v1/apps/{app}/uploads",
    operation_id = "show_tus",
    tag = "uploads",
    summary = "Tell what of tus is spoken",
    security(()),
    params(AppPath),
    responses(
        (status = 204, description = "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size` and `Tus-Checksum-Algorithm`."),
    ),
)]
pub(super) async fn options(State(state): State<UploadState>) -> Response {
    answer::capabilities(state.settings.now().limits.package_bytes)
}

/// The same at the address of one.
#[utoipa::path(
    options,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "show_tus_of_upload",
    tag = "uploads",
    summary = "Tell what of tus is spoken",
    security(()),
    params(UploadPath),
    responses(
        (status = 204, description = "As of the address above."),
    ),
)]
pub(super) async fn options_of_one(state: State<UploadState>) -> Response {
    options(state).await
}
