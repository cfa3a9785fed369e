//! `/api/v1/restore`: what an older copy of the database would undo, and the word that takes it all the same.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use slipway_contract::grant::Scope;
use slipway_contract::held::Loss;
use slipway_openapi::{Documents, PROBLEM, ProblemDocument, Reading};
use slipway_runtime::http::json::{ApiJson, NoQuery};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::permission::Actor;
use crate::rules::restore as rules;
use crate::state::CatalogState;
use crate::store::{audit, feed as rows};
use crate::{feed, restore};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(accept))
}

#[derive(Default, Serialize, ToSchema)]
struct Restore {
    held: bool,
    /// What to accept; `null` when nothing is held.
    #[schema(required = true)]
    epoch: Option<String>,
    losses: Vec<Loss>,
    /// All losses, also those that are not listed.
    count: usize,
    /// Services that keep a copy and could not say what they would lose.
    away: Vec<&'static str>,
}

#[utoipa::path(
    get,
    path = "/api/v1/restore",
    operation_id = "show_restore",
    tag = "restore",
    summary = "See what a restored database would undo",
    description = "Scope: `admin`. When the catalog's database turns out to be older than what upload and download have, reads go on and every change is answered with 503 `restore_held`, until somebody accepts it or the newer database is back.",
    responses(
        Reading,
        (status = 200, description = "Whether something waits to be accepted, and what would be undone by it.", body = Restore),
    ),
)]
async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
) -> Result<Json<Restore>, Error> {
    actor.permit(Scope::Admin, None)?;
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    drop(connection);
    if !feed.is_held() {
        return Ok(Json(Restore::default()));
    }
    let told = restore::ask_followers(&state, feed.epoch()).await;
    Ok(Json(Restore {
        held: true,
        epoch: Some(feed.epoch().to_owned()),
        losses: told.losses.into_iter().collect(),
        count: told.count,
        away: told.away,
    }))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = AcceptRestore)]
#[serde(deny_unknown_fields)]
struct Accept {
    epoch: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedRestore)]
struct Accepted {
    epoch: String,
    /// Instances that had not taken the state over when this was answered; they will.
    #[schema(example = json!(["download/019a0000-0000-7000-8000-000000000000"]))]
    pending: Vec<String>,
}

/// Takes the database as it is: copies are given up for it, and changes go on.
#[utoipa::path(
    post,
    path = "/api/v1/restore/accept",
    operation_id = "accept_restore",
    tag = "restore",
    summary = "Accept a restored database",
    description = "Scope: `admin`. Everything that `GET /api/v1/restore` lists is undone.",
    request_body = Accept,
    responses(
        Documents,
        (status = 200, description = "Accepted: changes go on.", body = Accepted),
        (status = 409, description = "`restore_not_held`: nothing waits to be accepted. `restore_changed`: something else does by now.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn accept(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiJson(body): ApiJson<Accept>,
) -> Result<Json<Accepted>, Error> {
    actor.permit(Scope::Admin, None)?;
    let mut transaction = state.database.write().await?;
    let feed = rows::lock(&mut transaction).await?;
    actor.judge(&mut transaction, Scope::Admin, None).await?;
    rules::accept(&feed, &body.epoch)?;
    rows::accept(&mut transaction, &body.epoch).await?;
    let (action, by) = ("restore.accept", actor.by());
    audit::insert(&mut transaction, by, action, None, &body.epoch).await?;
    state.commit(transaction).await?;
    tracing::warn!(
        epoch = body.epoch,
        by = actor.grant.name,
        "an older copy of the database was accepted: every follower takes it over"
    );
    let pending = feed::applied_by_all(&state, feed.head).await?;
    Ok(Json(Accepted {
        epoch: body.epoch,
        pending,
    }))
}
