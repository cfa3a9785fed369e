//! POST to `…/retry`: sends a failed release on its way again.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::{IdempotencyKey, Prefer, ReleasePath};
use slipway_openapi::{PROBLEM, ProblemDocument, Writing};
use slipway_runtime::http::json::{ApiPath, NoQuery};
use sqlx::AnyConnection;

use crate::error::Error;
use crate::permission::Actor;
use crate::release::{self, find_to_change};
use crate::routes::settling::answer_when_settled;
use crate::routes::write::{Done, Entry, Request, Write};
use crate::rules;
use crate::state::CatalogState;
use crate::switch;

/// Sends a failed release on its way again.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/releases/{version}/retry",
    operation_id = "retry_release",
    tag = "releases",
    summary = "Try a failed release again",
    description = "Scope: `release`.",
    params(ReleasePath, IdempotencyKey, Prefer),
    responses(
        Writing,
        (status = 201, description = "It is published.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 202, description = "It goes on by itself.", body = public::Release, headers(("Location" = String, description = "Its address."))),
        (status = 404, description = "`app_unknown`, `release_unknown`: there is no such app or no release of this version.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_failed`: only a failed release can be retried.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`release_failed`: it failed again, for the reason given. `idempotency_key_reused`. `version_invalid`: a `+` of the version came as a space; write it `%2B`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn retry(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    actor.permit(Scope::Release, Some(&app))?;
    switch::check(&state)?;
    let request = Request {
        headers: &headers,
        operation: &format!("retry {app} {version}"),
        body: &(),
    };
    let effect = async |db: &mut AnyConnection| {
        let release = find_to_change(db, &app, &version).await?;
        let way = rules::release::retry(release.facts())?;
        release::send(db, &release, way).await?;
        Ok(Done {
            audit: Some(Entry::new(
                Some(&app),
                "release.retry",
                release.version.as_str(),
            )),
            made: release.id,
        })
    };
    let again = async |db: &mut AnyConnection| Ok(find_to_change(db, &app, &version).await?.id);
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Release,
        app: Some(&app),
    };
    let id = write.once(request, effect, again).await?;
    answer_when_settled(&state, &id, &headers).await
}
