//! `/internal/removals`: a package that upload was asked to delete.

use axum::Json;
use axum::extract::State;
use slipway_contract::grant::TokenRefusal;
use slipway_contract::internal::{Removal, Removed};
use slipway_openapi::{InternalWriting, PROBLEM, ProblemDocument};
use slipway_runtime::clock;
use slipway_runtime::http::json::ApiJson;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::removal;
use crate::state::CatalogState;
use crate::store::audit::By;
use crate::store::tokens;

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(remove))
}

/// Deletes a package for the token that asked upload, as it is now. The same again changes nothing.
#[utoipa::path(
    post,
    path = "/internal/removals",
    operation_id = "remove_package",
    request_body = Removal,
    responses(
        InternalWriting,
        (status = 200, description = "What became of it.", body = Removed),
        (status = 404, description = "`app_unknown`, `package_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`package_released`: it is on its way to be released, or is. `release_not_draft`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`app_deleted`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`package_refused`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn remove(
    State(state): State<CatalogState>,
    ApiJson(body): ApiJson<Removal>,
) -> Result<Json<Removed>, Error> {
    let mut transaction = state.change().await?;
    let grant = tokens::by_id(&mut transaction, &body.token_id)
        .await?
        .ok_or(TokenRefusal::Unknown)?;
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
