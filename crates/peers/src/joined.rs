//! What a process says of itself to operators: what its service says, and its place among the others.

use axum::Router;
use slipway_contract::configuration::Standing;
use slipway_contract::fleet::{Saturation, Waiting};
use slipway_runtime::health::Health;
use slipway_runtime::metrics::Reading;
use slipway_runtime::process::load::Load;

use crate::context::Peers;
use crate::discovery::registries::REGISTRY;

/// What a service says of itself, with what is known of its place among the others.
pub fn joined(service: impl Health, peers: &Peers) -> impl Health {
    Joined {
        service,
        peers: peers.clone(),
        load: Load::default(),
    }
}

#[derive(Clone)]
struct Joined<H> {
    service: H,
    peers: Peers,
    load: Load,
}

impl<H: Health> Health for Joined<H> {
    async fn ready(&self) -> anyhow::Result<()> {
        self.service.ready().await
    }

    /// Of processor time or of what the service measures, whichever there is less of.
    async fn saturation(&self) -> anyhow::Result<Option<Saturation>> {
        let processor = Saturation {
            of: "processor".to_owned(),
            share: self.load.share(),
        };
        let own = self.service.saturation().await?;
        let scarcer = own.filter(|own| own.share > processor.share);
        Ok(Some(scarcer.unwrap_or(processor)))
    }

    async fn waits(&self) -> anyhow::Result<Option<Waiting>> {
        self.service.waits().await
    }

    fn pages(&self) -> Router {
        self.service.pages()
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let mut readings = self.service.readings().await?;
        readings.push(Reading {
            name: "certificate_end_seconds",
            help: "Unix time at which the certificate of this process ends",
            value: self.peers.identity.loaded().ends_at,
        });
        // A registry knows the others by its own leases, and nobody tells it of them.
        if self.peers.process.service != REGISTRY
            && let Some(age) = self.peers.view.age()
        {
            readings.push(Reading {
                name: "view_age_seconds",
                help: "Seconds since a registry last said who is there; below 40 while one answers",
                value: i64::try_from(age.as_secs())?,
            });
        }
        if let Some(age) = self.peers.registry_time.age() {
            readings.push(Reading {
                name: "lease_age_seconds",
                help: "Seconds since a registry last took the lease of this instance",
                value: i64::try_from(age.as_secs())?,
            });
        }
        if let Some(standing) = self.peers.configuration.standing() {
            readings.extend(configured(&standing)?);
        }
        Ok(readings)
    }
}

/// What operators see of the configuration that this process has.
fn configured(standing: &Standing) -> anyhow::Result<[Reading; 3]> {
    let reading = |name, help, value| Reading { name, help, value };
    Ok([
        reading(
            "configuration_revision",
            "Revision of the central configuration that this process works by, 0 before there is one",
            i64::try_from(standing.applied)?,
        ),
        reading(
            "configuration_refused",
            "1 while the newest revision of the configuration is refused here",
            i64::from(standing.refused.is_some()),
        ),
        reading(
            "configuration_pending",
            "Keys of the configuration that wait for the next start",
            i64::try_from(standing.pending.len())?,
        ),
    ])
}
