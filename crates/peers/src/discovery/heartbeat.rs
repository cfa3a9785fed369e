//! The lease of this instance: its full record, to every registry node, every few seconds and at every change of state.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use tokio::sync::watch;

use slipway_contract::record::{Beat, Record, State};

use super::registries::registries;
use crate::context::Peers;

/// Time that a leaving instance waits for the others to know. They know within milliseconds when the registry is
/// there; when it is not, waiting longer would tell nobody more.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends heartbeats. The registry is never waited for.
pub async fn run(peers: Peers, record: Record, mut state: watch::Receiver<State>) {
    let period = Duration::from_secs(peers.process.settings.registry.heartbeat_seconds);
    loop {
        let now = Record {
            state: *state.borrow_and_update(),
            ..record.clone()
        };
        // Side by side and each with an end: a node that hangs must not cost us our lease at the others.
        let registries = registries(&peers.process);
        let beats = registries
            .iter()
            .map(|address| tokio::time::timeout(period, beat(&peers, address, &now)));
        let answers = join_all(beats).await;
        let reached = answers.iter().any(|answer| matches!(answer, Ok(Some(_))));
        // A registry that is not there yet gets our record soon after it is.
        let pause = if reached {
            period
        } else {
            Duration::from_millis(200)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

/// Tells every registry that this instance drains, and waits until all who watch know it.
pub async fn drain(peers: &Peers, record: &Record) {
    let leaving = Record {
        state: State::Draining,
        ..record.clone()
    };
    let registries = registries(&peers.process);
    let tell = registries
        .iter()
        .map(|address| beat(peers, address, &leaving));
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, join_all(tell)).await;
}

/// Takes the record out of every registry.
pub async fn leave(peers: &Peers, record: &Record) {
    let path = format!("/internal/instances/{}", record.instance);
    let registries = registries(&peers.process);
    let tell = registries.iter().map(|address| async {
        let gone: Result<Beat, _> = peers
            .client
            .call_registry(address, Method::DELETE, &path, None::<&()>)
            .await;
        if let Err(error) = gone {
            tracing::debug!(%error, "could not leave the registry; the lease ends by itself");
        }
    });
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, join_all(tell)).await;
}

async fn beat(peers: &Peers, address: &str, record: &Record) -> Option<Beat> {
    let path = format!("/internal/instances/{}", record.instance);
    let answer = peers
        .client
        .call_registry(address, Method::PUT, &path, Some(record))
        .await;
    answer
        .inspect(|beat: &Beat| {
            if let Some(now) = beat.now {
                peers.registry_time.tell(now);
            }
        })
        .inspect_err(|error| tracing::debug!(%error, address, "a registry does not answer"))
        .ok()
}

#[cfg(test)]
mod tests {
    use axum::routing::put;
    use axum::{Json, Router};
    use hyper_util::service::TowerToHyperService;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use slipway_runtime::Process;
    use slipway_runtime::data::DataDir;
    use slipway_runtime::http::serve::{Transport, serve};
    use slipway_runtime::settings::{Common, Http, Registry};

    use crate::identity::Identity;

    #[tokio::test]
    async fn a_registry_that_hangs_does_not_cost_the_lease_at_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        slipway_init::prepare(&data).expect("a data folder");
        let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let healthy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = |listener: &TcpListener| {
            format!("http://{}", listener.local_addr().expect("an address"))
        };
        let registry = Registry {
            urls: vec![url(&hanging), url(&healthy)],
            heartbeat_seconds: 1,
        };
        let (heard, mut beats) = mpsc::unbounded_channel();
        let answer = put(move || async move {
            let _ = heard.send(());
            Json(Beat {
                epoch: "e".to_owned(),
                revision: 1,
                acknowledged: false,
                now: None,
            })
        });
        let router = Router::new().route("/internal/instances/{instance}", answer);
        let router = TowerToHyperService::new(router);
        let transport = Transport::Proven(
            Identity::open("registry", &data)
                .expect("an identity")
                .proof(),
        );
        let stop = CancellationToken::new();
        tokio::spawn(async move {
            serve(healthy, transport, router, &Http::default(), stop).await;
        });
        let settings = Common {
            registry,
            ..Common::default()
        };
        let process = Process::open("upload", data, settings).expect("a process");
        let record = Record {
            service: "upload".to_owned(),
            instance: process.instance.to_string(),
            addr: "127.0.0.1:1".to_owned(),
            state: State::Ready,
            version: "0".to_owned(),
            started_at: 0,
        };
        let (_state, states) = watch::channel(State::Ready);
        let peers = Peers::open(&process).expect("an identity");
        tokio::spawn(run(peers, record, states));
        for _ in 0..3 {
            // Below the ten seconds of a lease.
            tokio::time::timeout(Duration::from_secs(9), beats.recv())
                .await
                .expect("a beat in time")
                .expect("the registry listens");
        }
        process.shutdown.cancel();
        drop(hanging);
    }
}
