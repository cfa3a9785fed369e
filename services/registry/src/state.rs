//! What the handlers and tasks of the service work with.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;
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
    pub(crate) process: Process,
    pub(crate) peers: Peers,
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
