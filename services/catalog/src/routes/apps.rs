//! `/api/v1/apps`

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_packages::{Slug, SlugError, shown};
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};
use slipway_service::http::list;
use slipway_service::quota::Quota;
use slipway_service::token::Scope;
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;
use tokio::time::Instant;

use super::idempotency::{Turn, turn};
use super::published::{Given, nothing_to_change};
use super::releases::deleted;
use super::{Items, NoQuery};
use crate::permission::Actor;
use crate::release::Refused;
use crate::store::like::Like;
use crate::store::{apps, jobs};
use crate::{CatalogState, feed, quota, removal};

/// Time that a new app's answer waits for its signing key.
const KEY_WAIT: Duration = Duration::from_secs(2);
/// Characters of an app's name: one line on a phone.
const MAX_NAME: usize = 100;

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/apps", get(list).post(create))
        .route("/api/v1/apps/{app}", get(show).patch(edit).delete(delete))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct New {
    slug: String,
    name: String,
}

#[derive(Serialize)]
struct App {
    slug: String,
    name: String,
    /// `null` while they are being made.
    keys: Option<Keys>,
    /// What it may hold: its own limits, or the platform's.
    quota: Quota,
    created_at: String,
}

#[derive(Serialize)]
struct Keys {
    minisign: Minisign,
}

#[derive(Serialize)]
struct Minisign {
    key_id: String,
    public_key: String,
    url: String,
}

/// Makes an app and its signing key.
async fn create(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    headers: HeaderMap,
    ApiJson(new): ApiJson<New>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Admin, None)?;
    let slug = slug(&new.slug)
        .map_err(|error| Problem::unprocessable("slug_refused", error.to_string()))?;
    let name = name(&new.name)?;
    let mut transaction = actor.change(&state, Scope::Admin, None).await?;
    let turn = turn(&mut transaction, &actor, &headers, "create app", &new).await?;
    if turn == Turn::First {
        if !apps::insert(&mut transaction, slug.as_str(), &name, clock::unix_millis()).await? {
            return Err(taken(&mut transaction, &slug).await?);
        }
        jobs::queue(&mut transaction, "key", slug.as_str(), clock::unix_millis()).await?;
        actor
            .audit(
                &mut transaction,
                "app.create",
                Some(slug.as_str()),
                slug.as_str(),
            )
            .await?;
        state.commit(transaction).await?;
    } else {
        crate::app::find(&mut transaction, slug.as_str()).await?;
        drop(transaction);
    }
    let app = with_key(&state, slug.as_str()).await?;
    let location = [("location", format!("/api/v1/apps/{slug}"))];
    Ok((StatusCode::CREATED, location, Json(app)).into_response())
}

/// Why there is no other app of this slug.
async fn taken(db: &mut AnyConnection, slug: &Slug) -> sqlx::Result<Problem> {
    let there = apps::get(db, slug.as_str()).await?;
    if there.is_some_and(|app| app.is_deleted()) {
        return Ok(Problem::conflict(
            "app_deleted",
            format!(
                "there was an app {slug}, which was deleted, and its slug stays taken: choose another"
            ),
        ));
    }
    Ok(Problem::conflict(
        "app_exists",
        format!("there is an app {slug} already: choose another slug"),
    ))
}

/// An app's name as it is kept.
fn name(text: &str) -> Result<String, Problem> {
    shown::name(text, MAX_NAME).map_err(|error| {
        Problem::unprocessable(
            "name_refused",
            format!("the app's name is refused: {error}; choose another"),
        )
    })
}

/// A slug for a new app.
fn slug(text: &str) -> Result<Slug, SlugError> {
    let slug: Slug = text.parse()?;
    slug.check_new_app()?;
    Ok(slug)
}

/// The app with its key, or without when the key takes too long; and known to those who follow.
async fn with_key(state: &CatalogState, slug: &str) -> Result<App, Problem> {
    let deadline = Instant::now() + KEY_WAIT;
    let with_key = state
        .signals
        .wait_for(deadline, || async {
            let mut connection = state.database.read().await?;
            let app = apps::get(&mut connection, slug).await?;
            Ok(app.filter(|app| app.public_key.is_some()))
        })
        .await?;
    let mut connection = state.database.read().await?;
    let head = crate::store::feed::read(&mut connection).await?.head;
    drop(connection);
    feed::applied_by_all(state, head).await?;
    match with_key {
        Some(app) => Ok(render(state, app)),
        None => Ok(render(state, find(state, slug).await?)),
    }
}

/// A page of apps, and which.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    limit: Option<i64>,
    #[serde(default)]
    cursor: String,
    /// In slug and name.
    #[serde(default)]
    q: String,
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<Search>,
) -> Result<Json<Items<App>>, Problem> {
    let only = actor.grant.app.clone();
    actor.permit(Scope::Read, only.as_deref())?;
    let mut connection = state.database.read().await?;
    let (limit, like) = (list::limit(query.limit), Like::holding(query.q.trim()));
    let which = (only.as_deref(), &like);
    let rows = apps::list(&mut connection, &query.cursor, which, limit).await?;
    let items = rows.into_iter().map(|row| render(&state, row)).collect();
    Ok(Json(Items::new(items, limit, |app: &App| &app.slug)))
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<App>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    Ok(Json(render(&state, find(&state, &app).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    name: Option<String>,
    /// `null`: the platform's limits.
    #[serde(default)]
    quota: Given<Limits>,
}

/// Limits of the app's own; one that is `null` is the platform's, and one that is not named stays as it is.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    bytes: Given<i64>,
    releases: Given<i64>,
    drafts: Given<i64>,
}

impl Limits {
    fn over(self, before: Quota) -> Result<Quota, Problem> {
        let one = |given, before| match given {
            Given::No => Ok(before),
            Given::Yes(Some(limit)) if limit < 0 => Err(Problem::unprocessable(
                "quota_invalid",
                "a limit is a number from 0 on, or null for the platform's",
            )),
            Given::Yes(limit) => Ok(limit),
        };
        Ok(Quota {
            bytes: one(self.bytes, before.bytes)?,
            releases: one(self.releases, before.releases)?,
            drafts: one(self.drafts, before.drafts)?,
        })
    }
}

/// Gives an app another name, or other limits. What an app may hold is not for its own administrator to say.
async fn edit(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(slug): ApiPath<String>,
    ApiJson(body): ApiJson<Edit>,
) -> Result<Json<App>, Problem> {
    let whose = match body.quota {
        Given::No => Some(slug.as_str()),
        Given::Yes(_) => None,
    };
    actor.permit(Scope::Admin, whose)?;
    if body.name.is_none() && whose.is_some() {
        return Err(nothing_to_change("\"name\" or \"quota\""));
    }
    let name = body.name.as_deref().map(self::name).transpose()?;
    let mut transaction = actor.change(&state, Scope::Admin, whose).await?;
    let app = crate::app::find(&mut transaction, &slug).await?;
    let quota = match body.quota {
        Given::No => app.quota(),
        Given::Yes(None) => Quota::default(),
        Given::Yes(Some(limits)) => limits.over(app.quota())?,
    };
    let mut seq = 0;
    if let Some(name) = name.filter(|name| *name != app.name) {
        seq = apps::rename(&mut transaction, &slug, &name).await?;
    }
    if quota != app.quota() {
        seq = apps::limit(&mut transaction, &slug, quota).await?;
    }
    if seq != 0 {
        actor
            .audit(&mut transaction, "app.edit", Some(&slug), &slug)
            .await?;
    }
    state.commit(transaction).await?;
    feed::applied_by_all(&state, seq).await?;
    Ok(Json(render(&state, find(&state, &slug).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    #[serde(default)]
    confirm: String,
}

/// Deletes an app with everything in it, when its slug is typed again. The same again changes nothing.
async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiPath(slug): ApiPath<String>,
    ApiQuery(query): ApiQuery<Confirmation>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Admin, Some(&slug))?;
    let mut transaction = actor.change(&state, Scope::Admin, Some(&slug)).await?;
    let there = apps::get(&mut transaction, &slug).await?;
    let there = there.ok_or_else(|| Refused::AppUnknown(slug.clone()))?;
    if there.is_deleted() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if query.confirm != slug {
        return Err(Problem::unprocessable(
            "confirmation_missing",
            format!(
                "this deletes the app {slug} with all of its releases, for ever: to mean it, type its slug again: DELETE /api/v1/apps/{slug}?confirm={slug}"
            ),
        ));
    }
    let seq = removal::app(&mut transaction, &slug, actor.by()).await?;
    state.commit(transaction).await?;
    deleted(&state, seq, json!({"slug": slug})).await
}

async fn find(state: &CatalogState, slug: &str) -> Result<apps::App, Problem> {
    crate::app::find(&mut *state.database.read().await?, slug).await
}

fn render(state: &CatalogState, row: apps::App) -> App {
    let quota = quota::of(state, &row);
    let keys = row
        .key_id
        .zip(row.public_key)
        .map(|(key_id, public_key)| Keys {
            minisign: Minisign {
                key_id,
                public_key,
                url: format!("/keys/{}/minisign.pub", row.slug),
            },
        });
    App {
        slug: row.slug,
        name: row.name,
        keys,
        quota,
        created_at: clock::rfc3339(row.created_at),
    }
}
