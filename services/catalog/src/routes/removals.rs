//! `/internal/removals`: a package that upload was asked to delete.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use slipway_service::api::{Removal, Removed};
use slipway_service::http::json::ApiJson;
use slipway_service::token::unknown_token;
use slipway_service::{Problem, clock};

use crate::store::audit::By;
use crate::store::tokens;
use crate::{CatalogState, removal};

pub(super) fn router() -> Router<CatalogState> {
    Router::new().route("/internal/removals", post(remove))
}

/// Deletes a package for the token that asked upload, as it is now. The same again changes nothing.
async fn remove(
    State(state): State<CatalogState>,
    ApiJson(body): ApiJson<Removal>,
) -> Result<Json<Removed>, Problem> {
    let mut transaction = state.change().await?;
    let grant = tokens::by_id(&mut transaction, &body.token_id)
        .await?
        .ok_or_else(unknown_token)?;
    grant.check_alive(clock::unix_millis())?;
    let by = By {
        token_id: &grant.id,
        token_name: &grant.name,
        request_id: &body.request_id,
    };
    let package = (&*body.app, &*body.package);
    let gone = removal::package(&mut transaction, package, &grant, by).await?;
    state.commit(transaction).await?;
    Ok(Json(Removed { gone }))
}
