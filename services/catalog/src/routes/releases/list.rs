//! GET of the collection: the releases of an app, a page at a time.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{Listing, PROBLEM, ProblemDocument, Reading};
use slipway_runtime::http::json::{ApiPath, ApiQuery};
use slipway_runtime::http::list::{self, Items};
use utoipa::IntoParams;

use crate::error::Error;
use crate::permission::Actor;
use crate::routes::render;
use crate::rules::state::State as Stage;
use crate::state::CatalogState;
use crate::store::like::Like;
use crate::store::releases::{self, Filter};
use crate::{app, refusal};

/// A page of releases, and which.
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
    /// In version, notes and file names.
    #[serde(default)]
    #[param(required = false)]
    q: String,
    #[serde(default)]
    #[param(required = false)]
    state: String,
    #[serde(default)]
    #[param(required = false)]
    channel: String,
}

impl Search {
    fn filter(&self) -> Result<Filter<'_>, refusal::Request> {
        let is_state = Stage::KNOWN
            .iter()
            .any(|state| state.as_str() == self.state);
        if !self.state.is_empty() && !is_state {
            return Err(refusal::Request::StateUnknown(self.state.clone()));
        }
        Ok(Filter {
            like: Like::holding(self.q.trim()),
            state: &self.state,
            channel: &self.channel,
        })
    }
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/releases",
    operation_id = "list_releases",
    tag = "releases",
    summary = "List the releases",
    description = "Newest first, those that were deleted too. Scope: `read`.",
    params(AppPath, Search),
    responses(
        Reading,
        (status = 200, description = "A page of releases, the newest first.", body = Listing<public::Release>),
        (status = 400, description = "`parameter_unknown`, `query_invalid`. `state_unknown`: it is none of the states.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiPath(app): ApiPath<String>,
    ApiQuery(query): ApiQuery<Search>,
) -> Result<Json<Items<public::Release>>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    let filter = query.filter()?;
    let limit = list::limit(query.limit);
    let mut connection = state.database.read().await?;
    app::find(&mut connection, &app).await?;
    let rows = releases::list(&mut connection, (&app, &filter), &query.cursor, limit).await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) >= limit;
    let next = rows.last().filter(|_| full).map(|row| row.id.clone());
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(render::release(&state, &mut connection, row).await?);
    }
    Ok(Json(Items { items, next }))
}
