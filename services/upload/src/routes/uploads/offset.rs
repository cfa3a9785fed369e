//! HEAD: where to go on.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use slipway_contract::grant::Scope;
use slipway_openapi::Reading;
use slipway_runtime::http::json::ApiPath;

use super::address::{Address, UploadPath};
use crate::error::Error;
use crate::permission::Asker;
use crate::routes::tus as answer;
use crate::session;
use crate::state::UploadState;
use crate::tus;

/// The offset to go on from. Whoever asks is going to write, so the one who writes now is asked to let go first.
#[utoipa::path(
    head,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "show_upload_offset",
    tag = "uploads",
    summary = "Ask how much has arrived",
    description = "Scope: `upload`.",
    params(UploadPath, answer::Version),
    responses(
        Reading,
        (status = 200, description = "`Upload-Offset`, `Upload-Length` and `Upload-Expires`."),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token."),
        (status = 410, description = "It was not finished in time, or was given up."),
        (status = 412, description = "Send `Tus-Resumable: 1.0.0`."),
    ),
)]
pub(super) async fn offset(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    let held = session::hold(&state, asker, &address.id).await?;
    let row = held.settle(&state).await?;
    let known = [
        ("upload-length", row.size.to_string()),
        ("upload-metadata", row.metadata.clone()),
    ];
    let fresh = [(CACHE_CONTROL, "no-store")];
    Ok((fresh, known, answer::position(&row)?).into_response())
}
