//! DELETE: gives an upload up.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use slipway_contract::grant::Scope;
use slipway_openapi::{PROBLEM, ProblemDocument, Writing};
use slipway_runtime::http::json::ApiPath;

use super::address::{Address, UploadPath};
use crate::error::Error;
use crate::permission::Asker;
use crate::routes::tus as answer;
use crate::session;
use crate::state::UploadState;
use crate::tus;

/// Ends an upload: its bytes go. The package that a complete one became stays. The header of tus may be left out, for those
/// who end one by hand.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "end_upload",
    tag = "uploads",
    summary = "Give an upload up",
    description = "Scope: `upload`.",
    params(UploadPath, answer::OptionalVersion),
    responses(
        Writing,
        (status = 204, description = "Its bytes are gone; the package that a complete one became stays."),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`upload_expired`: it was not finished in time, or was given up: begin a new one.", body = ProblemDocument, content_type = PROBLEM),
        (status = 412, description = "`tus_version`: send `Tus-Resumable: 1.0.0`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn end(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    asker.permit(Scope::Upload)?;
    if headers.contains_key("tus-resumable") {
        tus::check_version(&headers)?;
    }
    let held = session::hold(&state, asker, &address.id).await?;
    held.end(&state).await?;
    Ok(StatusCode::NO_CONTENT)
}
