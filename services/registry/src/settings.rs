//! The service's own section of the settings.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::address;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub lease: LeaseSettings,
}

impl slipway_runtime::settings::Settings for Settings {}

/// How long a lease holds. Whoever has ended is noticed by its callers long before any of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseSettings {
    /// Seconds after the last heartbeat at which an instance is suspected. More than three heartbeats, since a machine
    /// under load loses some.
    pub seconds: u64,
    /// Seconds after the last heartbeat at which the lease of one that was ready ends: three times as long, so that one
    /// that was only slow is asked again before it is forgotten.
    pub gone_seconds: u64,
    /// Seconds after the start in which nobody is forgotten: time for everybody's heartbeat.
    pub warm_up_seconds: u64,
    /// Leases of one service at once: twice what one machine may run, and a bound on what a service that lies can take.
    pub per_service: usize,
    /// Networks that instances may be in.
    #[schemars(extend("x-applies" = "local"))]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self {
            seconds: 10,
            gone_seconds: 30,
            warm_up_seconds: 10,
            per_service: 64,
            networks: address::default_networks(),
        }
    }
}
