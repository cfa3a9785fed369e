//! GET of the collection: the apps, a page at a time.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use slipway_contract::grant::Scope;
use slipway_openapi::{Listing, Reading};
use slipway_runtime::http::json::ApiQuery;
use slipway_runtime::http::list::{self, Items};
use utoipa::IntoParams;

use super::document::{App, render};
use crate::error::Error;
use crate::permission::Actor;
use crate::state::CatalogState;
use crate::store::apps;
use crate::store::like::Like;

/// A page of apps, and which.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Items of a page, 1 to 200; what lies outside is taken as the nearest.
    #[param(default = 50)]
    limit: Option<i64>,
    /// `next` of the page before.
    #[serde(default)]
    #[param(required = false)]
    cursor: String,
    /// In slug and name.
    #[serde(default)]
    #[param(required = false)]
    q: String,
}

#[utoipa::path(
    get,
    path = "/api/v1/apps",
    operation_id = "list_apps",
    tag = "apps",
    summary = "List the apps",
    description = "Deleted apps are left out. Scope: `read`.",
    params(Search),
    responses(
        Reading,
        (status = 200, description = "A page of apps, by slug. A token of one app sees that app.", body = Listing<App>),
    ),
)]
pub(super) async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<Search>,
) -> Result<Json<Items<App>>, Error> {
    let only = actor.grant.app.clone();
    actor.permit(Scope::Read, only.as_deref())?;
    let mut connection = state.database.read().await?;
    let (limit, like) = (list::limit(query.limit), Like::holding(query.q.trim()));
    let which = (only.as_deref(), &like);
    let rows = apps::list(&mut connection, &query.cursor, which, limit).await?;
    let items = rows.into_iter().map(|row| render(&state, row)).collect();
    Ok(Json(Items::new(items, limit, |app: &App| &app.slug)))
}
