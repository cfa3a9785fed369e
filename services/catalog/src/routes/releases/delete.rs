//! DELETE: a draft, or what was released.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::ReleasePath;
use slipway_openapi::{PROBLEM, ProblemDocument, Writing};
use slipway_runtime::http::json::{ApiPath, NoQuery};
use utoipa::ToSchema;

use crate::error::Error;
use crate::permission::Actor;
use crate::refusal::Refusal;
use crate::release::find_to_change;
use crate::routes::settling::deleted;
use crate::state::CatalogState;
use crate::{refusal, removal};

/// What is deleted while some have not heard of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`deleted`] writes")]
struct DeletedRelease {
    version: slipway_contract::Version,
    /// Services that have not heard of it yet.
    pending: Vec<String>,
}

/// Deletes a release: of a draft nothing is left and its version is free, of every other its version is left, for ever.
/// What [`removal::release`] says decides who may. The same again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}/releases/{version}",
    operation_id = "delete_release",
    tag = "releases",
    summary = "Delete a release",
    description = "A draft is gone with its packages, and its version is free. Every other release becomes `deleted`, for ever: it is gone from `latest`, channels and page, its files are removed, their exact addresses answer 410 `deleted`, and its version stays taken. The same again is answered alike. Scope: `admin` for what was ever published, `release` for everything else; a token with `upload` may delete a draft that it has put there alone.",
    params(ReleasePath),
    responses(
        Writing,
        (status = 200, description = "It is deleted; the services that `pending` names have not heard of it yet.", body = DeletedRelease),
        (status = 204, description = "It is deleted."),
        (status = 403, description = "`scope_missing`: what was published is deleted by an administrator alone, and yanked with `release`. `token_of_another_app`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Response, Error> {
    let releaser = actor.permit(Scope::Release, Some(&app)).is_ok();
    let scope = if releaser {
        Scope::Release
    } else {
        Scope::Upload
    };
    actor.permit(scope, Some(&app))?;
    let mut transaction = actor.change(&state, scope, Some(&app)).await?;
    let release = match find_to_change(&mut transaction, &app, &version).await {
        Err(Error::Refused(Refusal::Release(refusal::Release::Unknown(version)))) => {
            return if removal::was_deleted(&mut transaction, &app, &version).await? {
                Ok(StatusCode::NO_CONTENT.into_response())
            } else {
                Err(refusal::Release::Unknown(version).into())
            };
        }
        found => found?,
    };
    let seq = removal::release(&mut transaction, &release, &actor.grant, actor.by()).await?;
    state.commit(transaction).await?;
    deleted(&state, seq, json!({"version": release.version})).await
}
