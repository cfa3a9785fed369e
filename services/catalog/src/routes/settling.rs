//! Answers that wait for what becomes of a release.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use slipway_service::http::prefer;
use slipway_service::{Problem, api};
use tokio::time::Instant;

use super::render;
use crate::release::{Refused, State as Stage};
use crate::store::releases;
use crate::{CatalogState, feed};

/// Longest time that an answer waits for a release, in seconds.
const LONGEST_WAIT: u64 = 300;

/// Waits up to `wait` seconds until a release is settled or this instance leaves, and, when it is published, until every
/// follower has it; names those that have not.
pub(super) async fn settled(
    state: &CatalogState,
    id: &str,
    wait: u64,
) -> Result<Vec<String>, Problem> {
    let deadline = Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    let waiting = state.signals.wait_for(deadline, || async {
        let mut connection = state.database.read().await?;
        let release = releases::by_id(&mut connection, id).await?;
        Ok(release.filter(|release| release.state().is_ok_and(Stage::is_settled)))
    });
    let settled = tokio::select! {
        settled = waiting => settled?,
        () = state.process.draining.cancelled() => None,
    };
    match settled {
        Some(release) if release.state().is_ok_and(|stage| stage == Stage::Published) => {
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
) -> Result<Response, Problem> {
    let usual = state.settings.publishing.release_wait_seconds;
    let wait = prefer::wait(headers).unwrap_or(usual);
    let pending = settled(state, id, wait).await?;
    let (stage, mut release) = load(state, id).await?;
    release.pending = pending;
    if stage == Stage::Failed {
        let reason = release.reason.unwrap_or_default();
        return Err(Problem::unprocessable(
            "release_failed",
            format!(
                "{reason}. Mend it and POST …/releases/{}/retry, or release a new version",
                release.version
            ),
        ));
    }
    if stage == Stage::Deleted {
        return Err(Refused::Deleted(release.version).into());
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
pub(super) async fn applied(state: &CatalogState, id: &str) -> Result<api::Release, Problem> {
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

async fn load(state: &CatalogState, id: &str) -> Result<(Stage, api::Release), Problem> {
    let mut connection = state.database.read().await?;
    let row = releases::by_id(&mut connection, id)
        .await?
        .ok_or_else(|| Problem::internal("a release that was just changed is not there"))?;
    let stage = row.state().map_err(Problem::internal)?;
    Ok((stage, render::release(state, &mut connection, &row).await?))
}
