//! `/internal/instances`: heartbeats and the watch.

use std::time::{Duration, Instant};

use axum::extract::State as Extracted;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Deserialize;
use slipway_service::Problem;
use slipway_service::discovery::record::{Beat, Record, Snapshot, State as Lease};
use slipway_service::http::json::{ApiJson, ApiPath, ApiQuery};

use crate::State;

/// Longest time that a poll is held: below the time-outs of every client on the way.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Longest time that a leaving instance waits for the watchers.
const ACKNOWLEDGE_WAIT: Duration = Duration::from_secs(2);

pub(crate) fn router() -> Router<State> {
    Router::new()
        .route("/internal/instances", get(watch))
        .route("/internal/instances/{instance}", put(beat).delete(leave))
}

/// A heartbeat: the full record. One that says DRAINING is answered when every watcher has applied it.
async fn beat(
    Extracted(state): Extracted<State>,
    ApiPath(instance): ApiPath<String>,
    ApiJson(record): ApiJson<Record>,
) -> Result<Json<Beat>, Problem> {
    if record.instance != instance {
        return Err(Problem::bad_request(
            "instance_differs",
            "the record names another instance than the address",
        ));
    }
    let leaving = record.state == Lease::Draining;
    state.leases.beat(record, Instant::now());
    let revision = state.leases.revision();
    let acknowledged = leaving && acknowledged(&state, revision).await;
    Ok(Json(answer(&state, acknowledged)))
}

/// The end of a lease.
async fn leave(
    Extracted(state): Extracted<State>,
    ApiPath(instance): ApiPath<String>,
) -> Json<Beat> {
    state.leases.leave(&instance);
    Json(answer(&state, true))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    /// The instance that watches.
    watcher: String,
    /// The epoch and revision that it has applied; absent at its first poll.
    epoch: Option<String>,
    revision: Option<u64>,
    /// Seconds to wait for a change.
    #[serde(default)]
    wait: u64,
}

/// The full set, at once when the watcher has another revision than ours, else when it changes or the wait is over.
async fn watch(
    Extracted(state): Extracted<State>,
    ApiQuery(query): ApiQuery<Watch>,
) -> Json<Snapshot> {
    let applied = query
        .revision
        .filter(|_| query.epoch.as_deref() == Some(state.leases.epoch()));
    let leases = &state.leases;
    let poll = leases.watch(&query.watcher, applied.unwrap_or(0), Instant::now());
    if let Some(revision) = applied {
        let wait = Duration::from_secs(query.wait).min(LONGEST_WAIT);
        tokio::select! {
            () = leases.wait_for_change(revision) => {}
            () = tokio::time::sleep(wait) => {}
            () = state.process.draining.cancelled() => {}
        }
    }
    drop(poll);
    Json(leases.snapshot(Instant::now()))
}

async fn acknowledged(state: &State, revision: u64) -> bool {
    let waiting = state.leases.wait_for_watchers(revision);
    tokio::time::timeout(ACKNOWLEDGE_WAIT, waiting)
        .await
        .is_ok()
}

fn answer(state: &State, acknowledged: bool) -> Beat {
    Beat {
        epoch: state.leases.epoch().to_owned(),
        revision: state.leases.revision(),
        acknowledged,
    }
}
