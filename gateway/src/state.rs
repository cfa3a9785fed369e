//! What every request is answered with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use slipway_peers::Peers;
use slipway_peers::discovery::registries::REGISTRY;
use slipway_peers::discovery::view::View;
use slipway_runtime::{Health, Process};

use crate::client::{Network, ProxyField};
use crate::cors::CorsSettings;
use crate::forward::{Limits, Upstreams};
use crate::routes::Routes;
use crate::settings::Settings;

/// The service, for its binary and for the command; cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) process: Process,
    pub(crate) view: View,
    pub(crate) routes: Routes,
    pub(crate) upstreams: Upstreams,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) proxy_field: ProxyField,
    pub(crate) cors: CorsSettings,
    /// The services that the routes lead to, and whether an instance of each was ever known.
    pub(crate) seen: Vec<(&'static str, AtomicBool)>,
}

impl Health for Gateway {
    /// Once the view, live or kept, has held an instance of every service in the routes.
    async fn ready(&self) -> anyhow::Result<()> {
        for (service, seen) in &self.0.seen {
            // Its loss stops changes, never traffic; and an earlier one does not list itself.
            if *service == REGISTRY {
                continue;
            }
            if !seen.load(Ordering::Relaxed) && !self.0.view.knows(service) {
                bail!("no instance of {service} was seen yet");
            }
            seen.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Gateway {
    pub(crate) fn new(peers: &Peers, settings: &Settings) -> anyhow::Result<Self> {
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
