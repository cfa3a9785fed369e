//! `/internal/instances`: heartbeats and the watch.

use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Deserialize;
use slipway_contract::fleet::Heartbeat;
use slipway_contract::record::{Beat, Snapshot, State as Lease};
use slipway_runtime::clock;
use slipway_runtime::http::caller::Caller;
use slipway_runtime::http::json::{ApiJson, ApiPath, ApiQuery};

use crate::error::Error;
use crate::state::RegistryState;
use crate::{proof, record};
use slipway_contract::holder::Holder;

/// Longest time that a poll is held: below the time-outs of every client on the way.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Bytes of a record: ten times a long one.
const MAX_RECORD: usize = 4096;
/// Time after a change in which more are awaited: an instance that starts or ends makes several.
const TOGETHER: Duration = Duration::from_millis(20);
/// Longest time that a leaving instance waits for the watchers: one that takes longer hangs, and goes to the next instance
/// when it does not any more. Below `registry.leave_seconds` of the other services.
const ACKNOWLEDGE_WAIT: Duration = Duration::from_secs(5);

pub(crate) fn router() -> Router<RegistryState> {
    Router::new()
        .route("/internal/instances", get(watch))
        .route("/internal/instances/{instance}", put(beat).delete(leave))
        .layer(DefaultBodyLimit::max(MAX_RECORD))
}

/// What the routes are, as the API's description says it; a test compares the two.
#[cfg(feature = "schema")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(watch, beat, leave))]
pub(crate) struct Description;

/// A heartbeat: the full record. The first one is taken when the instance has proven itself at its address; one that says
/// DRAINING is answered when every watcher has applied it.
#[cfg_attr(
    feature = "schema",
    utoipa::path(
        put,
        path = "/internal/instances/{instance}",
        operation_id = "beat",
        params(("instance" = String, Path, format = "uuid")),
        request_body = Heartbeat,
        responses(
            slipway_openapi::InternalWriting,
            (status = 200, description = "The lease is renewed.", body = Beat),
            (status = 400, description = "`instance_invalid`: an instance is named by a UUID. `instance_differs`, `record_too_long`, `json_invalid`, `body_unreadable`.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
            (status = 403, description = "`service_differs`: the record names another service than the certificate. `caller_not_permitted`.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
            (status = 409, description = "`address_changed`, `instance_gone`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
            (status = 422, description = "`address_refused`: it is no address, or in none of the networks that instances may be in.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
            (status = 429, description = "`leases_full`", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
            (status = 503, description = "`address_unproven`: the instance was not found at its address. `busy`: many are being proven. The next heartbeat tries again.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        ),
    )
)]
async fn beat(
    State(state): State<RegistryState>,
    Caller(caller): Caller,
    ApiPath(instance): ApiPath<String>,
    ApiJson(Heartbeat { record, report }): ApiJson<Heartbeat>,
) -> Result<Json<Beat>, Error> {
    record::check(&record, &caller, &instance).inspect_err(|refused| {
        if *refused == record::Refused::OtherService {
            let service = &record.service;
            tracing::warn!(%caller, service, "a service said that it is another");
        }
    })?;
    if !state.leases.renew(&record, Instant::now())? {
        state.leases.check_room(&record.service)?;
        let proven = proof::prove(&state, &record).await?;
        state.leases.begin(&record, proven, Instant::now())?;
    }
    state.reports.hear(&record, report);
    let revision = state.leases.revision();
    let acknowledged = record.state == Lease::Draining && acknowledged(&state, revision).await;
    Ok(Json(answer(&state, acknowledged)))
}

/// The end of a lease, of the caller's own service alone.
#[cfg_attr(
    feature = "schema",
    utoipa::path(
        delete,
        path = "/internal/instances/{instance}",
        operation_id = "leave",
        params(("instance" = String, Path, format = "uuid")),
        responses(slipway_openapi::InternalReading, (status = 200, description = "The lease has ended.", body = Beat)),
    )
)]
async fn leave(
    State(state): State<RegistryState>,
    Caller(caller): Caller,
    ApiPath(instance): ApiPath<String>,
) -> Json<Beat> {
    let holder = Holder {
        service: caller.to_string(),
        instance,
    };
    state.leases.leave(&holder, Instant::now());
    Json(answer(&state, true))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
struct Watch {
    /// The instance that watches.
    watcher: String,
    /// The epoch and revision that it has applied; absent at its first poll.
    epoch: Option<String>,
    revision: Option<u64>,
    /// 2 of a watcher that knows SUSPECT and GONE: one of an earlier version is told neither.
    #[serde(default)]
    #[cfg_attr(feature = "schema", param(required = false))]
    states: u8,
    /// Seconds to wait for a change.
    #[serde(default)]
    #[cfg_attr(feature = "schema", param(required = false))]
    wait: u64,
}

/// The full set, at once when the watcher has another revision than ours, else when it changes or the wait is over.
#[cfg_attr(
    feature = "schema",
    utoipa::path(
        get,
        path = "/internal/instances",
        operation_id = "watch_instances",
        params(Watch),
        responses(
            slipway_openapi::InternalReading,
            (status = 200, description = "The full set.", body = Snapshot),
            (status = 400, description = "`instance_invalid`: a watcher is named by a UUID. `query_invalid`: it cannot be read.", body = slipway_openapi::ProblemDocument, content_type = "application/problem+json"),
        ),
    )
)]
async fn watch(
    State(state): State<RegistryState>,
    Caller(caller): Caller,
    ApiQuery(query): ApiQuery<Watch>,
) -> Result<Json<Snapshot>, Error> {
    record::check_instance(&query.watcher)?;
    let watcher = Holder {
        service: caller.to_string(),
        instance: query.watcher,
    };
    let leases = &state.leases;
    let is_ours = query.epoch.as_deref() == Some(leases.epoch());
    // One that we have not come to yet was not told by us.
    let possible = |revision: &u64| is_ours && *revision <= leases.revision();
    let applied = query.revision.filter(possible);
    let poll = leases.watch(&watcher, applied.unwrap_or(0), Instant::now());
    if let Some(revision) = applied {
        let wait = Duration::from_secs(query.wait).min(LONGEST_WAIT);
        tokio::select! {
            () = leases.wait_for_change(revision) => tokio::time::sleep(TOGETHER).await,
            () = tokio::time::sleep(wait) => {}
            () = state.process.closing.cancelled() => {}
        }
    }
    drop(poll);
    let mut snapshot = leases.snapshot(query.states, Instant::now());
    snapshot.instances.extend(state.own());
    Ok(Json(snapshot))
}

async fn acknowledged(state: &RegistryState, revision: u64) -> bool {
    let waiting = state.leases.wait_for_watchers(revision);
    tokio::time::timeout(ACKNOWLEDGE_WAIT, waiting)
        .await
        .is_ok()
}

fn answer(state: &RegistryState, acknowledged: bool) -> Beat {
    Beat {
        epoch: state.leases.epoch().to_owned(),
        revision: state.leases.revision(),
        acknowledged,
        now: Some(clock::unix_millis()),
    }
}
