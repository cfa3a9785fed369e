//! `/api/v1/apps/{app}/releases/{version}/downloads`: what the download service has counted.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::Method;
use serde_json::Value;
use slipway_service::http::json::ApiPath;
use slipway_service::token::Scope;
use slipway_service::{Problem, api};

use super::{NoQuery, releases};
use crate::CatalogState;
use crate::permission::Actor;

pub(super) fn router() -> Router<CatalogState> {
    Router::new().route("/api/v1/apps/{app}/releases/{version}/downloads", get(show))
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<Value>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    let release = releases::find(&mut connection, &app, &version).await?;
    drop(connection);
    let path = api::downloads_path(&app, &release.version);
    let counts: Value = state
        .peers
        .client
        .call("download", Method::GET, &path, None::<&()>)
        .await
        .map_err(|error| {
            Problem::unavailable(
                "download_unavailable",
                "the download service, which counts, does not answer: try again",
            )
            .with_cause(error)
        })?;
    Ok(Json(counts))
}
