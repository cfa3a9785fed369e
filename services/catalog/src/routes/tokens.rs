//! `/api/v1/tokens` and `/api/v1/whoami`

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_packages::shown;
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};
use slipway_service::token::{Grant, Scope, Token};
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Items, List, NoQuery};
use crate::permission::Actor;
use crate::store::tokens;
use crate::{CatalogState, feed};

/// Seconds of a token's life at most: ten years. Longer is `null`, which never ends.
const LONGEST_LIFE: i64 = 10 * 366 * 24 * 3600;
/// Characters of a token's name.
const MAX_NAME: usize = 100;

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/tokens", get(list).post(create))
        .route("/api/v1/tokens/{id}", delete(revoke))
        .route("/api/v1/whoami", get(whoami))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    scopes: BTreeSet<Scope>,
    /// The one app that it is good for.
    app: Option<String>,
    /// Seconds from now.
    expires_in: Option<i64>,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    scopes: BTreeSet<Scope>,
    app: Option<String>,
    created_at: Option<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Makes a token; its text is in this answer and nowhere else.
async fn create(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiJson(new): ApiJson<New>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Admin, None)?;
    let name = shown::name(&new.name, MAX_NAME).map_err(|error| {
        Problem::unprocessable(
            "name_refused",
            format!("the token's name is refused: {error}; choose another"),
        )
    })?;
    check(&new)?;
    let now = clock::unix_millis();
    let token = Token::random()?;
    let grant = Grant {
        id: Uuid::now_v7().to_string(),
        name,
        scopes: new.scopes,
        app: new.app,
        expires_at: new.expires_in.map(|seconds| now + seconds * 1000),
        revoked_at: None,
    };
    let mut transaction = actor.change(&state, Scope::Admin, None).await?;
    if let Some(app) = &grant.app {
        crate::app::find(&mut transaction, app).await?;
    }
    let seq = tokens::insert(&mut transaction, &grant, &token.hash(), now).await?;
    actor
        .audit(
            &mut transaction,
            "token.create",
            grant.app.as_deref(),
            &grant.id,
        )
        .await?;
    state.commit(transaction).await?;
    feed::applied_by_all(&state, seq).await?;
    let shown = Shown {
        token: Some(token.reveal().to_owned()),
        ..render(grant, Some(now))
    };
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

fn check(new: &New) -> Result<(), Problem> {
    if new.scopes.is_empty() {
        return Err(Problem::unprocessable(
            "scopes_empty",
            "name at least one scope: read, upload, release or admin",
        ));
    }
    if new
        .expires_in
        .is_some_and(|seconds| !(1..=LONGEST_LIFE).contains(&seconds))
    {
        return Err(Problem::unprocessable(
            "expires_in_refused",
            "expires_in is in seconds, from 1 to ten years; leave it out for a token that does not expire",
        ));
    }
    Ok(())
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<Shown>>, Problem> {
    actor.permit(Scope::Admin, None)?;
    let mut connection = state.database.read().await?;
    let rows = tokens::list(&mut connection, &query.cursor, query.limit()).await?;
    let items = rows
        .iter()
        .map(|row| render(row.grant(), Some(row.created_at)))
        .collect();
    Ok(Json(Items::new(items, query.limit(), |token: &Shown| {
        &token.id
    })))
}

/// Revokes a token: from the answer on nobody takes it, but those that `pending` names. The last one that administers
/// the platform stays, or nobody could make another.
async fn revoke(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Admin, None)?;
    let now = clock::unix_millis();
    let mut transaction = actor.change(&state, Scope::Admin, None).await?;
    // First, because it keeps every other revocation waiting: two that run side by side must not each see the other's
    // token alive.
    let Some(seq) = tokens::revoke(&mut transaction, &id, now).await? else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "token_unknown",
            "there is no token with this id: see GET /api/v1/tokens",
        ));
    };
    check_administered(&mut transaction, &id, now).await?;
    actor
        .audit(&mut transaction, "token.revoke", None, &id)
        .await?;
    state.commit(transaction).await?;
    let pending = feed::applied_by_all(&state, seq).await?;
    if pending.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(json!({"id": id, "pending": pending})).into_response())
}

/// 409 when `revoked`, which is revoked `now`, was the last token that administered the platform, or would have outlived
/// all others: when they have expired nobody could make another.
async fn check_administered(
    db: &mut AnyConnection,
    revoked: &str,
    now: i64,
) -> Result<(), Problem> {
    let Some(revoked) = tokens::by_id(db, revoked).await? else {
        return Ok(());
    };
    let expired = revoked.expires_at.is_some_and(|at| at <= now);
    let ended_before = expired || revoked.revoked_at != Some(now);
    if ended_before
        || !tokens::administers(&revoked)
        || tokens::some_administer(db, revoked.expires_at).await?
    {
        return Ok(());
    }
    Err(Problem::conflict(
        "last_admin",
        "this is the last token with the scope admin that is good for all apps, or all others expire before it: make \
         another one first that lives as long, by POST /api/v1/tokens, or replace the one of the data folder by `slipway init --rotate admin`",
    ))
}

/// The token that asks.
async fn whoami(actor: Actor, _: NoQuery) -> Json<Shown> {
    Json(render(actor.grant, None))
}

fn render(grant: Grant, created_at: Option<i64>) -> Shown {
    Shown {
        id: grant.id,
        name: grant.name,
        scopes: grant.scopes,
        app: grant.app,
        created_at: created_at.map(clock::rfc3339),
        expires_at: grant.expires_at.map(clock::rfc3339),
        revoked_at: grant.revoked_at.map(clock::rfc3339),
        token: None,
    }
}
