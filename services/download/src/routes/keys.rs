//! `/keys/{app}/minisign.pub`: the key that proves every file of the app.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use slipway_service::Problem;
use slipway_service::http::json::ApiPath;

use super::{CACHEABLE, SANDBOX, find_app, problem};
use crate::DownloadState;

pub(super) fn router() -> Router<DownloadState> {
    Router::new().route("/keys/{app}/minisign.pub", get(show))
}

async fn show(
    State(state): State<DownloadState>,
    ApiPath(app): ApiPath<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = find_app(&mut *state.database.read().await?, &app).await?;
    let key = app.public_key.ok_or_else(|| {
        problem::not_found(
            "key_unknown",
            "the key of this app is still being made: ask again in a moment",
        )
    })?;
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
