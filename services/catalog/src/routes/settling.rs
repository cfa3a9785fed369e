//! Answers that wait for what becomes of a release.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use slipway_contract::public;
use slipway_runtime::http::prefer;
use tokio::time::Instant;

use super::render;
use crate::error::Error;
use crate::rules::state::State as Stage;
use crate::state::CatalogState;
use crate::store::releases;
use crate::{feed, refusal};

/// Waits up to `wait` seconds until a release is settled or this instance leaves, and, when it is published, until every
/// follower has it; names those that have not.
pub(super) async fn settled(
    state: &CatalogState,
    id: &str,
    wait: u64,
) -> Result<Vec<String>, Error> {
    let deadline = Instant::now() + Duration::from_secs(wait.min(prefer::LONGEST_WAIT_SECONDS));
    let waiting = state.signals.wait_for(deadline, || async {
        let mut connection = state.database.read().await?;
        let release = releases::by_id(&mut connection, id).await?;
        Ok(release.filter(|release| release.state.is_settled()))
    });
    let settled = tokio::select! {
        settled = waiting => settled?,
        () = state.process.closing.cancelled() => None,
    };
    match settled {
        Some(release) if release.state == Stage::Published => {
            Ok(feed::applied_by_all(state, release.seq).await?)
        }
        _ => Ok(Vec::new()),
    }
}

/// 201 published, 202 on its way, 422 failed.
pub(super) async fn answer_when_settled(
    state: &CatalogState,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let usual = state.settings.now().publishing.release_wait_seconds;
    let wait = prefer::wait(headers).unwrap_or(usual);
    let pending = settled(state, id, wait).await?;
    let (stage, mut release) = load(state, id).await?;
    release.pending = pending;
    if stage == Stage::Failed {
        return Err(refusal::Release::Failed {
            reason: release.reason.unwrap_or_default(),
            version: release.version.to_string(),
        }
        .into());
    }
    if stage == Stage::Deleted {
        return Err(refusal::Release::Deleted(release.version.to_string()).into());
    }
    let status = if stage.is_settled() {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    let location = [(
        "location",
        format!("/api/v1/apps/{}/releases/{}", release.app, release.version),
    )];
    Ok((status, location, Json(release)).into_response())
}

/// The release once every follower has its last change.
pub(super) async fn applied(state: &CatalogState, id: &str) -> Result<public::Release, Error> {
    let mut connection = state.database.read().await?;
    let row = releases::by_id(&mut connection, id).await?;
    drop(connection);
    let pending = match row {
        Some(row) => feed::applied_by_all(state, row.seq).await?,
        None => Vec::new(),
    };
    let (_, mut release) = load(state, id).await?;
    release.pending = pending;
    Ok(release)
}

async fn load(state: &CatalogState, id: &str) -> Result<(Stage, public::Release), Error> {
    let mut connection = state.database.read().await?;
    let row = releases::by_id(&mut connection, id)
        .await?
        .ok_or_else(|| Error::internal("a release that was just changed is not there"))?;
    let stage = row.facts().known()?.state.clone();
    Ok((stage, render::release(state, &mut connection, &row).await?))
}

/// 204 when every follower has heard that something is deleted, up to the change `seq`; else 200 with `what` and those
/// that have not. Upload must not refuse the same names any more, and download must serve nothing.
pub(super) async fn deleted(
    state: &CatalogState,
    seq: i64,
    mut what: serde_json::Value,
) -> Result<Response, Error> {
    let pending = feed::applied_by_all(state, seq).await?;
    if pending.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    what["pending"] = json!(pending);
    Ok(Json(what).into_response())
}
