//! `/api/v1/tokens` and `/api/v1/whoami`

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_contract::grant::{Grant, Scope};
use slipway_openapi::parameters::{IdPath, PageQuery};
use slipway_openapi::{Documents, Listing, PROBLEM, ProblemDocument, Reading, Writing};
use slipway_runtime::clock;
use slipway_runtime::http::json::{ApiJson, ApiPath, ApiQuery, NoQuery};
use slipway_runtime::http::list::{Items, List};
use slipway_runtime::token::Token;
use sqlx::AnyConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::settling::deleted;
use super::write::{Done, Entry, Write};
use crate::error::Error;
use crate::permission::Actor;
use crate::rules::text;
use crate::rules::token as rules;
use crate::state::CatalogState;
use crate::store::tokens;
use crate::{app, feed, refusal};

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
        .routes(routes!(whoami))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields)]
struct New {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(schema_with = slipway_contract::schema::scopes_asked_for)]
    scopes: BTreeSet<Scope>,
    /// The one app that it is good for.
    #[schema(value_type = Option<slipway_contract::Slug>)]
    app: Option<String>,
    /// Seconds from now.
    #[schema(minimum = 1, maximum = 316_224_000)]
    expires_in: Option<i64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct Shown {
    id: String,
    name: String,
    #[schema(schema_with = slipway_contract::schema::scopes)]
    scopes: BTreeSet<Scope>,
    #[schema(value_type = Option<slipway_contract::Slug>, required = true)]
    app: Option<String>,
    #[schema(format = DateTime, required = true)]
    created_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    expires_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    revoked_at: Option<String>,
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token: Option<String>,
}

/// Makes a token; its text is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "create_token",
    tag = "tokens",
    summary = "Make a token",
    description = "Scope: `admin`.",
    request_body = New,
    responses(
        Documents,
        (status = 201, description = "The token. Its text is in this answer and nowhere else.", body = Shown),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`name_refused`: a name is as that of an app. `scopes_empty`: name at least one. `expires_in_refused`: 1 second to ten years.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`app_deleted`: the app of the token was deleted.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn create(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiJson(new): ApiJson<New>,
) -> Result<Response, Error> {
    actor.permit(Scope::Admin, None)?;
    let name = text::name("token", &new.name)?;
    let now = clock::unix_millis();
    let expires_at = rules::expiry(&new.scopes, new.expires_in, now)?;
    let token = Token::random()?;
    let grant = Grant {
        id: Uuid::now_v7().to_string(),
        name,
        scopes: new.scopes,
        app: new.app,
        expires_at,
        revoked_at: None,
    };
    let effect = async |db: &mut AnyConnection| {
        if let Some(app) = &grant.app {
            app::find(db, app).await?;
        }
        let seq = tokens::insert(db, &grant, &token.hash(), now).await?;
        let entry = Entry::new(grant.app.as_deref(), "token.create", &grant.id);
        Ok(Done {
            made: seq,
            audit: Some(entry),
        })
    };
    let seq = administering(&state, &actor).run(effect).await?;
    feed::applied_by_all(&state, seq).await?;
    let shown = Shown {
        token: Some(token.reveal().to_owned()),
        ..render(grant, Some(now))
    };
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

fn administering<'a>(state: &'a CatalogState, actor: &'a Actor) -> Write<'a> {
    Write {
        state,
        actor,
        scope: Scope::Admin,
        app: None,
    }
}

#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    summary = "List the tokens",
    description = "Scope: `admin`.",
    params(PageQuery),
    responses(
        Reading,
        (status = 200, description = "A page of tokens, the oldest first, without their texts.", body = Listing<Shown>),
    ),
)]
async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<Shown>>, Error> {
    actor.permit(Scope::Admin, None)?;
    let mut connection = state.database.read().await?;
    let rows = tokens::list(&mut connection, &query.cursor, query.limit()).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(render(row.grant()?, Some(row.created_at)));
    }
    Ok(Json(Items::new(items, query.limit(), |token: &Shown| {
        &token.id
    })))
}

/// What is revoked while some have not heard of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`revoke`] writes")]
struct Revoked {
    id: String,
    /// Instances that had not heard of it when this was answered; they will.
    #[schema(example = json!(["download/019a0000-0000-7000-8000-000000000000"]))]
    pending: Vec<String>,
}

/// Revokes a token: from the answer on nobody takes it, but those that `pending` names. The last one that administers
/// the platform stays, or nobody could make another.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    operation_id = "revoke_token",
    tag = "tokens",
    summary = "Revoke a token",
    description = "Scope: `admin`.",
    params(IdPath),
    responses(
        Writing,
        (status = 200, description = "Revoked; the instances in `pending` had not heard of it after five seconds.", body = Revoked),
        (status = 204, description = "Revoked: nobody takes it any more."),
        (status = 404, description = "`token_unknown`: there is no token with this id.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`last_admin`: this is the last token that administers the platform, or all others expire before it; make another one first that lives as long.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn revoke(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Error> {
    actor.permit(Scope::Admin, None)?;
    let now = clock::unix_millis();
    let effect = async |db: &mut AnyConnection| {
        // First, because it keeps every other revocation waiting: two that run side by side must not each see the other's
        // token alive.
        let seq = tokens::revoke(db, &id, now).await?;
        let seq = seq.ok_or(refusal::Token::Unknown)?;
        if let Some(revoked) = tokens::by_id(db, &id).await? {
            let outlived = tokens::some_administer(db, revoked.expires_at).await?;
            rules::check_administered(&revoked, now, outlived)?;
        }
        Ok(Done {
            made: seq,
            audit: Some(Entry::new(None, "token.revoke", &id)),
        })
    };
    let seq = administering(&state, &actor).run(effect).await?;
    deleted(&state, seq, json!({"id": id})).await
}

/// The token that asks.
#[utoipa::path(
    get,
    path = "/api/v1/whoami",
    operation_id = "show_whoami",
    tag = "tokens",
    summary = "Show the token that asks",
    responses(
        Reading,
        (status = 200, description = "The token, without its text.", body = Shown),
    ),
)]
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
