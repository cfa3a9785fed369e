//! Calls between services, over real sockets.

use slipway_contract::Code;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use http::Method;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use slipway_contract::record::Record;
use slipway_peers::Peers;
use slipway_peers::client::CallError;
use slipway_peers::discovery::view::View;
use slipway_peers::guard::edge;
use slipway_runtime::data::DataDir;
use slipway_runtime::http::serve::{Transport, serve};
use slipway_runtime::settings::Common;
use slipway_runtime::{Problem, Process};
use slipway_testkit::record;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

struct Platform {
    data: DataDir,
    _folder: TempDir,
}

impl Platform {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        slipway_init::prepare(&data).expect("a data folder");
        Self {
            data,
            _folder: folder,
        }
    }

    fn peers(&self, service: &'static str, records: Vec<Record>) -> Peers {
        let view = View::fixed(records);
        let process = Process::open(service, self.data.clone(), Common::default());
        Peers::with_view(&process.expect("a process"), view).expect("peers")
    }

    /// An instance of `service` on a real socket that answers `POST /internal/keys` by `answer`.
    async fn serve(
        &self,
        service: &'static str,
        answer: Result<Value, Problem>,
    ) -> (Record, Arc<AtomicUsize>) {
        let peers = self.peers(service, Vec::new());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let routes = Router::new().route(
            "/internal/keys",
            post(move || async move {
                counted.fetch_add(1, Ordering::Relaxed);
                answer.map(Json)
            }),
        );
        (listen(&peers, routes).await, calls)
    }
}

/// Serves `routes` as `peers.process` on a real socket.
async fn listen(peers: &Peers, routes: Router) -> Record {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let process = peers.process.clone();
    let record = record(process.service, &process.instance, &address);
    let router = edge(&process, None, routes);
    let proof = peers.identity.proof();
    tokio::spawn(async move {
        serve(
            listener,
            Transport::Proven(proof),
            TowerToHyperService::new(router),
            &process.settings.http,
            process.shutdown,
        )
        .await;
    });
    record
}

/// An instance of signing to which every connection is cut once a request has come through.
async fn cut(platform: &Platform) -> Record {
    let come = Arc::new(Notify::new());
    let told = come.clone();
    let keys = post(move || {
        let told = told.clone();
        async move {
            told.notify_one();
            std::future::pending::<Json<Value>>().await
        }
    });
    let routes = Router::new().route("/internal/keys", keys);
    let mut record = listen(&platform.peers("signing", Vec::new()), routes).await;
    let before = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = before.local_addr().expect("an address").to_string();
    let behind = std::mem::replace(&mut record.addr, address);
    tokio::spawn(async move {
        loop {
            let (mut from, _) = before.accept().await.expect("a connection");
            let mut to = TcpStream::connect(&behind).await.expect("a connection");
            tokio::select! {
                _ = copy_bidirectional(&mut from, &mut to) => {}
                () = come.notified() => {}
            }
        }
    });
    record
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

async fn ask(peers: &Peers) -> Result<Value, CallError> {
    peers
        .client
        .call("signing", Method::POST, "/internal/keys", Some(&json!({})))
        .await
}

#[tokio::test]
async fn a_call_goes_on_to_the_instance_that_answers() {
    let platform = Platform::new();
    let (alive, calls) = platform.serve("signing", Ok(json!({"made": true}))).await;
    let dead = record("signing", "dead", &nobody().await);
    let caller = platform.peers("catalog", vec![dead.clone(), alive, dead]);
    for _ in 0..6 {
        assert_eq!(
            ask(&caller).await.expect("an answer"),
            json!({"made": true})
        );
    }
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_call_that_was_cut_is_made_once_more_at_another_instance() {
    let platform = Platform::new();
    let (alive, calls) = platform.serve("signing", Ok(json!(1))).await;
    let caller = platform.peers("catalog", vec![cut(&platform).await, alive]);
    for _ in 0..6 {
        assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

/// It is given up after four seconds; users wait for no more than two.
#[tokio::test]
async fn another_is_asked_beside_one_that_gives_no_sign_of_life() {
    let platform = Platform::new();
    let (alive, calls) = platform.serve("signing", Ok(json!(1))).await;
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = hanging.local_addr().expect("an address").to_string();
    let hanging_record = record("signing", "hanging", &address);
    let caller = platform.peers("catalog", vec![hanging_record, alive]);
    let begun = Instant::now();
    for _ in 0..6 {
        assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
    }
    // Of the later calls each goes to the one that answers.
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_process_that_was_restarted_at_its_address_is_found_under_its_new_name() {
    let platform = Platform::new();
    let (mut known, _) = platform.serve("signing", Ok(json!(1))).await;
    known.instance = "the process before".to_owned();
    let caller = platform.peers("catalog", vec![known]);
    assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
}

#[tokio::test]
async fn an_address_that_another_service_has_now_is_passed_over() {
    let platform = Platform::new();
    let (other, other_calls) = platform.serve("download", Ok(json!(0))).await;
    let (right, _) = platform.serve("signing", Ok(json!(1))).await;
    let reused = record("signing", "the process before", &other.addr);
    let caller = platform.peers("catalog", vec![reused.clone(), right]);
    for _ in 0..4 {
        assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
    }
    assert_eq!(other_calls.load(Ordering::Relaxed), 0);
    let alone = platform.peers("catalog", vec![reused]);
    assert!(matches!(
        ask(&alone).await,
        Err(CallError::Unavailable { .. })
    ));
}

/// Has no JSON.
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("this has no JSON"))
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent_as_nothing() {
    let platform = Platform::new();
    let (alive, calls) = platform.serve("signing", Ok(json!(1))).await;
    let caller = platform.peers("catalog", vec![alive]);
    let asked: Result<Value, _> = caller
        .client
        .call("signing", Method::POST, "/internal/keys", Some(&Unwritable))
        .await;
    assert!(
        matches!(asked, Err(CallError::Unwritten { .. })),
        "{asked:?}"
    );
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_not_final() {
    let platform = Platform::new();
    let peers = platform.peers("signing", Vec::new());
    for body in ["", "{}", "<html>"] {
        let refuse = post(move || async move { (http::StatusCode::CONFLICT, body) });
        let routes = Router::new().route("/internal/keys", refuse);
        let record = listen(&peers, routes).await;
        let caller = platform.peers("catalog", vec![record]);
        let asked = ask(&caller).await;
        assert!(
            matches!(asked, Err(CallError::Unreadable { .. })),
            "{body:?}: {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_by_a_code_of_a_later_version_is_not_final() {
    let platform = Platform::new();
    let peers = platform.peers("signing", Vec::new());
    // The second is of a machine between, or of nobody that we know.
    for code in ["of_a_later_version", ""] {
        let body = Json(json!({"code": code, "detail": ""}));
        let refuse = post(move || async move { (http::StatusCode::UNPROCESSABLE_ENTITY, body) });
        let routes = Router::new().route("/internal/keys", refuse);
        let record = listen(&peers, routes).await;
        let caller = platform.peers("catalog", vec![record]);
        let asked = ask(&caller).await;
        assert!(matches!(asked, Err(CallError::Failed { .. })), "{asked:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_a_failure_is_not() {
    let platform = Platform::new();
    let refusal = Problem::conflict(Code::StatementDiffers, "other bytes");
    let (refusing, calls) = platform.serve("signing", Err(refusal)).await;
    let caller = platform.peers("catalog", vec![refusing.clone(), refusing]);
    let error = ask(&caller).await.expect_err("a refusal");
    assert!(
        matches!(&error, CallError::Refused { code, detail, .. } if *code == Code::StatementDiffers && detail == "other bytes")
    );
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "a refusal is not asked for twice"
    );
    for unknown in [
        Problem::not_found(),
        Problem::bad_request(Code::ParameterUnknown, "an older callee"),
        Problem::bad_request(Code::JsonInvalid, "unknown variant `delta`"),
        Problem::bad_request(Code::QueryInvalid, "another type"),
        Problem::new(
            http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::JsonExpected,
            "",
        ),
        Problem::new(
            http::StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            "",
        ),
    ] {
        let (older, _) = platform.serve("signing", Err(unknown)).await;
        let caller = platform.peers("catalog", vec![older]);
        let asked = ask(&caller).await;
        assert!(matches!(asked, Err(CallError::Failed { .. })), "{asked:?}");
    }
    let missing = Problem::new(http::StatusCode::NOT_FOUND, Code::PackageUnknown, "none");
    let (refusing, _) = platform.serve("signing", Err(missing)).await;
    let caller = platform.peers("catalog", vec![refusing]);
    assert!(matches!(ask(&caller).await, Err(CallError::Refused { .. })));
    let (failing, _) = platform
        .serve("signing", Err(Problem::internal("broken")))
        .await;
    let caller = platform.peers("catalog", vec![failing]);
    assert!(matches!(ask(&caller).await, Err(CallError::Failed { .. })));
}

#[tokio::test]
async fn a_caller_that_may_not_ask_gets_nothing_and_may_ask_again() {
    let platform = Platform::new();
    let (signing, calls) = platform.serve("signing", Ok(json!(1))).await;
    let upload = platform.peers("upload", vec![signing]);
    let error = ask(&upload).await.expect_err("a refusal");
    assert!(
        matches!(&error, CallError::Failed { status, .. } if status.as_u16() == 403),
        "{error}"
    );
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn another_platform_is_nobody_whatever_it_says_it_is() {
    let (ours, theirs) = (Platform::new(), Platform::new());
    let (foreign, calls) = theirs.serve("signing", Ok(json!("forged"))).await;
    let (right, _) = ours.serve("signing", Ok(json!(1))).await;
    let caller = ours.peers("catalog", vec![foreign.clone(), right]);
    for _ in 0..4 {
        assert_eq!(ask(&caller).await.expect("an answer"), json!(1));
    }
    let alone = ours.peers("catalog", vec![foreign]);
    let error = ask(&alone).await.expect_err("nobody");
    assert!(matches!(error, CallError::Unavailable { .. }), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

/// The bytes that somebody who answers 200 to everything is sent before any proof.
#[tokio::test]
async fn nothing_is_sent_to_a_stranger_who_answers_everything() {
    let platform = Platform::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (heard, mut hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 4096];
            let count = stream.read(&mut bytes).await.unwrap_or(0);
            bytes.truncate(count);
            let _ = heard.send(bytes);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1";
            let _ = stream.write_all(answer).await;
        }
    });
    let stranger = record("signing", "the process before", &address);
    let caller = platform.peers("catalog", vec![stranger]);
    let secret = json!({"secret": "the admin's token"});
    let asked: Result<Value, CallError> = caller
        .client
        .call("signing", Method::POST, "/internal/keys", Some(&secret))
        .await;
    assert!(matches!(asked, Err(CallError::Unavailable { .. })));
    let heard = hears.recv().await.expect("it was connected to");
    assert_eq!(heard[..2], [22, 3], "the beginning of a TLS handshake");
    let text = String::from_utf8_lossy(&heard);
    assert!(!text.contains("secret") && !text.contains("/internal"));
}
