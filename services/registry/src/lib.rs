//! The registry: who is there. It holds the lease of every instance, in memory alone: a lease is renewed whole every few
//! seconds, so a registry that was killed knows everybody again within one heartbeat, and until then tells its
//! watchers to forget nobody. Beside them it keeps the central configuration, in a database that leases do not need.
//! Losing every registry node stops changes, never traffic.

mod address;
mod error;
mod leases;
mod proof;
mod record;
mod routes;
mod settings;
#[cfg(test)]
mod simulation;
mod state;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use slipway_contract::record::STATES;
use slipway_fleet::Reports;
use slipway_peers::{Assembled, Peers, RouterService};
use slipway_runtime::command::Service;
use slipway_runtime::{Process, clock};
use tokio::time::MissedTickBehavior;

pub use leases::Leases;
use leases::table::SWEEP;
pub use settings::{LeaseSettings, Settings};
pub use state::RegistryState;

/// The service, for its binary and for the command.
const SERVICE: Service = Service {
    name: "registry",
    version: env!("CARGO_PKG_VERSION"),
};

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_peers::main(SERVICE, build)
}

/// Runs an instance until it is told to end.
pub fn run(options: &slipway_runtime::command::Options) -> anyhow::Result<()> {
    slipway_peers::run(SERVICE, options, build)
}

/// Opens what the service needs and begins its background tasks.
pub async fn build(
    peers: Peers,
    settings: Settings,
) -> anyhow::Result<Assembled<RouterService, RegistryState>> {
    let process = &peers.process;
    let networks = settings.lease.networks.clone().into();
    let leases = Arc::new(Leases::new(settings.lease, std::time::Instant::now()));
    let state = RegistryState {
        leases: leases.clone(),
        networks,
        proofs: Arc::new(proof::places()),
        process: process.clone(),
        reports: Reports::default(),
        peers: peers.clone(),
    };
    process.keep_open(go_last(process.clone(), leases.clone()));
    process.spawn("leases", move || sweep(leases.clone()));
    let knowing = state.clone();
    process.spawn("view", move || know_the_others(knowing.clone()));
    let central = slipway_central::start(&peers);
    let (reports, known) = (state.reports.clone(), state.clone());
    let fleet = slipway_fleet::router(&peers, central.clone(), reports, move || known.leased());
    let routes = router(state.clone())
        .merge(slipway_central::router(central))
        .merge(fleet);
    Ok(Assembled::new(process, state, None, routes))
}

/// Removes leases that have ended.
async fn sweep(leases: Arc<Leases>) {
    let mut ticks = tokio::time::interval(SWEEP);
    // After a pause there is one look that knows how long it was.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        leases.sweep(std::time::Instant::now());
    }
}

/// Time in which those that are told to end at the same moment say so.
const OTHERS_SAY: Duration = Duration::from_millis(300);
/// Longest time that those that leave are waited for. Without us each would wait as long for somebody to tell.
const OTHERS_LEAVE: Duration = Duration::from_secs(6);

/// Those that end together with the registry tell it first: it goes last.
async fn go_last(process: Process, leases: Arc<Leases>) {
    process.draining.cancelled().await;
    tokio::time::sleep(OTHERS_SAY).await;
    let _ = tokio::time::timeout(OTHERS_LEAVE, leases.wait_for_the_leaving()).await;
}

/// This node knows the others by its own leases: it asks the catalog for the tokens that may change the configuration.
async fn know_the_others(state: RegistryState) {
    loop {
        let snapshot = state.leases.snapshot(STATES, std::time::Instant::now());
        let revision = snapshot.revision;
        state
            .reports
            .observe(|| state.leased(), clock::unix_millis());
        state.peers.view.apply("", Some(snapshot));
        state.leases.wait_for_change(revision).await;
    }
}

/// What the routes are, as the API's description says it.
#[cfg(feature = "schema")]
pub fn openapi() -> utoipa::openapi::OpenApi {
    use utoipa::OpenApi as _;
    let mut document = routes::instances::Description::openapi();
    document.merge(slipway_central::openapi());
    document.merge(slipway_fleet::openapi());
    document
}

fn router(state: RegistryState) -> Router {
    routes::instances::router().with_state(state)
}
