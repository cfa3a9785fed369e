//! GET: what became of an upload.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use slipway_contract::public;
use slipway_openapi::{PROBLEM, ProblemDocument, Reading};
use slipway_runtime::Problem;
use slipway_runtime::http::json::{ApiPath, NoQuery};
use utoipa::ToSchema;

use super::address::{Address, UploadPath};
use crate::error::Error;
use crate::permission::Asker;
use crate::rules::progress::Refusal;
use crate::state::UploadState;
use crate::store::packages;
use crate::{progress, session};

/// What became of an upload.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadProgress)]
pub(super) struct Progress {
    #[schema(minimum = 0)]
    offset: i64,
    #[schema(minimum = 1)]
    size: i64,
    /// `uploading`, then that of the package.
    state: String,
    #[schema(required = true)]
    package: Option<public::Package>,
    #[schema(required = true)]
    release: Option<public::Release>,
    #[schema(required = true)]
    reason: Option<String>,
    /// The refusal of the package, or of the intent to publish it, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refused: Option<public::Refusal>,
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "show_upload",
    tag = "uploads",
    summary = "Show an upload",
    description = "Scope: `read` or `upload`.",
    params(UploadPath),
    responses(
        Reading,
        (status = 200, description = "How far it is and, once it is whole, what became of it.", body = Progress),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`upload_expired`: it was not finished in time, or was given up: begin a new one.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn show(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<NoQuery, Problem>,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<Progress>, Error> {
    asker.permit_reading()?;
    query?;
    let row = session::find(&state, &asker, &address.id).await?;
    let mut progress = Progress {
        offset: row.received,
        size: row.size,
        state: "uploading".to_owned(),
        package: None,
        release: None,
        reason: None,
        refused: None,
    };
    if let Some(id) = &row.package_id {
        let mut connection = state.database.read().await?;
        let package = packages::by_id(&mut connection, id).await?;
        let package = package.ok_or(Refusal::Gone)?;
        drop(connection);
        let uploaded = progress::current(&state, &package).await?;
        progress.state = uploaded.package.state.to_string();
        progress.reason.clone_from(&uploaded.package.reason);
        progress.package = Some(uploaded.package);
        progress.release = uploaded.release;
        progress.refused = uploaded.refused;
    }
    Ok(Json(progress))
}
