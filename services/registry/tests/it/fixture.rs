//! A registry on a port of its own, and instances that answer on theirs.

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde_json::Value;
use slipway_contract::record::{Beat, Record, Snapshot, State};
use slipway_peers::Assembled;
use slipway_peers::discovery::view::View;
use slipway_registry::{LeaseSettings, Settings};
use slipway_runtime::Health;
use slipway_testkit::TestProcess;
use slipway_testkit::database::Engine;
use slipway_testkit::start::{Running, start};

pub(crate) struct Fixture {
    pub(crate) registry: Running,
    platform: TestProcess,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(LeaseSettings::default()).await
    }

    pub(crate) async fn with(lease: LeaseSettings) -> Self {
        let platform = slipway_testkit::process("registry", Engine::Sqlite).await;
        let building = async |peers| {
            slipway_registry::build(
                peers,
                Settings {
                    lease: lease.clone(),
                },
            )
            .await
        };
        let process = platform.process.clone();
        let registry = start(process, View::fixed(Vec::new()), building).await;
        Self { registry, platform }
    }

    /// An instance of `service` that answers at its address, as a service without routes does.
    pub(crate) async fn instance(&self, service: &'static str) -> Running {
        let building = async |peers: slipway_peers::Peers| {
            Ok(Assembled::new(&peers.process, Ready, None, Router::new()))
        };
        let process = self.platform.beside(service);
        start(process, View::fixed(Vec::new()), building).await
    }

    pub(crate) async fn ask(&self, caller: &str, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let answer = self.registry.ask(caller, request).await;
        Answer {
            status: answer.status().as_u16(),
            body: serde_json::from_slice(answer.body()).expect("a document"),
        }
    }

    /// A heartbeat of `record`, by a caller with the certificate of `caller`.
    pub(crate) async fn beat(&self, caller: &str, record: &Record) -> Answer {
        let path = format!("/internal/instances/{}", record.instance);
        let record = serde_json::to_string(record).expect("a record");
        self.ask(caller, Method::PUT, &path, &record).await
    }

    pub(crate) async fn leave(&self, caller: &str, instance: &str) -> Answer {
        let path = format!("/internal/instances/{instance}");
        self.ask(caller, Method::DELETE, &path, "").await
    }

    /// What a watcher with the certificate of `caller` is told of others; `more` is the rest of the query. The registry is
    /// always among it, without a lease: so the gateway finds it.
    pub(crate) async fn watch(&self, caller: &str, watcher: &str, more: &str) -> Snapshot {
        let path = format!("/internal/instances?watcher={watcher}{more}");
        let answer = self.ask(caller, Method::GET, &path, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut told: Snapshot = serde_json::from_value(answer.body).expect("the full set");
        let own = told
            .instances
            .extract_if(.., |record| record.service == "registry");
        assert_eq!(own.count(), 1, "the registry itself");
        told
    }

    /// The leases that there are.
    pub(crate) async fn leases(&self) -> Vec<Record> {
        let watcher = "00000000-0000-7000-8000-000000000009";
        self.watch("signing", watcher, "").await.instances
    }
}

impl Answer {
    pub(crate) fn beat(self) -> Beat {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_value(self.body).expect("the answer to a heartbeat")
    }

    /// The status and the code of a refusal.
    pub(crate) fn verdict(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// The query of a watcher that has applied `snapshot`.
pub(crate) fn applied(snapshot: &Snapshot, wait: u64) -> String {
    let Snapshot {
        epoch, revision, ..
    } = snapshot;
    format!("&epoch={epoch}&revision={revision}&wait={wait}")
}

pub(crate) fn in_state(record: &Record, state: State) -> Record {
    Record {
        state,
        ..record.clone()
    }
}

#[derive(Clone)]
struct Ready;

impl Health for Ready {
    async fn ready(&self) -> anyhow::Result<()> {
        Ok(())
    }
}
