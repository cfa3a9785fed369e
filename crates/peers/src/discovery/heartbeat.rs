//! The lease of this instance: its full record, to every registry node, every few seconds and at every change of state.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use slipway_contract::fleet::Heartbeat;
use slipway_contract::record::{Beat, Record, State};

use super::advertise;
use super::registries::{REGISTRY, registries};
use crate::context::Peers;

/// Pause before a registry that was not there is told again: it gets our record soon after it is.
const TELL_AGAIN: Duration = Duration::from_millis(200);
/// How often a registry that is away is told that we leave.
const TELLS: u32 = 4;
/// Time for the last word to a registry. A lease that it does not end ends by itself.
const LAST_WORD: Duration = Duration::from_secs(3);

/// Sends heartbeats. The registry is never waited for.
pub async fn run(peers: Peers, record: Record, mut state: watch::Receiver<State>) {
    let registry = &peers.process.settings.registry;
    let period = Duration::from_secs(registry.heartbeat_seconds);
    loop {
        let now = *state.borrow_and_update();
        // One that says that it drains is answered when the others know.
        let patience = match now {
            State::Draining => Duration::from_secs(registry.leave_seconds),
            _ => period,
        };
        let answers = tell(&peers, &record, now, patience).await;
        let pause = if answers.is_empty() {
            TELL_AGAIN
        } else {
            jittered(period)
        };
        tokio::select! {
            () = sleep(pause) => {}
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

/// Tells every registry that this instance drains, and waits until all who watch know it. While no registry can say that
/// they do, it is the whole time: they learn it from our answers then.
pub async fn drain(peers: &Peers, record: &Record) {
    if peers.process.service == REGISTRY {
        return;
    }
    let whole = Duration::from_secs(peers.process.settings.registry.leave_seconds);
    let end = Instant::now() + whole;
    for tried in 1.. {
        let left = end.saturating_duration_since(Instant::now());
        let answers = tell(peers, record, State::Draining, left).await;
        if answers.iter().any(|answer| answer.acknowledged) {
            return;
        }
        if tried == TELLS || Instant::now() >= end {
            break;
        }
        sleep(TELL_AGAIN).await;
    }
    tracing::info!(
        "no registry says that all know that this instance leaves: it works on for a while and tells them with its answers"
    );
    sleep_until(end).await;
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
    let _ = timeout(LAST_WORD, join_all(tell)).await;
}

/// Tells every registry what state this instance is in, side by side and each with an end: a node that hangs must not cost
/// us our lease at the others. Returns what those said that were reached.
async fn tell(peers: &Peers, record: &Record, state: State, patience: Duration) -> Vec<Beat> {
    let registries = registries(&peers.process);
    let Some(addr) = advertise::address(&peers.process, &record.addr, &registries).await else {
        return Vec::new();
    };
    let now = Record {
        state,
        addr,
        ..record.clone()
    };
    let now = Heartbeat::bounded(now, peers.report.borrow().clone());
    let beats = registries
        .iter()
        .map(|address| timeout(patience, beat(peers, address, &now)));
    let answers = join_all(beats).await;
    answers
        .into_iter()
        .filter_map(Result::ok)
        .flatten()
        .collect()
}

async fn beat(peers: &Peers, address: &str, now: &Heartbeat) -> Option<Beat> {
    let path = format!("/internal/instances/{}", now.record.instance);
    let answer = peers
        .client
        .call_registry(address, Method::PUT, &path, Some(now))
        .await;
    answer
        .inspect(|beat: &Beat| {
            if let Some(now) = beat.now {
                peers.registry_time.tell(now);
            }
        })
        .map(|beat| Beat {
            // One of before 0.6.0 that has just started says that all know, when none of them is back yet.
            acknowledged: beat.acknowledged && peers.view.is_warm(address, &beat.epoch),
            ..beat
        })
        .inspect_err(|error| tracing::debug!(%error, address, "a registry does not answer"))
        .ok()
}

/// A tenth more or less, so that a fleet that was started together does not beat together.
fn jittered(period: Duration) -> Duration {
    let chance = RandomState::new().hash_one(()) % 200;
    period.mul_f64(0.9 + f64::from(u8::try_from(chance).unwrap_or(0)) / 1000.0)
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
    use slipway_contract::record::Snapshot;
    use slipway_runtime::Process;
    use slipway_runtime::data::DataDir;
    use slipway_runtime::http::serve::{Transport, serve};
    use slipway_runtime::settings::{Common, Http, Registry};

    use crate::identity::Identity;

    /// A registry at `listener` whose answers to heartbeats are all the same; what is returned hears of each.
    fn registry(
        listener: TcpListener,
        data: &DataDir,
        acknowledged: bool,
    ) -> mpsc::UnboundedReceiver<()> {
        let (heard, beats) = mpsc::unbounded_channel();
        let answer = put(move || async move {
            let _ = heard.send(());
            Json(Beat {
                epoch: "e".to_owned(),
                revision: 1,
                acknowledged,
                now: None,
            })
        });
        let router = Router::new().route("/internal/instances/{instance}", answer);
        let router = TowerToHyperService::new(router);
        let identity = Identity::open("registry", data).expect("an identity");
        let transport = Transport::Proven(identity.proof());
        tokio::spawn(async move {
            let stop = CancellationToken::new();
            serve(listener, transport, router, &Http::default(), stop).await;
        });
        beats
    }

    fn url(listener: &TcpListener) -> String {
        format!("http://{}", listener.local_addr().expect("an address"))
    }

    fn upload(data: DataDir, registry: Registry) -> (Process, Record) {
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
            name: String::new(),
        };
        (process, record)
    }

    #[tokio::test]
    async fn a_registry_that_hangs_does_not_cost_the_lease_at_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        slipway_init::prepare(&data).expect("a data folder");
        let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let healthy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let settings = Registry {
            urls: vec![url(&hanging), url(&healthy)],
            heartbeat_seconds: 1,
            ..Registry::default()
        };
        let mut beats = registry(healthy, &data, false);
        let (process, record) = upload(data, settings);
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

    #[tokio::test]
    async fn a_registry_that_has_just_started_does_not_say_that_all_know_who_leaves() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        slipway_init::prepare(&data).expect("a data folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let settings = Registry {
            urls: vec![url(&listener)],
            leave_seconds: 2,
            ..Registry::default()
        };
        let _beats = registry(listener, &data, true);
        let (process, record) = upload(data, settings);
        let peers = Peers::open(&process).expect("an identity");
        let address = registries(&process).remove(0);
        let said = |epoch: &str, warming| Snapshot {
            epoch: epoch.to_owned(),
            revision: 1,
            warming,
            instances: Vec::new(),
        };
        let whole = Duration::from_secs(2);
        // The one before it at its address, and itself too early.
        for (epoch, warming) in [("before", false), ("e", true)] {
            peers.view.apply(&address, Some(said(epoch, warming)));
            let begun = Instant::now();
            drain(&peers, &record).await;
            assert!(begun.elapsed() >= whole, "{epoch} {warming}");
        }
        peers.view.apply(&address, Some(said("e", false)));
        let drained = timeout(whole, drain(&peers, &record)).await;
        drained.expect("it is believed now");
    }
}
