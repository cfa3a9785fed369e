//! The gateway: the only public port. It refuses what could be read in two ways, finds the service that a path belongs
//! to and streams both ways. It holds no body and no state but its view of the others, which it keeps on disk, so that it
//! starts and serves while the registry is gone. A request that was in flight when it is killed ends with the
//! connection: nothing is acknowledged that a service had not acknowledged.

mod answer;
mod client;
mod connections;
mod cors;
mod deferred_body;
mod exchange;
mod fleet_page;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod path;
mod request;
mod routes;
mod settings;
mod state;
mod tunnel;

use slipway_peers::{Assembled, Peers};
use slipway_runtime::command::Service;

pub use crate::answer::{Body, Streamed};
pub use crate::client::{Network, ProxyField};
pub use crate::cors::{CorsSettings, Origin};
pub use crate::exchange::Told;
pub use crate::routes::RouteSetting;
pub use crate::settings::{
    AnswerSettings, BodySettings, Settings, TunnelSettings, UpstreamSettings,
};
pub use crate::state::Gateway;

const SERVICE: Service = Service {
    name: "gateway",
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

/// Assembles the gateway, for tests too.
pub async fn build(
    peers: Peers,
    settings: Settings,
) -> anyhow::Result<Assembled<Gateway, Gateway>> {
    let local = peers.configuration.local(settings.clone());
    let gateway = Gateway::new(&peers, &local)?;
    gateway.reload(&settings)?;
    gateway.follow(peers.configuration.live(settings));
    Ok(Assembled {
        http: gateway.clone(),
        health: gateway,
    })
}
