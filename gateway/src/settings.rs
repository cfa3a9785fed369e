//! The gateway's own sections of the settings.

use schemars::JsonSchema;
use serde::Deserialize;
use slipway_runtime::settings::Refusal;

use crate::client::{Network, ProxyField};
use crate::cors::CorsSettings;
use crate::routes::{self, RouteSetting, Routes, added};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    #[schemars(extend("x-applies" = "live"))]
    pub body: BodySettings,
    #[schemars(extend("x-applies" = "live"))]
    pub answer: AnswerSettings,
    #[schemars(extend("x-applies" = "live"))]
    pub tunnel: TunnelSettings,
    #[schemars(extend("x-applies" = "live"))]
    pub upstream: UpstreamSettings,
    /// Those of the machine's own settings replace those of the platform, and those of documents are added to them.
    #[schemars(extend("x-applies" = "live"))]
    pub routes: Vec<RouteSetting>,
    /// Networks of the proxies in front of the gateway, which are believed when they say who the client is. Default: none,
    /// so that the client is the other end of the connection; a network that others are in lets them be anybody.
    #[schemars(extend("x-applies" = "local"))]
    pub trusted_proxies: Vec<Network>,
    /// Where those proxies say it.
    #[schemars(extend("x-applies" = "local"))]
    pub proxy_field: ProxyField,
    #[schemars(extend("x-applies" = "live"))]
    pub cors: CorsSettings,
}

impl slipway_runtime::settings::Settings for Settings {
    fn check(&self) -> anyhow::Result<()> {
        Routes::new(&self.routes).map(drop)
    }

    fn check_beside(&self, local: &Self) -> Result<(), Refusal> {
        added(&local.routes, &self.routes).map(drop)
    }
}

/// Bodies of requests.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BodySettings {
    /// Seconds without a byte after which a body is given up: against clients that hold an upload open with nothing.
    pub idle_seconds: u64,
}

/// Answers of services.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerSettings {
    /// Seconds in which neither the request's body nor an answer moves after which a service is given up: it hangs, or
    /// its machine is gone. Above the 300 s of the longest `Prefer: wait`, and what is left is enough to read 16 GiB once
    /// more or to wait behind ten slow inspections.
    pub silence_seconds: u64,
    /// Seconds without a byte after which an answer that has begun is cut off.
    pub idle_seconds: u64,
}

/// Tunnels, which `WebSockets` are, and answers that are streams of events.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TunnelSettings {
    /// Seconds without a byte after which one is cut off: those who use them send something every minute, so that proxies
    /// keep them.
    pub idle_seconds: u64,
}

/// What services are asked at once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Requests that are on their way to one service, up to the end of the answer; more are 503 `busy` at once. As many as
    /// an instance takes, and below our connections: a service that hangs leaves the others room.
    pub max_requests: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body: BodySettings::default(),
            answer: AnswerSettings::default(),
            tunnel: TunnelSettings::default(),
            upstream: UpstreamSettings::default(),
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

impl Default for TunnelSettings {
    fn default() -> Self {
        Self { idle_seconds: 300 }
    }
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            max_requests: 8_000,
        }
    }
}
