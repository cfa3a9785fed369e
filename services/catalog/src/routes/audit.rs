//! `/api/v1/audit`: who did what.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use slipway_service::Problem;
use slipway_service::http::json::ApiQuery;
use slipway_service::token::Scope;

use super::{Items, List};
use crate::CatalogState;
use crate::permission::Actor;
use crate::store::audit;

pub(super) fn router() -> Router<CatalogState> {
    Router::new().route("/api/v1/audit", get(list))
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<audit::Entry>>, Problem> {
    let app = actor.grant.app.clone();
    actor.permit(Scope::Admin, app.as_deref())?;
    let mut connection = state.database.read().await?;
    let rows = audit::list(
        &mut connection,
        &query.cursor,
        app.as_deref(),
        query.limit(),
    )
    .await?;
    Ok(Json(Items::new(
        rows,
        query.limit(),
        |entry: &audit::Entry| &entry.id,
    )))
}
