//! Whether an instance is where it says: it is asked there, over a connection that proves its service, for its name and
//! its address. It says the address itself, because a relay elsewhere would pass on any other proof.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use slipway_contract::record::Record;
use slipway_contract::services;
use slipway_peers::access::INSTANCE_PATH;
use tokio::sync::Semaphore;

use crate::address::{self, AddressError};
use crate::leases::table::Proven;
use crate::state::RegistryState;

/// Time for a name, a connection and an answer, all on a local network.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Addresses of one service that are proven at once: a fleet that starts together is through in a second.
const PROOFS: usize = 16;
/// In the place of the name of every service that is not in the table.
const OTHERS: &str = "";

#[derive(Deserialize)]
struct Instance {
    instance: String,
    addr: Option<String>,
}

/// Why an instance has no lease yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It may listen there in a moment.
    #[error(
        "the instance was not found at {address}: check [http] advertise, or wait until it listens there"
    )]
    Unproven {
        address: String,
        #[source]
        cause: Option<io::Error>,
    },
    #[error(
        "many instances of this service are being proven at once: the next heartbeat tries again"
    )]
    Busy,
}

/// Places for addresses that are being proven, by service. Each of the table has its own, so that with one's key nobody
/// keeps another's instances out; an operator's own services share theirs.
pub(crate) fn places() -> HashMap<&'static str, Semaphore> {
    let services = services::NAMES.into_iter().chain([OTHERS]);
    services
        .map(|service| (service, Semaphore::new(PROOFS)))
        .collect()
}

/// Where the instance of `record` has proven itself. A name is resolved here, once: what it says later is
/// nobody's proof (DNS rebinding). Few are proven at once, so that a flood of them makes no flood of connections.
pub(crate) async fn prove(state: &RegistryState, record: &Record) -> Result<Proven, Refused> {
    let (host, port) = address::parse(&record.addr)?;
    // The caller's certificate is of this name: it is a service, in the table or not.
    let service = services::named(&record.service);
    let places = state.proofs.get(service);
    let _place = places
        .unwrap_or(&state.proofs[OTHERS])
        .try_acquire()
        .map_err(|_| Refused::Busy)?;
    let proving = async {
        let found = tokio::net::lookup_host((host, port)).await;
        let found: Vec<_> = found
            .map_err(|cause| unproven(record, Some(cause)))?
            .collect();
        let mut refused = unproven(record, None);
        for found in found {
            let permitted = match address::permit(found, &state.networks) {
                Ok(permitted) => permitted,
                Err(error) => {
                    refused = error.into();
                    continue;
                }
            };
            // Nobody calls a gateway, and what it serves at its address is not for services.
            let asked = (service != "gateway").then(Instant::now);
            if asked.is_none() || answers(state, record, service, permitted).await {
                return Ok(Proven {
                    address: permitted,
                    asked,
                });
            }
        }
        Err(refused)
    };
    tokio::time::timeout(TIMEOUT, proving)
        .await
        .unwrap_or_else(|_| Err(unproven(record, None)))
}

fn unproven(record: &Record, cause: Option<io::Error>) -> Refused {
    Refused::Unproven {
        address: record.addr.clone(),
        cause,
    }
}

async fn answers(
    state: &RegistryState,
    record: &Record,
    service: &'static str,
    address: SocketAddr,
) -> bool {
    let there = Record {
        addr: address.to_string(),
        ..record.clone()
    };
    let answer = state
        .peers
        .client
        .call_instance::<Instance>(&there, service, INSTANCE_PATH)
        .await;
    match answer {
        Ok(answer) => {
            answer.instance == record.instance && answer.addr.as_ref() == Some(&record.addr)
        }
        Err(error) => {
            tracing::debug!(%error, %address, service, "an instance has not proven itself");
            false
        }
    }
}
