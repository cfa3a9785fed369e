//! `/api/v1/apps`

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use slipway_packages::{Slug, SlugError, shown};
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};
use slipway_service::token::Scope;
use slipway_service::{Problem, clock};
use tokio::time::Instant;

use super::idempotency::{Turn, turn};
use super::{Items, List, NoQuery};
use crate::permission::Actor;
use crate::release::Refused;
use crate::store::{apps, jobs};
use crate::{CatalogState, feed};

/// Time that a new app's answer waits for its signing key.
const KEY_WAIT: Duration = Duration::from_secs(2);
/// Characters of an app's name: one line on a phone.
const MAX_NAME: usize = 100;

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/apps", get(list).post(create))
        .route("/api/v1/apps/{app}", get(show))
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
    let name = shown::name(&new.name, MAX_NAME).map_err(|error| {
        Problem::unprocessable(
            "name_refused",
            format!("the app's name is refused: {error}; choose another"),
        )
    })?;
    let mut transaction = actor.change(&state, Scope::Admin, None).await?;
    let turn = turn(&mut transaction, &actor, &headers, "create app", &new).await?;
    if turn == Turn::First {
        if !apps::insert(&mut transaction, slug.as_str(), &name, clock::unix_millis()).await? {
            return Err(Problem::conflict(
                "app_exists",
                format!("there is an app {slug} already: choose another slug"),
            ));
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
        drop(transaction);
    }
    let app = with_key(&state, slug.as_str()).await?;
    let location = [("location", format!("/api/v1/apps/{slug}"))];
    Ok((StatusCode::CREATED, location, Json(app)).into_response())
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
        Some(app) => Ok(render(app)),
        None => Ok(render(find(state, slug).await?)),
    }
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiQuery(query): ApiQuery<List>,
) -> Result<Json<Items<App>>, Problem> {
    let only = actor.grant.app.clone();
    actor.permit(Scope::Read, only.as_deref())?;
    let mut connection = state.database.read().await?;
    let rows = apps::list(
        &mut connection,
        &query.cursor,
        only.as_deref(),
        query.limit(),
    )
    .await?;
    let items = rows.into_iter().map(render).collect();
    Ok(Json(Items::new(items, query.limit(), |app: &App| {
        &app.slug
    })))
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<App>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    Ok(Json(render(find(&state, &app).await?)))
}

async fn find(state: &CatalogState, slug: &str) -> Result<apps::App, Problem> {
    let mut connection = state.database.read().await?;
    let app = apps::get(&mut connection, slug).await?;
    Ok(app.ok_or_else(|| Refused::AppUnknown(slug.to_owned()))?)
}

fn render(row: apps::App) -> App {
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
        created_at: clock::rfc3339(row.created_at),
    }
}
