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
mod forward;
mod path;
mod request;
mod routes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use serde::Deserialize;
use slipway_service::discovery::view::View;
use slipway_service::{Assembled, Health, Peers, Process, Service};

use crate::forward::{Limits, Upstreams};
use crate::routes::{RouteSetting, Routes};

pub use crate::answer::{Body, Streamed};
pub use crate::client::{Network, ProxyField};
pub use crate::cors::{CorsSettings, Origin};
pub use crate::exchange::Told;

/// The service, for its binary and for the command; cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

struct Shared {
    process: Process,
    view: View,
    routes: Routes,
    upstreams: Upstreams,
    trusted_proxies: Vec<Network>,
    proxy_field: ProxyField,
    cors: CorsSettings,
    /// The services that the routes lead to, and whether an instance of each was ever known.
    seen: Vec<(&'static str, AtomicBool)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub body: BodySettings,
    pub answer: AnswerSettings,
    pub routes: Vec<RouteSetting>,
    /// Networks of the proxies in front of the gateway, which are believed when they say who the client is. Default: none,
    /// so that the client is the other end of the connection; a network that others are in lets them be anybody.
    pub trusted_proxies: Vec<Network>,
    /// Where those proxies say it.
    pub proxy_field: ProxyField,
    pub cors: CorsSettings,
}

/// Bodies of requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BodySettings {
    /// Seconds without a byte after which a body is given up: against clients that hold an upload open with nothing.
    pub idle_seconds: u64,
}

/// Answers of services.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerSettings {
    /// Seconds in which neither the request's body nor an answer moves after which a service is given up: it hangs, or
    /// its machine is gone. Above the 300 s of the longest `Prefer: wait`, and what is left is enough to read 16 GiB once
    /// more or to wait behind ten slow inspections.
    pub silence_seconds: u64,
    /// Seconds without a byte after which an answer that has begun is cut off.
    pub idle_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body: BodySettings::default(),
            answer: AnswerSettings::default(),
            routes: routes::default_routes(),
            trusted_proxies: Vec::new(),
            proxy_field: ProxyField::default(),
            cors: CorsSettings::default(),
        }
    }
}

impl Default for BodySettings {
    fn default() -> Self {
        Self { idle_seconds: 30 }
    }
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            silence_seconds: 600,
            idle_seconds: 60,
        }
    }
}

const SERVICE: Service = Service {
    name: "gateway",
    sources: env!("SLIPWAY_SOURCES"),
    is_public: true,
};

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_peers::main(SERVICE, build)
}

/// Runs an instance until it is told to end.
pub fn run(options: slipway_service::Options) -> anyhow::Result<()> {
    slipway_peers::run(SERVICE, options, build)
}

#[expect(clippy::unused_async, reason = "the others have to wait")]
/// Assembles the gateway, for tests too.
pub async fn build(
    peers: Peers,
    settings: Settings,
) -> anyhow::Result<Assembled<Gateway, Gateway>> {
    let gateway = Gateway::new(&peers, &settings)?;
    Ok(Assembled {
        http: gateway.clone(),
        health: gateway,
    })
}

impl Health for Gateway {
    /// Once the view, live or kept, has held an instance of every service in the routes.
    async fn ready(&self) -> anyhow::Result<()> {
        for (service, seen) in &self.0.seen {
            if !seen.load(Ordering::Relaxed) && !self.0.view.knows(service) {
                bail!("no instance of {service} was seen yet");
            }
            seen.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Gateway {
    fn new(peers: &Peers, settings: &Settings) -> anyhow::Result<Self> {
        let routes = Routes::new(settings.routes.clone())?;
        let unseen = |service| (service, AtomicBool::new(false));
        Ok(Self(Arc::new(Shared {
            process: peers.process.clone(),
            view: peers.view.clone(),
            seen: routes.services().into_iter().map(unseen).collect(),
            routes,
            upstreams: Upstreams::new(peers, Limits::of(settings)),
            trusted_proxies: settings.trusted_proxies.clone(),
            proxy_field: settings.proxy_field,
            cors: settings.cors.clone(),
        })))
    }
}
