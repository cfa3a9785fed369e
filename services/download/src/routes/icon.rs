//! `/a/{app}/icon`: the picture that the newest release carries.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::http::json::ApiPath;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::headers::{CACHEABLE, SANDBOX};
use crate::lookup;
use crate::range::{Condition, Validators, condition};
use crate::refusal::Refused;
use crate::state::DownloadState;
use crate::store::icons;

pub(super) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[utoipa::path(
    get,
    path = "/a/{app}/icon",
    operation_id = "show_icon",
    tag = "downloads",
    summary = "The picture that the newest release carries",
    security(()),
    params(AppPath),
    responses(
        Public,
        (status = 200, description = "The picture.", body = slipway_openapi::Bytes, content_type = "image/png", headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        (status = 404, description = "`app_unknown`. `not_found`: no release carries one.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`deleted`: it was deleted by its publisher, for ever.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    ApiPath(app): ApiPath<String>,
    request: HeaderMap,
) -> Result<Response, Error> {
    let mut connection = state.database.read().await?;
    let app = lookup::app(&mut connection, &app).await?;
    let icon = icons::newest(&mut connection, &app.slug)
        .await?
        .ok_or(Refused::Icon)?;
    let etag = format!("\"{}\"", icon.sha256);
    let validators = Validators {
        etag: &etag,
        modified: None,
    };
    let mut response = match condition(&request, &validators) {
        Condition::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        Condition::Holds | Condition::Failed => icon.bytes.into_response(),
    };
    let headers = response.headers_mut();
    let media_type = HeaderValue::try_from(icon.media_type).map_err(Error::internal)?;
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(ETAG, HeaderValue::try_from(etag).map_err(Error::internal)?);
    headers.insert(CACHE_CONTROL, CACHEABLE);
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    Ok(response)
}
