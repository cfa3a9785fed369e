//! Calls between services, over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::post;
use axum::{Json, Router};
use http::Method;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use slipway_service::data::DataDir;
use slipway_service::discovery::record::Record;
use slipway_service::discovery::view::View;
use slipway_service::http::edge::edge;
use slipway_service::http::serve::serve;
use slipway_service::internal::client::CallError;
use slipway_service::settings::Common;
use slipway_service::{Health, Problem, Process};
use slipway_testkit::record;
use tempfile::TempDir;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Able;

impl Health for Able {
    async fn ready(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

struct Platform {
    data: DataDir,
    _folder: TempDir,
}

impl Platform {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        data.init().expect("a data folder");
        Self {
            data,
            _folder: folder,
        }
    }

    fn process(&self, service: &'static str, records: Vec<Record>) -> Process {
        let view = View::fixed(records);
        Process::open_with_view(service, self.data.clone(), Common::default(), view)
            .expect("a process")
    }

    /// An instance of `service` on a real socket that answers `POST /internal/keys` by `answer`.
    async fn serve(
        &self,
        service: &'static str,
        answer: Result<Value, Problem>,
    ) -> (Record, Arc<AtomicUsize>) {
        let process = self.process(service, Vec::new());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let routes = Router::new().route(
            "/internal/keys",
            post(move || async move {
                counted.fetch_add(1, Ordering::Relaxed);
                answer.map(Json)
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let record = record(
            service,
            &process.instance,
            &listener.local_addr().expect("an address").to_string(),
        );
        let router = edge(&process, Able, None, routes);
        tokio::spawn(async move {
            let settings = process.settings.http.clone();
            serve(
                listener,
                TowerToHyperService::new(router),
                &settings,
                process.shutdown,
            )
            .await;
        });
        (record, calls)
    }
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

async fn ask(process: &Process) -> Result<Value, CallError> {
    process
        .client
        .call("signing", Method::POST, "/internal/keys", Some(&json!({})))
        .await
}

#[tokio::test]
async fn a_call_goes_on_to_the_instance_that_answers() {
    let platform = Platform::new();
    let (alive, calls) = platform.serve("signing", Ok(json!({"made": true}))).await;
    let dead = record("signing", "dead", &nobody().await);
    let caller = platform.process("catalog", vec![dead.clone(), alive, dead]);
    for _ in 0..6 {
        assert_eq!(
            ask(&caller).await.expect("an answer"),
            json!({"made": true})
        );
    }
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_process_that_was_restarted_at_its_address_is_found_under_its_new_name() {
    let platform = Platform::new();
    let (mut known, _) = platform.serve("signing", Ok(json!(1))).await;
    known.instance = "the process before".to_owned();
    let caller = platform.process("catalog", vec![known]);
    assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
}

#[tokio::test]
async fn an_address_that_another_service_has_now_is_passed_over() {
    let platform = Platform::new();
    let (other, other_calls) = platform.serve("download", Ok(json!(0))).await;
    let (right, _) = platform.serve("signing", Ok(json!(1))).await;
    let reused = record("signing", "the process before", &other.addr);
    let caller = platform.process("catalog", vec![reused.clone(), right]);
    for _ in 0..4 {
        assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
    }
    assert_eq!(other_calls.load(Ordering::Relaxed), 0);
    let alone = platform.process("catalog", vec![reused]);
    assert!(matches!(
        ask(&alone).await,
        Err(CallError::Unavailable { .. })
    ));
}

#[tokio::test]
async fn a_refusal_is_final_and_a_failure_is_not() {
    let platform = Platform::new();
    let refusal = Problem::conflict("statement_differs", "other bytes");
    let (refusing, calls) = platform.serve("signing", Err(refusal)).await;
    let caller = platform.process("catalog", vec![refusing.clone(), refusing]);
    let error = ask(&caller).await.expect_err("a refusal");
    assert!(
        matches!(&error, CallError::Refused { code, detail, .. } if code == "statement_differs" && detail == "other bytes")
    );
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "a refusal is not asked for twice"
    );
    let (failing, _) = platform
        .serve("signing", Err(Problem::internal("broken")))
        .await;
    let caller = platform.process("catalog", vec![failing]);
    assert!(matches!(ask(&caller).await, Err(CallError::Failed { .. })));
}

#[tokio::test]
async fn a_caller_without_a_key_gets_nothing_and_may_ask_again_when_it_has_one() {
    let platform = Platform::new();
    let (signing, calls) = platform.serve("signing", Ok(json!(1))).await;
    let upload = platform.process("upload", vec![signing]);
    let error = ask(&upload).await.expect_err("a refusal");
    assert!(
        matches!(&error, CallError::Failed { status, .. } if status.as_u16() == 401),
        "{error}"
    );
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}
