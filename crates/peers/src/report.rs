//! What this process reports of itself beside its lease: readings that it has for `/metrics` already. A heartbeat carries
//! what was last known and waits for nothing: a database that hangs must not cost the lease.

use std::time::Duration;

use slipway_contract::configuration::Standing;
use slipway_contract::fleet::{Configured, Report, shortened};
use slipway_runtime::Health;
use slipway_runtime::process::readings::disk;
use tokio::time::{Instant, sleep, timeout};

use crate::context::Peers;

/// Longest time that a reading takes: one of a database that hangs never ends.
const LONGEST_READING: Duration = Duration::from_secs(5);

/// Keeps the report current.
pub(crate) fn start(peers: &Peers, health: impl Health) {
    let reporting = peers.clone();
    peers
        .process
        .spawn("report", move || run(reporting.clone(), health.clone()));
}

async fn run(peers: Peers, health: impl Health) {
    let period = Duration::from_secs(peers.process.settings.registry.heartbeat_seconds);
    let mut read = Instant::now();
    loop {
        match timeout(LONGEST_READING, report(&peers, &health)).await {
            Ok(Ok(report)) => {
                read = Instant::now();
                peers.report.send_replace(Some(report));
            }
            // What was last read is not handed out as if it were new.
            failed => {
                let last = |last: &mut Option<Report>| {
                    let last = last.get_or_insert_default();
                    last.heartbeat_seconds = period.as_secs();
                    last.unread_seconds = read.elapsed().as_secs();
                };
                peers.report.send_modify(last);
                tracing::debug!(?failed, "nothing new is reported: a reading failed");
            }
        }
        sleep(period).await;
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
        unread_seconds: 0,
    })
}

fn configured(standing: &Standing) -> Configured {
    Configured {
        applied: standing.applied,
        refused: standing.refused.as_deref().map(shortened),
        pending: standing.pending.len() as u64,
    }
}
