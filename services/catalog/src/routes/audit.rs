//! `/api/v1/audit`: who did what.

use axum::Json;
use axum::extract::State;
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::PageQuery;
use slipway_openapi::{Listing, Reading};
use slipway_runtime::http::json::ApiQuery;
use slipway_runtime::http::list::{Items, List};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::permission::Actor;
use crate::state::CatalogState;
use crate::store::audit;

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "audit",
    summary = "List what was done",
    description = "Scope: `admin`.",
    params(PageQuery),
    responses(
        Reading,
        (status = 200, description = "A page of entries, the newest first. The administrator of one app sees that app.", body = Listing<audit::Entry>),
    ),
)]
async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<audit::Entry>>, Error> {
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
