//! `/api/v1/apps/{app}/channels`: named pointers that users follow.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_service::http::json::{ApiJson, ApiPath};
use slipway_service::token::Scope;
use slipway_service::{Problem, clock};

use super::idempotency::{Turn, turn};
use super::releases::{check_published, deleted, find_to_change};
use super::{Items, NoQuery};
use crate::permission::Actor;
use crate::store::{audit, releases};
use crate::{CatalogState, draft, feed, removal};

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/apps/{app}/channels", get(list))
        .route(
            "/api/v1/apps/{app}/channels/{channel}",
            put(promote).delete(delete),
        )
}

#[derive(Serialize)]
struct Channel {
    #[serde(rename = "channel")]
    name: String,
    /// The highest published version in it, which `latest` serves.
    version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending: Vec<String>,
}

async fn list(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiPath(app): ApiPath<String>,
) -> Result<Json<Items<Channel>>, Problem> {
    actor.permit(Scope::Read, Some(&app))?;
    let mut connection = state.database.read().await?;
    crate::app::find(&mut connection, &app).await?;
    let rows = releases::highest_by_channel(&mut connection, &app).await?;
    let items = rows
        .into_iter()
        .map(|(name, version)| Channel {
            name,
            version,
            pending: Vec::new(),
        })
        .collect();
    Ok(Json(Items { items, next: None }))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Promote {
    version: String,
}

/// Promotion: a published release joins a channel, with no new bytes and no new signature.
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
    let mut seq = release.seq;
    if turn == Turn::First {
        check_published(&release, "promoted")?;
        draft::check_channel(&mut transaction, &app, &channel).await?;
        if releases::add_to_channel(
            &mut transaction,
            &release,
            channel.as_str(),
            clock::unix_millis(),
        )
        .await?
        {
            seq = releases::touch(&mut transaction, &release.id).await?;
        }
        let subject = format!("{} {channel}", release.version);
        actor
            .audit(&mut transaction, "channel.promote", Some(&app), &subject)
            .await?;
        state.commit(transaction).await?;
    } else {
        drop(transaction);
    }
    let pending = feed::applied_by_all(&state, seq).await?;
    Ok(Json(Channel {
        name: channel.to_string(),
        version: Some(release.version),
        pending,
    }))
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
    let before = audit::subjects(&mut transaction, "channel.delete", &app).await?;
    if before.iter().any(|deleted| deleted == channel.as_str()) {
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
