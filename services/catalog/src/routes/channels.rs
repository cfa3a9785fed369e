//! `/api/v1/apps/{app}/channels`: named sets of releases that users follow.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_service::Problem;
use slipway_service::http::json::{ApiJson, ApiPath};
use slipway_service::token::Scope;

use super::idempotency::{Turn, turn};
use super::releases::{check_published, deleted, find_to_change};
use super::{Items, NoQuery};
use crate::permission::Actor;
use crate::store::{self, audit, channels as rows, releases};
use crate::{CatalogState, channels, draft, feed, removal};

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/apps/{app}/channels", get(list))
        .route(
            "/api/v1/apps/{app}/channels/{channel}",
            put(promote).delete(delete),
        )
        .route("/api/v1/apps/{app}/channels/{channel}/releases", post(add))
        .route("/internal/channels/{app}/{channel}", get(look))
}

#[derive(Serialize)]
struct Channel {
    #[serde(rename = "channel")]
    name: String,
    /// The highest published version in it, which `latest` serves.
    version: Option<String>,
    /// What was added, wherever in the order it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<String>,
    /// The versions that are out of it since it was rolled back to this one, highest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending: Vec<String>,
}

impl Channel {
    fn new(name: String, version: Option<String>) -> Self {
        Self {
            name,
            version,
            added: None,
            left: Vec::new(),
            pending: Vec::new(),
        }
    }
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<Items<Channel>>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.read_by_version().await?;
    crate::app::find(&mut connection, &app).await?;
    let rows = releases::highest_by_channel(&mut connection, &app).await?;
    let items = rows
        .into_iter()
        .map(|(name, version)| Channel::new(name, version))
        .collect();
    Ok(Json(Items { items, next: None }))
}

/// Tells upload whether a channel may be published to, before the bytes come; the intent is judged when it is there.
async fn look(
    State(state): State<CatalogState>,
    ApiPath((app, channel)): ApiPath<(String, String)>,
) -> Result<Json<Channel>, Problem> {
    let channel = draft::parse_channel(&channel)?;
    let mut connection = state.database.read().await?;
    channels::check(&mut connection, &app, &channel, false).await?;
    Ok(Json(Channel::new(channel.to_string(), None)))
}

/// That a channel which does not exist is made.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Create {
    Channel,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Promote {
    version: String,
    /// Whether what is higher leaves the channel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rollback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
}

/// Promotion: a published release becomes the newest of a channel, with no new bytes and no new signature. Where that has
/// higher ones it is a roll-back, which has to be said.
async fn promote(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, channel)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Promote>,
) -> Result<Json<Channel>, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let channel = draft::parse_channel(&channel)?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let operation = format!("promote {app} {channel}");
    let turn = turn(&mut transaction, &actor, &headers, &operation, &body).await?;
    let release = find_to_change(&mut transaction, &app, &body.version).await?;
    // A repetition waits for the followers as the first one did.
    let mut seq = store::feed::read(&mut transaction).await?.head;
    if turn == Turn::First {
        check_published(&release, "promoted")?;
        channels::check(&mut transaction, &app, &channel, body.create.is_some()).await?;
        let action = if body.rollback {
            seq = channels::roll_back(&mut transaction, &release, &channel).await?;
            "channel.rollback"
        } else {
            channels::check_newest(&mut transaction, &release, &channel).await?;
            let added = channels::add(&mut transaction, &release, &channel).await?;
            seq = added.unwrap_or(seq);
            "channel.promote"
        };
        let subject = format!("{} {channel}", release.version);
        actor
            .audit(&mut transaction, action, Some(&app), &subject)
            .await?;
    }
    let mut answer = Channel::new(channel.to_string(), Some(release.version.clone()));
    if body.rollback {
        answer.left = rows::left_for(&mut transaction, &release, channel.as_str()).await?;
    }
    match turn {
        Turn::First => state.commit(transaction).await?,
        Turn::Again => drop(transaction),
    }
    answer.pending = feed::applied_by_all(&state, seq).await?;
    Ok(Json(answer))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Add {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<Create>,
}

/// A published release joins a channel, and nothing leaves it: a backport beside higher versions, or one that comes back
/// after a roll-back.
async fn add(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, channel)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Add>,
) -> Result<Json<Channel>, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let channel = draft::parse_channel(&channel)?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    let operation = format!("add to channel {app} {channel}");
    let turn = turn(&mut transaction, &actor, &headers, &operation, &body).await?;
    let release = find_to_change(&mut transaction, &app, &body.version).await?;
    // A repetition waits for the followers as the first one did.
    let mut seq = store::feed::read(&mut transaction).await?.head;
    if turn == Turn::First {
        check_published(&release, "added to a channel")?;
        channels::check(&mut transaction, &app, &channel, body.create.is_some()).await?;
        let added = channels::add(&mut transaction, &release, &channel).await?;
        seq = added.unwrap_or(seq);
        let subject = format!("{} {channel}", release.version);
        actor
            .audit(&mut transaction, "channel.add", Some(&app), &subject)
            .await?;
    }
    let newest = releases::highest_by_channel(&mut transaction, &app).await?;
    let newest = newest
        .into_iter()
        .find(|(name, _)| name == channel.as_str());
    let mut answer = Channel::new(channel.to_string(), newest.and_then(|(_, version)| version));
    match turn {
        Turn::First => state.commit(transaction).await?,
        Turn::Again => drop(transaction),
    }
    answer.added = Some(release.version);
    answer.pending = feed::applied_by_all(&state, seq).await?;
    Ok(Json(answer))
}

/// Deletes a channel in which nothing is offered or on its way. The same again changes nothing.
async fn delete(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath((app, channel)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    actor.permit(Scope::Release, Some(&app))?;
    let channel = draft::parse_channel(&channel)?;
    let mut transaction = actor.change(&state, Scope::Release, Some(&app)).await?;
    crate::app::find(&mut transaction, &app).await?;
    let place = (&*app, channel.as_str());
    if let Some(seq) = removal::channel(&mut transaction, place, actor.by()).await? {
        state.commit(transaction).await?;
        return deleted(&state, seq, json!({"channel": channel.as_str()})).await;
    }
    if audit::has(&mut transaction, "channel.delete", place).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "channel_unknown",
        format!(
            "nothing was released to a channel {channel}: GET …/channels lists those there are"
        ),
    ))
}
