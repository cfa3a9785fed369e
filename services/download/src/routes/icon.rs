//! `/a/{app}/icon`: the picture that the newest release carries.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use slipway_service::Problem;
use slipway_service::http::json::ApiPath;

use super::{CACHEABLE, SANDBOX, find_app, problem};
use crate::DownloadState;
use crate::range::{Condition, Validators, condition};
use crate::store::icons;

pub(super) fn router() -> Router<DownloadState> {
    Router::new().route("/a/{app}/icon", get(show))
}

async fn show(
    State(state): State<DownloadState>,
    ApiPath(app): ApiPath<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let mut connection = state.database.read().await?;
    let app = find_app(&mut connection, &app).await?;
    let icon = icons::newest(&mut connection, &app.slug)
        .await?
        .ok_or_else(|| problem::not_found("not_found", "no release of this app carries an icon"))?;
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
    let media_type = HeaderValue::try_from(icon.media_type).map_err(Problem::internal)?;
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(
        ETAG,
        HeaderValue::try_from(etag).map_err(Problem::internal)?,
    );
    headers.insert(CACHE_CONTROL, CACHEABLE);
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    Ok(response)
}
