//! POST: makes an app.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::IdempotencyKey;
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::clock;
use slipway_runtime::http::json::{ApiJson, NoQuery};
use sqlx::AnyConnection;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::document::{App, find, render};
use crate::error::Error;
use crate::permission::Actor;
use crate::routes::write::{Done, Entry, Request, Write};
use crate::rules::text;
use crate::state::CatalogState;
use crate::store::{apps, jobs};
use crate::{app, feed, store};

/// Time that a new app's answer waits for its signing key.
const KEY_WAIT: Duration = Duration::from_secs(2);

#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = NewApp)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    #[schema(value_type = slipway_contract::Slug)]
    slug: String,
    #[schema(min_length = 1, max_length = 100)]
    name: String,
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
pub(super) async fn create(
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
