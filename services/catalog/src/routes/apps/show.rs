//! GET: one app.

use axum::Json;
use axum::extract::State;
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{PROBLEM, ProblemDocument, Reading};
use slipway_runtime::http::json::{ApiPath, NoQuery};

use super::document::{App, find, render};
use crate::error::Error;
use crate::permission::Actor;
use crate::state::CatalogState;

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}",
    operation_id = "show_app",
    tag = "apps",
    summary = "Show an app",
    description = "Scope: `read`.",
    params(AppPath),
    responses(
        Reading,
        (status = 200, description = "The app.", body = App),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<App>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    Ok(Json(render(&state, find(&state, &app).await?)))
}
