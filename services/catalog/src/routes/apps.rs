//! `/api/v1/apps`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_contract::grant::Scope;
use slipway_contract::quota::Quota;
use slipway_openapi::parameters::{AppPath, IdempotencyKey};
use slipway_openapi::{Documents, Listing, PROBLEM, ProblemDocument, Reading, Writing};
use slipway_runtime::clock;
use slipway_runtime::http::json::{ApiJson, ApiPath, ApiQuery, NoQuery};
use slipway_runtime::http::list::{self, Items};
use sqlx::AnyConnection;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settling::deleted;
use super::write::{Done, Entry, Request, Write};
use crate::error::Error;
use crate::permission::Actor;
use crate::rules::given::Given;
use crate::rules::{self, text};
use crate::state::CatalogState;
use crate::store::like::Like;
use crate::store::{apps, jobs};
use crate::{app, feed, quota, refusal, removal, store};

/// Time that a new app's answer waits for its signing key.
const KEY_WAIT: Duration = Duration::from_secs(2);

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
        (status = 410, description = "`app_deleted`: the same request made an app that was deleted since.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn create(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    headers: HeaderMap,
    ApiJson(new): ApiJson<New>,
) -> Result<Response, Error> {
    actor.permit(Scope::Admin, None)?;
    let slug = text::slug(&new.slug)?;
    let name = text::name("app", &new.name)?;
    let request = Request {
        headers: &headers,
        operation: "create app",
        body: &new,
    };
    let effect = async |db: &mut AnyConnection| {
        if !apps::insert(db, slug.as_str(), &name, clock::unix_millis()).await? {
            return Err(app::taken(db, &slug).await?.into());
        }
        jobs::queue(db, "key", slug.as_str(), clock::unix_millis()).await?;
        let slug = slug.as_str();
        Ok(Done {
            made: (),
            audit: Some(Entry::new(Some(slug), "app.create", slug)),
        })
    };
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Admin,
        app: None,
    };
    write.once(request, effect, async |_| Ok(())).await?;
    // It may have been deleted since it was made.
    find(&state, slug.as_str()).await?;
    let app = with_key(&state, slug.as_str()).await?;
    let location = [("location", format!("/api/v1/apps/{slug}"))];
    Ok((StatusCode::CREATED, location, Json(app)).into_response())
}

/// The app with its key, or without when the key takes too long; and known to those who follow.
async fn with_key(state: &CatalogState, slug: &str) -> Result<App, Error> {
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
    let head = store::feed::read(&mut connection).await?.head;
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
) -> Result<Json<Items<App>>, Error> {
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
) -> Result<Json<App>, Error> {
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
    fn over(self, before: Quota) -> Result<Quota, refusal::Request> {
        let limits = (self.bytes, self.releases, self.drafts);
        rules::quota::over(before, limits)
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
) -> Result<Json<App>, Error> {
    let whose = match body.quota {
        Given::No => Some(slug.as_str()),
        Given::Yes(_) => None,
    };
    actor.permit(Scope::Admin, whose)?;
    if body.name.is_none() && whose.is_some() {
        return Err(refusal::Request::NothingToChange("\"name\" or \"quota\"").into());
    }
    let name = body.name.as_deref();
    let name = name.map(|name| text::name("app", name)).transpose()?;
    let write = Write {
        state: &state,
        actor: &actor,
        scope: Scope::Admin,
        app: whose,
    };
    let seq = write
        .run(async |db| change(db, &slug, name, body.quota).await)
        .await?;
    feed::applied_by_all(&state, seq).await?;
    Ok(Json(render(&state, find(&state, &slug).await?)))
}

/// Writes another name and other limits; the number of the change, 0 when there is none.
async fn change(
    db: &mut AnyConnection,
    slug: &str,
    name: Option<String>,
    limits: Given<Limits>,
) -> Result<Done<i64>, Error> {
    let app = app::find(db, slug).await?;
    let quota = match limits {
        Given::No => app.quota(),
        Given::Yes(None) => Quota::default(),
        Given::Yes(Some(limits)) => limits.over(app.quota())?,
    };
    let mut seq = 0;
    if let Some(name) = name.filter(|name| *name != app.name) {
        seq = apps::rename(db, slug, &name).await?;
    }
    if quota != app.quota() {
        seq = apps::limit(db, slug, quota).await?;
    }
    let audit = (seq != 0).then(|| Entry::new(Some(slug), "app.edit", slug));
    Ok(Done { made: seq, audit })
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
async fn delete(
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

async fn find(state: &CatalogState, slug: &str) -> Result<apps::App, Error> {
    app::find(&mut *state.database.read().await?, slug).await
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
