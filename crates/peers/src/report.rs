//! What this process reports of itself beside its lease: readings that it has for `/metrics` already. A heartbeat carries
//! what was last known and waits for nothing: a database that hangs must not cost the lease.

use std::time::Duration;

use slipway_contract::configuration::Standing;
use slipway_contract::fleet::{Configured, Report, shortened};
use slipway_runtime::Health;
use slipway_runtime::process::readings::disk;

use crate::context::Peers;

/// Keeps the report current.
pub(crate) fn start(peers: &Peers, health: impl Health) {
    let reporting = peers.clone();
    peers
        .process
        .spawn("report", move || run(reporting.clone(), health.clone()));
}

async fn run(peers: Peers, health: impl Health) {
    let period = Duration::from_secs(peers.process.settings.registry.heartbeat_seconds);
    loop {
        match report(&peers, &health).await {
            Ok(report) => drop(peers.report.send_replace(Some(report))),
            Err(error) => tracing::debug!(?error, "nothing new is reported: a reading failed"),
        }
        tokio::time::sleep(period).await;
    }
}

async fn report(peers: &Peers, health: &impl Health) -> anyhow::Result<Report> {
    let mut readings = health.readings().await?;
    readings.extend(disk(&peers.process));
    let numbers = readings.into_iter();
    Ok(Report {
        heartbeat_seconds: peers.process.settings.registry.heartbeat_seconds,
        saturation: health.saturation().await?,
        numbers: numbers
            .map(|reading| (reading.name.to_owned(), reading.value))
            .collect(),
        waits: health.waits().await?,
        configuration: peers.configuration.standing().as_ref().map(configured),
    })
}

fn configured(standing: &Standing) -> Configured {
    Configured {
        applied: standing.applied,
        refused: standing.refused.as_deref().map(shortened),
        pending: standing.pending.len() as u64,
    }
}
