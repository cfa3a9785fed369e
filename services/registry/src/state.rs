//! What the handlers and tasks of the service work with.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;
use slipway_contract::record::{Record, State};
use slipway_fleet::{Leased, Reports, Seen};
use slipway_peers::Peers;
use slipway_runtime::metrics::Reading;
use slipway_runtime::{Health, Process};
use tokio::sync::Semaphore;

use crate::leases::Leases;

/// What the handlers work with.
#[derive(Clone)]
pub struct RegistryState {
    pub(crate) leases: Arc<Leases>,
    pub(crate) networks: Arc<[IpNet]>,
    /// Places for addresses that are being proven, by service.
    pub(crate) proofs: Arc<HashMap<&'static str, Semaphore>>,
    pub(crate) reports: Reports,
    pub(crate) process: Process,
    pub(crate) peers: Peers,
}

impl RegistryState {
    /// All that is known, for an operator, and this node, which has no lease.
    pub(crate) fn leased(&self) -> Leased {
        let mut leased = self.leases.leased(Instant::now());
        leased.all.extend(self.own().map(Seen::here));
        leased
    }

    /// What the world asks the registry comes by the gateway, so it is listed.
    pub(crate) fn own(&self) -> Option<Record> {
        let process = &self.process;
        Some(Record {
            service: process.service.to_owned(),
            instance: process.instance.to_string(),
            addr: process.address.as_ref()?.known()?.to_string(),
            state: if process.draining.is_cancelled() {
                State::Draining
            } else {
                State::Ready
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: 0,
            name: process.name.to_string(),
        })
    }
}

impl Health for RegistryState {
    async fn ready(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let (leases, overdue, is_protected) = self.leases.count();
        let reading = |name, help, value| Reading { name, help, value };
        Ok(vec![
            reading("leases", "Instances under a lease", i64::try_from(leases)?),
            reading(
                "leases_overdue",
                "Instances under a lease that are not heard from",
                i64::try_from(overdue)?,
            ),
            reading(
                "leases_protected",
                "1 while no lease ends because many instances fell silent at once",
                is_protected.into(),
            ),
        ])
    }
}
