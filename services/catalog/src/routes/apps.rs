//! `/api/v1/apps`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_openapi::parameters::{AppPath, IdempotencyKey};
use slipway_openapi::{Documents, Listing, PROBLEM, ProblemDocument, Reading, Writing};
use slipway_packages::{Slug, SlugError, shown};
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};
use slipway_service::http::list;
use slipway_service::quota::Quota;
use slipway_service::token::Scope;
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, edit, delete))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = NewApp)]
#[serde(deny_unknown_fields)]
struct New {
    #[schema(value_type = slipway_contract::Slug)]
    slug: String,
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

#[derive(Serialize, ToSchema)]
struct App {
    #[schema(value_type = slipway_contract::Slug)]
    slug: String,
    name: String,
    /// `null` while they are being made.
    #[schema(required = true)]
    keys: Option<Keys>,
    /// What it may hold: its own limits, or the platform's.
    quota: Quota,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(Serialize, ToSchema)]
struct Keys {
    minisign: Minisign,
}

#[derive(Serialize, ToSchema)]
struct Minisign {
    key_id: String,
    /// The text of `minisign.pub`.
    public_key: String,
    url: String,
}

/// Makes an app and its signing key.
#[utoipa::path(
    post,
    path = "/api/v1/apps",
    operation_id = "create_app",
    tag = "apps",
    summary = "Make an app",
    description = "Scope: `admin`.",
    params(IdempotencyKey),
    request_body = New,
    responses(
        Documents,
        (status = 201, description = "The app. Its signing key is made with it; `keys` is null when that takes longer than two seconds, and appears by itself.", body = App, headers(("Location" = String, description = "Its address."))),
        (status = 409, description = "`app_exists`: the slug is taken. `app_deleted`: it is that of an app that was deleted, and stays taken.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`slug_refused`: a slug is 1 to 63 of a-z, 0-9 and -, begins with none, and is none of repo, dists, pool, all, api, keys, latest, console, admin, stable and beta. `name_refused`: a name is 1 to 100 characters that are seen, without control and direction characters, and ends in no dot; it is kept in composed form (NFC). `idempotency_key_reused`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
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
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Items of a page, 1 to 200; what lies outside is taken as the nearest.
    #[param(default = 50)]
    limit: Option<i64>,
    /// `next` of the page before.
    #[serde(default)]
    #[param(required = false)]
    cursor: String,
    /// In slug and name.
    #[serde(default)]
    #[param(required = false)]
    q: String,
}

#[utoipa::path(
    get,
    path = "/api/v1/apps",
    operation_id = "list_apps",
    tag = "apps",
    summary = "List the apps",
    description = "Deleted apps are left out. Scope: `read`.",
    params(Search),
    responses(
        Reading,
        (status = 200, description = "A page of apps, by slug. A token of one app sees that app.", body = Listing<App>),
    ),
)]
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

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}",
    operation_id = "show_app",
    tag = "apps",
    summary = "Show an app",
    description = "Scope: `read`.",
    params(AppPath),
    responses(
        Reading,
        (status = 200, description = "The app.", body = App),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<App>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    Ok(Json(render(&state, find(&state, &app).await?)))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = EditApp)]
#[serde(deny_unknown_fields)]
struct Edit {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// `null`: the platform's limits.
    #[serde(default)]
    #[schema(value_type = Option<Limits>)]
    quota: Given<Limits>,
}

/// Limits of the app's own; one that is `null` is the platform's, and one that is not named stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = QuotaLimits)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    bytes: Given<i64>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    releases: Given<i64>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
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
#[utoipa::path(
    patch,
    path = "/api/v1/apps/{app}",
    operation_id = "edit_app",
    tag = "apps",
    summary = "Change an app",
    description = "Its name and its limits; what is not named stays as it is. A limit that is `null` is the platform's again. Scope: `admin`; limits need a token that is not of one app.",
    params(AppPath),
    request_body = Edit,
    responses(
        Documents,
        (status = 200, description = "The app as it is now; the install page shows it too.", body = App),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`change_missing`: nothing is named. `name_refused`: it is empty, too long, or holds control, direction or unseen characters. `quota_invalid`: a limit is below 0.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The slug, typed again.
    #[param(required = true, value_type = slipway_contract::Slug)]
    #[serde(default)]
    confirm: String,
}

/// Deletes an app with everything in it, when its slug is typed again. The same again changes nothing.
/// What is deleted while some have not heard of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`deleted`] writes")]
struct DeletedApp {
    slug: slipway_contract::Slug,
    /// Services that have not heard of it yet.
    pending: Vec<String>,
}

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
