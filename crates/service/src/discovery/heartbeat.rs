//! The lease of this instance: its full record, to every registry node, every few seconds and at every change of state.

use std::time::Duration;

use http::Method;
use tokio::sync::watch;

use super::record::{Beat, Record, State};
use crate::process::Process;

/// Time that a leaving instance waits for the others to know. They know within milliseconds when the registry is
/// there; when it is not, waiting longer would tell nobody more.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends heartbeats until the process ends. The registry is never waited for.
pub(crate) async fn run(process: Process, record: Record, mut state: watch::Receiver<State>) {
    let period = Duration::from_secs(process.settings.registry.heartbeat_seconds);
    loop {
        let now = Record {
            state: *state.borrow_and_update(),
            ..record.clone()
        };
        let mut reached = false;
        for address in process.registries() {
            reached |= beat(&process, &address, &now).await.is_some();
        }
        // A registry that is not there yet gets our record soon after it is.
        let pause = if reached {
            period
        } else {
            Duration::from_millis(200)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = state.changed() => if changed.is_err() { return },
            () = process.shutdown.cancelled() => return,
        }
    }
}

/// Tells every registry that this instance drains, and waits until all who watch know it.
pub(crate) async fn drain(process: &Process, record: &Record) {
    let leaving = Record {
        state: State::Draining,
        ..record.clone()
    };
    let tell = async {
        for address in process.registries() {
            beat(process, &address, &leaving).await;
        }
    };
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, tell).await;
}

/// Takes the record out of every registry.
pub(crate) async fn leave(process: &Process, record: &Record) {
    let path = format!("/internal/instances/{}", record.instance);
    let tell = async {
        for address in process.registries() {
            let gone: Result<Beat, _> = process
                .client
                .call_registry(&address, Method::DELETE, &path, None)
                .await;
            if let Err(error) = gone {
                tracing::debug!(%error, "could not leave the registry; the lease ends by itself");
            }
        }
    };
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, tell).await;
}

async fn beat(process: &Process, address: &str, record: &Record) -> Option<Beat> {
    let path = format!("/internal/instances/{}", record.instance);
    let body = serde_json::to_vec(record).unwrap_or_default();
    let answer = process
        .client
        .call_registry(address, Method::PUT, &path, Some(&body))
        .await;
    answer
        .inspect_err(|error| tracing::debug!(%error, address, "a registry does not answer"))
        .ok()
}
