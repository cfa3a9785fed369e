//! `/api/v1/fleet`: what runs, and what is wrong with it. It needs no catalog; the page of the gateway's operators asks the
//! same by its certificate.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::routing::get;
use axum::{Json, Router};
use slipway_central::{CentralState, Operator};
use slipway_contract::fleet::{Fleet, words};
use slipway_peers::Peers;
use slipway_runtime::clock;

use crate::reports::{Leased, Reports, Seen};

#[derive(Clone)]
struct FleetState {
    peers: Peers,
    central: CentralState,
    reports: Reports,
    leased: Arc<dyn Fn() -> Leased + Send + Sync>,
}

impl FromRef<FleetState> for CentralState {
    fn from_ref(state: &FleetState) -> Self {
        state.central.clone()
    }
}

pub(crate) fn router<S>(
    peers: &Peers,
    central: CentralState,
    reports: Reports,
    leased: impl Fn() -> Leased + Send + Sync + 'static,
) -> Router<S> {
    let state = FleetState {
        peers: peers.clone(),
        central,
        reports,
        leased: Arc::new(leased),
    };
    Router::new()
        .route("/api/v1/fleet", get(show))
        .route("/internal/fleet", get(show_to_the_gateway))
        .with_state(state)
}

#[cfg(feature = "schema")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(show, show_to_the_gateway), tags((name = "fleet")))]
pub(crate) struct Description;

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/api/v1/fleet",
    operation_id = "get_fleet",
    tag = "fleet",
    summary = "Show what runs and what is wrong",
    description = "Answered by the registry alone, whatever else is away. Scope: `operate`.",
    responses(slipway_openapi::Reading, (status = 200, description = "Every service and its instances.", body = Fleet)),
))]
async fn show(State(state): State<FleetState>, _: Operator) -> Json<Fleet> {
    Json(told(&state))
}

#[cfg_attr(feature = "schema", utoipa::path(
    get,
    path = "/internal/fleet",
    operation_id = "get_fleet_inside",
    tag = "fleet",
    summary = "Show the gateway what runs",
    responses(slipway_openapi::InternalReading, (status = 200, description = "Every service and its instances.", body = Fleet)),
))]
async fn show_to_the_gateway(State(state): State<FleetState>) -> Json<Fleet> {
    Json(told(&state))
}

fn told(state: &FleetState) -> Fleet {
    let now = clock::unix_millis();
    let process = &state.peers.process;
    let Leased { all, is_warming } = state.reports.observe(&*state.leased, now);
    let is_own = |seen: &&Seen| *seen.record.instance == *process.instance;
    if let Some(own) = all.iter().find(is_own) {
        let report = state.peers.report.borrow().clone();
        state.reports.hear(&own.record, report);
    }
    let services = state.reports.standings(all, now);
    let mut problems = words::problems(&services, now, clock::rfc3339);
    if is_warming && !problems.is_empty() {
        problems.push(
            "registry: it has just begun, and who is missing may be heard in a moment".to_owned(),
        );
    }
    Fleet {
        at: clock::rfc3339(now),
        environment: process.environment().to_owned(),
        configuration: state.central.revision(),
        problems,
        services,
    }
}
