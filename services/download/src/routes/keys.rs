//! `/keys/{app}/minisign.pub`: the key that proves every file of the app.

use axum::extract::State;
use axum::response::IntoResponse;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::http::json::ApiPath;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::headers::{CACHEABLE, SANDBOX};
use crate::lookup;
use crate::refusal::Refused;
use crate::state::DownloadState;

pub(super) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[utoipa::path(
    get,
    path = "/keys/{app}/minisign.pub",
    operation_id = "show_key",
    tag = "downloads",
    summary = "The key that proves every file of the app",
    security(()),
    params(AppPath),
    responses(
        Public,
        (status = 200, description = "The text of `minisign.pub`.", body = String, content_type = "text/plain"),
        (status = 404, description = "`app_unknown`. `key_unknown`: it is still being made.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`deleted`: it was deleted by its publisher, for ever.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    ApiPath(app): ApiPath<String>,
) -> Result<impl IntoResponse, Error> {
    let app = lookup::app(&mut *state.database.read().await?, &app).await?;
    let key = app.public_key.ok_or(Refused::Key)?;
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (CACHE_CONTROL, CACHEABLE),
        (CONTENT_SECURITY_POLICY, SANDBOX),
    ];
    Ok((headers, key))
}
