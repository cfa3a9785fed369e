//! `/api/v1/apps/{app}/releases`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};
use slipway_service::http::list;
use slipway_service::token::Scope;
use slipway_service::{Problem, api};
use sqlx::AnyConnection;

use super::channels::Create;
use super::idempotency::{Turn, turn};
use super::settling::{answer_when_settled, applied};
use super::{Items, NoQuery, published, render};
use crate::channels::{self, Place};
use crate::choice::{self, Choice, File};
use crate::draft::Speller;
use crate::permission::Actor;
use crate::release::{Refused, State as Stage};
use crate::store::like::Like;
use crate::store::releases::{self, Filter};
use crate::{CatalogState, draft, feed, history, quota, removal};

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/apps/{app}/releases", get(list).post(publish))
        .route(
            "/api/v1/apps/{app}/releases/{version}",
            get(show).patch(published::edit).delete(delete),
        )
        .route("/api/v1/apps/{app}/releases/{version}/retry", post(retry))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    version: String,
    channel: String,
    notes: Option<String>,
    /// Ids of packages of the draft or on their own: these and no others are the release.
    packages: Option<Vec<String>>,
    /// Files of the draft: these and no others are the release. Without either it is the draft, if this token has put all
    /// of it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
    /// Whether what is odd is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

impl Publish {
    fn choice<'a>(&'a self, token: &'a str) -> Result<Choice<'a>, Problem> {
        match (&self.packages, &self.files) {
            (None, None) => Ok(Choice::Own(token)),
            (Some(ids), None) => Ok(Choice::Packages(ids)),
            (None, Some(files)) => Ok(Choice::Files(files)),
            (Some(_), Some(_)) => Err(Problem::bad_request(
                "choice_ambiguous",
                "name what is released once: as \"packages\" or as \"files\"",
            )),
        }
    }
}

/// Publishes a draft that is the token's own, or exactly the packages or files that are named. 201 when it is published,
/// 202 when it goes on.
async fn publish(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Publish>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let channel = draft::parse_channel(&body.channel)?;
    let choice = body.choice(&actor.grant.id)?;
    let notes = body.notes.as_deref().map(draft::prose).transpose()?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let turn = turn(
        &mut transaction,
        &actor,
        &headers,
        &format!("publish {app}"),
        &body,
    )
    .await?;
    let release = match choice {
        Choice::Packages(_) if turn == Turn::First => {
            let version = draft::parse_version(&body.version)?;
            draft::find_or_make(&mut transaction, &app, &version, Speller::Releaser).await?
        }
        _ => find_to_change(&mut transaction, &app, &body.version).await?,
    };
    if turn == Turn::First {
        if draft::is_deleted(&release) {
            return Err(Refused::Deleted(release.version).into());
        }
        if !release.state().map_err(Problem::internal)?.is_open() {
            if let Some(left) = channels::left_of(&mut transaction, &release, &channel).await? {
                if body.strict {
                    history::refuse(&[left])?;
                }
                drop(transaction);
                return Ok(Json(applied(&state, &release.id).await?).into_response());
            }
            let is_yanked = matches!(release.state(), Ok(Stage::Yanked));
            let refused = if is_yanked {
                Refused::Yanked
            } else {
                Refused::Released
            };
            return Err(refused(release.version).into());
        }
        quota::check_release(&state, &mut transaction, &release).await?;
        choice::choose(&mut transaction, &release, &choice).await?;
        let mut odd = history::judge_release(&mut transaction, &release).await?;
        odd.extend(channels::left_of(&mut transaction, &release, &channel).await?);
        if body.strict {
            history::refuse(&odd)?;
        }
        let token = &actor.grant.id;
        draft::note(&mut transaction, &release, token, notes.as_deref()).await?;
        let place = Place {
            channel: &channel,
            create: body.create.is_some(),
            asked: None,
        };
        draft::publish(&mut transaction, &release, place).await?;
        actor
            .audit(
                &mut transaction,
                "release.publish",
                Some(&app),
                &release.version,
            )
            .await?;
        state.commit(transaction).await?;
    } else {
        drop(transaction);
    }
    answer_when_settled(&state, &release.id, &headers).await
}

/// A page of releases, and which.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    limit: Option<i64>,
    #[serde(default)]
    cursor: String,
    /// In version, notes and file names.
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    channel: String,
}

impl Search {
    fn filter(&self) -> Result<Filter<'_>, Problem> {
        if !self.state.is_empty() && self.state.parse::<Stage>().is_err() {
            let states = Stage::ALL.map(Stage::as_str).join(", ");
            return Err(Problem::bad_request(
                "state_unknown",
                format!(
                    "there is no state {}: one of {states}",
                    self.state.escape_debug()
                ),
            ));
        }
        Ok(Filter {
            like: Like::holding(self.q.trim()),
            state: &self.state,
            channel: &self.channel,
        })
    }
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    ApiPath(app): ApiPath<String>,
    ApiQuery(query): ApiQuery<Search>,
) -> Result<Json<Items<api::Release>>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let filter = query.filter()?;
    let limit = list::limit(query.limit);
    let mut connection = state.database.read().await?;
    crate::app::find(&mut connection, &app).await?;
    let rows = releases::list(&mut connection, (&app, &filter), &query.cursor, limit).await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) >= limit;
    let next = rows.last().filter(|_| full).map(|row| row.id.clone());
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(render::release(&state, &mut connection, row).await?);
    }
    Ok(Json(Items { items, next }))
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Json<api::Release>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    let release = find(&mut connection, &app, &version).await?;
    Ok(Json(
        render::release(&state, &mut connection, &release).await?,
    ))
}

/// Deletes a release: of a draft nothing is left and its version is free, of every other its version is left, for ever.
/// What [`removal::release`] says decides who may. The same again changes nothing.
async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    let releaser = actor.permit(Scope::Release, Some(&app)).is_ok();
    let scope = if releaser {
        Scope::Release
    } else {
        Scope::Upload
    };
    actor.permit(scope, Some(&app))?;
    let mut transaction = actor.change(&state, scope, Some(&app)).await?;
    let release = match find_to_change(&mut transaction, &app, &version).await {
        Err(unknown) if unknown.code == "release_unknown" => {
            return if removal::was_deleted(&mut transaction, &app, &version).await? {
                Ok(StatusCode::NO_CONTENT.into_response())
            } else {
                Err(unknown)
            };
        }
        found => found?,
    };
    let seq = removal::release(&mut transaction, &release, &actor.grant, actor.by()).await?;
    state.commit(transaction).await?;
    deleted(&state, seq, json!({"version": release.version})).await
}

/// 204 when every follower has heard that something is deleted, up to the change `seq`; else 200 with `what` and those
/// that have not. Upload must not refuse the same names any more, and download must serve nothing.
pub(super) async fn deleted(
    state: &CatalogState,
    seq: i64,
    mut what: serde_json::Value,
) -> Result<Response, Problem> {
    let pending = feed::applied_by_all(state, seq).await?;
    if pending.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    what["pending"] = json!(pending);
    Ok(Json(what).into_response())
}

/// Sends a failed release on its way again.
async fn retry(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let release = find_to_change(&mut transaction, &app, &version).await?;
    let stage = release.state().map_err(Problem::internal)?;
    if stage != Stage::Failed {
        return Err(Refused::NotFailed {
            version: release.version,
            state: stage,
        }
        .into());
    }
    draft::start(&mut transaction, &release, stage).await?;
    actor
        .audit(
            &mut transaction,
            "release.retry",
            Some(&app),
            &release.version,
        )
        .await?;
    state.commit(transaction).await?;
    answer_when_settled(&state, &release.id, &headers).await
}

/// Refuses what only a published release can be: `change` says what.
pub(super) fn check_published(
    release: &releases::Release,
    change: &'static str,
) -> Result<(), Problem> {
    let state = release.state().map_err(Problem::internal)?;
    if state == Stage::Published {
        return Ok(());
    }
    let version = release.version.clone();
    Err(Refused::NotPublished {
        version,
        state,
        change,
    }
    .into())
}

/// The release of a version in any spelling that is equal in order.
pub(super) async fn find(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> Result<releases::Release, Problem> {
    crate::app::find(db, app).await?;
    let unknown = || Refused::ReleaseUnknown(version.to_owned());
    let parsed = match draft::parse_version(version) {
        // A `+` that was written as a space on its way is told how to come whole.
        Err(refused) if version.contains(' ') => return Err(refused),
        parsed => parsed.map_err(|_| unknown())?,
    };
    let release = releases::by_version(db, app, parsed.order_key()).await?;
    Ok(release.ok_or_else(unknown)?)
}

/// The same, kept from everybody else until the transaction ends.
pub(super) async fn find_to_change(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> Result<releases::Release, Problem> {
    let release = find(db, app, version).await?;
    Ok(releases::lock(db, &release.id).await?)
}
