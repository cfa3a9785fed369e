//! What every request is answered with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::bail;
use axum::Router;
use slipway_peers::Peers;
use slipway_peers::client::Client;
use slipway_peers::discovery::registries::REGISTRY;
use slipway_peers::discovery::view::View;
use slipway_runtime::settings::Refusal;
use slipway_runtime::{Health, Live as LiveValue, Process};

use crate::client::{Network, ProxyField};
use crate::cors::CorsSettings;
use crate::fleet_page;
use crate::forward::{Limits, Upstreams};
use crate::routes::{RouteSetting, Routes, added};
use crate::settings::Settings;

/// The service, for its binary and for the command; cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) process: Process,
    pub(crate) view: View,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) client: Client,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) proxy_field: ProxyField,
    /// The routes of this machine's own settings, which central configuration adds to.
    local_routes: Vec<RouteSetting>,
    /// Swapped whole: a request sees one state of the settings from its beginning to its end.
    live: RwLock<Arc<Live>>,
    /// The services that the routes of this machine's own settings lead to, and whether an instance of each was ever known.
    seen: Vec<(&'static str, AtomicBool)>,
}

/// What changes while the gateway runs.
pub(crate) struct Live {
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
    pub(crate) cors: CorsSettings,
}

impl Health for Gateway {
    /// Once the view, live or kept, has held an instance of every service in the routes of this machine's settings.
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

    fn pages(&self) -> Router {
        fleet_page::router(self.0.client.clone())
    }
}

impl Gateway {
    /// A gateway with `settings` of this machine: its file, its variables, its command line.
    pub(crate) fn new(peers: &Peers, settings: &Settings) -> anyhow::Result<Self> {
        let routes = Routes::new(&settings.routes)?;
        let unseen = |service| (service, AtomicBool::new(false));
        let upstreams = Arc::new(Upstreams::new(peers));
        let (following, stop) = (upstreams.clone(), peers.process.shutdown.clone());
        peers.process.tasks.spawn(async move {
            stop.run_until_cancelled(following.keep_current()).await;
        });
        Ok(Self(Arc::new(Shared {
            process: peers.process.clone(),
            view: peers.view.clone(),
            client: peers.client.clone(),
            seen: routes.services().into_iter().map(unseen).collect(),
            upstreams,
            trusted_proxies: settings.trusted_proxies.clone(),
            proxy_field: settings.proxy_field,
            local_routes: settings.routes.clone(),
            live: RwLock::new(Arc::new(Live {
                routes,
                limits: Limits::of(settings),
                cors: settings.cors.clone(),
            })),
        })))
    }

    /// Takes `settings`, which central configuration has made of this machine's own, for every request that begins from
    /// now on. Routes are added to those of the machine; who is trusted stays as the machine says. What is refused changes
    /// nothing. Whether the gateway is ready does not depend on it.
    pub fn reload(&self, settings: &Settings) -> Result<(), Refusal> {
        let mut routes = self.0.local_routes.clone();
        routes.extend(added(&routes, &settings.routes)?);
        let routes =
            Routes::new(&routes).map_err(|error| Refusal::of("routes", error.to_string()))?;
        let live = Arc::new(Live {
            routes,
            limits: Limits::of(settings),
            cors: settings.cors.clone(),
        });
        *self.0.live.write().unwrap_or_else(PoisonError::into_inner) = live;
        Ok(())
    }

    /// Takes what central configuration makes of the settings, for as long as the process lives.
    pub(crate) fn follow(&self, mut settings: LiveValue<Settings>) {
        let (gateway, process) = (self.clone(), &self.0.process);
        let stop = process.shutdown.clone();
        let following = async move {
            loop {
                settings.changed().await;
                if let Err(refusal) = gateway.reload(&settings.now()) {
                    tracing::error!(%refusal, "settings are refused here, and what held before holds on");
                }
            }
        };
        process.tasks.spawn(async move {
            stop.run_until_cancelled(following).await;
        });
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone()
    }
}
