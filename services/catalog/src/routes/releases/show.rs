//! GET: one release.

use axum::Json;
use axum::extract::State;
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::ReleasePath;
use slipway_openapi::{PROBLEM, ProblemDocument, Reading};
use slipway_runtime::http::json::{ApiPath, NoQuery};

use crate::error::Error;
use crate::permission::Actor;
use crate::release::find;
use crate::routes::render;
use crate::state::CatalogState;

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/releases/{version}",
    operation_id = "show_release",
    tag = "releases",
    summary = "Show a release",
    description = "Scope: `read`.",
    params(ReleasePath),
    responses(
        Reading,
        (status = 200, description = "The release, found by any spelling of its version that is equal in order. One that was deleted has the state `deleted` and neither packages nor notes.", body = public::Release),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<public::Release>, Error> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    let release = find(&mut connection, &app, &version).await?;
    Ok(Json(
        render::release(&state, &mut connection, &release).await?,
    ))
}
