//! `/api/v1/restore`: what an older copy of the database would undo, and the word that takes it all the same.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use slipway_service::Problem;
use slipway_service::changes::held::Loss;
use slipway_service::http::json::ApiJson;
use slipway_service::token::Scope;

use super::NoQuery;
use crate::permission::Actor;
use crate::store::feed as rows;
use crate::{CatalogState, feed, restore};

pub(super) fn router() -> Router<CatalogState> {
    Router::new()
        .route("/api/v1/restore", get(show))
        .route("/api/v1/restore/accept", post(accept))
}

#[derive(Default, Serialize)]
struct Restore {
    held: bool,
    /// What to accept; `null` when nothing is held.
    epoch: Option<String>,
    losses: Vec<Loss>,
    /// All losses, also those that are not listed.
    count: usize,
    /// Services that keep a copy and could not say what they would lose.
    away: Vec<&'static str>,
}

async fn show(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
) -> Result<Json<Restore>, Problem> {
    actor.permit(Scope::Admin, None)?;
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    drop(connection);
    if !feed.is_held() {
        return Ok(Json(Restore::default()));
    }
    let told = restore::ask_followers(&state, feed.epoch()).await;
    Ok(Json(Restore {
        held: true,
        epoch: Some(feed.epoch().to_owned()),
        losses: told.losses.into_iter().collect(),
        count: told.count,
        away: told.away,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    epoch: String,
}

#[derive(Serialize)]
struct Accepted {
    epoch: String,
    /// Instances that had not taken the state over when this was answered; they will.
    pending: Vec<String>,
}

/// Takes the database as it is: copies are given up for it, and changes go on.
async fn accept(
    State(state): State<CatalogState>,
    actor: Actor,
    _: NoQuery,
    ApiJson(body): ApiJson<Accept>,
) -> Result<Json<Accepted>, Problem> {
    actor.permit(Scope::Admin, None)?;
    let mut transaction = state.database.write().await?;
    let feed = rows::lock(&mut transaction).await?;
    actor.judge(&mut transaction, Scope::Admin, None).await?;
    if !feed.is_held() {
        return Err(Problem::conflict(
            "restore_not_held",
            "nothing waits to be accepted: no older copy of the catalog's database was noticed, or the newer one is back",
        ));
    }
    if feed.epoch() != body.epoch {
        return Err(Problem::conflict(
            "restore_changed",
            "the catalog's database is another one than that which was looked at: see GET /api/v1/restore again",
        ));
    }
    rows::accept(&mut transaction, &body.epoch).await?;
    actor
        .audit(&mut transaction, "restore.accept", None, &body.epoch)
        .await?;
    state.commit(transaction).await?;
    tracing::warn!(
        epoch = body.epoch,
        by = actor.grant.name,
        "an older copy of the database was accepted: every follower takes it over"
    );
    let pending = feed::applied_by_all(&state, feed.head).await?;
    Ok(Json(Accepted {
        epoch: body.epoch,
        pending,
    }))
}
