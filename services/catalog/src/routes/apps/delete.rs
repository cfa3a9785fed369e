//! DELETE: an app with everything in it.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{PROBLEM, ProblemDocument, Writing};
use slipway_runtime::http::json::{ApiPath, ApiQuery};
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::permission::Actor;
use crate::routes::settling::deleted;
use crate::state::CatalogState;
use crate::store::apps;
use crate::{refusal, removal, rules};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// The slug, typed again.
    #[param(required = true, value_type = slipway_contract::Slug)]
    #[serde(default)]
    confirm: String,
}

/// What is deleted while some have not heard of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`deleted`] writes")]
struct DeletedApp {
    slug: slipway_contract::Slug,
    /// Services that have not heard of it yet.
    pending: Vec<String>,
}

/// Deletes an app with everything in it, when its slug is typed again. The same again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}",
    operation_id = "delete_app",
    tag = "apps",
    summary = "Delete an app",
    description = "Deletes an app with all of its releases, drafts and packages, for ever. Its pages, files, signatures and key answer 410 `deleted`, the API 410 `app_deleted`, and its slug stays taken. The same again is answered alike. Scope: `admin`.",
    params(AppPath, Confirmation),
    responses(
        Writing,
        (status = 200, description = "It is deleted; the services that `pending` names have not heard of it yet.", body = DeletedApp),
        (status = 204, description = "It is deleted."),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`confirmation_missing`: the slug was not typed again.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiPath(slug): ApiPath<String>,
    ApiQuery(query): ApiQuery<Confirmation>,
) -> Result<Response, Error> {
    actor.permit(Scope::Admin, Some(&slug))?;
    let mut transaction = actor.change(&state, Scope::Admin, Some(&slug)).await?;
    let there = apps::get(&mut transaction, &slug).await?;
    let there = there.ok_or_else(|| refusal::App::Unknown(slug.clone()))?;
    if !rules::removal::app(&slug, there.is_deleted(), &query.confirm)? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let seq = removal::app(&mut transaction, &slug, actor.by()).await?;
    state.commit(transaction).await?;
    deleted(&state, seq, json!({"slug": slug})).await
}
