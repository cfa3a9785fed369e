//! What every router has around it.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use slipway_peers::guard::edge;
use slipway_peers::joined::joined;
use slipway_runtime::http::operators::router as admin;
use slipway_runtime::metrics::Reading;
use slipway_runtime::{Health, Problem, Process};
use slipway_testkit::call::invented::{call, call_for_bytes, send};
use slipway_testkit::call::{called_by, through_the_gateway};
use slipway_testkit::database::Engine;
use slipway_testkit::{TestProcess, process};

/// Why a service that is not able says it is not.
const BROKEN: &str = "the database db.example.org does not answer";

#[derive(Clone)]
struct Able(bool);

impl Health for Able {
    async fn ready(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.0, BROKEN);
        Ok(())
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let (name, help, value) = ("outbox_rows", "Rows", 7);
        Ok(vec![Reading { name, help, value }])
    }
}

async fn service() -> (TestProcess, Router) {
    let test = process("signing", Engine::Sqlite).await;
    let router = around(&test.process);
    (test, router)
}

/// What operators ask.
fn operators(process: &Process, able: bool) -> Router {
    admin(process, Able(able))
}

fn around(process: &Process) -> Router {
    let failing = || async {
        let cause = anyhow::anyhow!("the password is hunter2").context("could not log in");
        Err::<(), _>(Problem::from(cause))
    };
    let routes = Router::new()
        .route("/thing/{id}", get(|| async { "a thing" }))
        .route("/fails", get(failing))
        .route("/panics", get(panics))
        .route("/internal/keys", axum::routing::post(|| async { "a key" }));
    through_the_gateway(process, edge(process, None, routes))
}

async fn panics() -> &'static str {
    panic!("the secret is hunter2")
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn every_failure_has_the_same_body_and_no_cause() {
    let (_test, router) = service().await;
    for path in ["/fails", "/panics"] {
        let (status, bytes) = call_for_bytes(&router, request(path)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        let text = String::from_utf8(bytes).expect("text");
        assert!(
            !text.contains("hunter2") && !text.contains("log in"),
            "{text}"
        );
        assert!(text.contains(r#""code":"internal""#), "{text}");
    }
    let (status, body) = call(&router, request("/nothing")).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (404, Some("not_found"))
    );
    let wrong = Request::delete("/thing/1")
        .body(Body::empty())
        .expect("a request");
    let answer = send(&router, wrong).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.headers().contains_key("allow"));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_wrong_method_and_a_wrong_address_are_told_what_there_is() {
    let (_test, router) = service().await;
    let wrong = Request::delete("/thing/1").body(Body::empty());
    let (_, body) = call(&router, wrong.expect("a request")).await;
    let words = "this address does not know DELETE: use one of GET, HEAD";
    assert_eq!(body["detail"], words);
    let (_, body) = call(&router, request("/api/v1/thing")).await;
    let detail = body["detail"].as_str().expect("words");
    assert!(detail.contains("GET /api/v1/openapi.json"), "{detail}");
}

#[tokio::test]
async fn a_request_id_is_repeated_only_when_it_is_a_uuid() {
    let (_test, router) = service().await;
    let id = "01a20e2a-1412-7464-8097-885b1dce43f2";
    for (given, repeated) in [(id, true), ("forged\u{1b}[31m", false), ("1", false)] {
        let mut request = request("/nothing");
        let value = http::HeaderValue::from_bytes(given.as_bytes());
        request.headers_mut().insert(
            "x-request-id",
            value.unwrap_or(http::HeaderValue::from_static("?")),
        );
        let answer = send(&router, request).await;
        assert_eq!(
            answer.headers()["x-request-id"] == given,
            repeated,
            "{given}"
        );
    }
    let (_, body) = call(&router, request("/nothing")).await;
    assert!(body["request_id"].as_str().is_some_and(|id| id.len() == 36));
}

#[tokio::test]
async fn a_request_for_another_instance_is_sent_back_with_our_name() {
    let (test, router) = service().await;
    for path in ["/thing/1", "/internal/keys", "/nothing"] {
        for meant_for in [Some("another"), Some("*"), Some(""), None] {
            let mut request = called_by(&test.process, "gateway", request(path));
            request.headers_mut().remove("x-slipway-instance");
            if let Some(instance) = meant_for {
                let instance = http::HeaderValue::from_static(instance);
                request.headers_mut().insert("x-slipway-instance", instance);
            }
            let answer = send(&router, request).await;
            assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
            assert_eq!(
                answer.headers()["x-slipway-instance"],
                *test.process.instance
            );
        }
    }
}

#[tokio::test]
async fn a_request_of_another_run_is_sent_back_without_our_name() {
    let (mut test, _) = service().await;
    test.process.run = Some("this run".into());
    let router = around(&test.process);
    let of_run = |run: Option<&'static str>| {
        let mut request = called_by(&test.process, "gateway", request("/thing/1"));
        if let Some(run) = run {
            let run = http::HeaderValue::from_static(run);
            request.headers_mut().insert("x-slipway-run", run);
        }
        request
    };
    for run in [None, Some("another run"), Some("")] {
        let answer = send(&router, of_run(run)).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{run:?}");
        assert!(!answer.headers().contains_key("x-slipway-instance"));
    }
    let answer = send(&router, of_run(Some("this run"))).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

fn post_key() -> Request<Body> {
    Request::post("/internal/keys")
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn internal_requests_pass_from_the_right_caller_alone() {
    let (test, router) = service().await;
    let (status, _) = call(&router, called_by(&test.process, "catalog", post_key())).await;
    assert_eq!(status, StatusCode::OK);
    for caller in [
        "upload", "download", "gateway", "registry", "signing", "nobody",
    ] {
        let mut request = called_by(&test.process, caller, post_key());
        // What a caller says of itself is not looked at.
        let claimed = http::HeaderValue::from_static("catalog");
        request.headers_mut().insert("x-slipway-caller", claimed);
        let (status, body) = call(&router, request).await;
        assert_eq!(
            (status.as_u16(), body["code"].as_str()),
            (403, Some("caller_not_permitted")),
            "{caller}"
        );
    }
}

#[tokio::test]
async fn nothing_is_answered_to_somebody_who_has_not_proven_who_it_is() {
    let test = process("signing", Engine::Sqlite).await;
    let routes = Router::new().route("/thing", get(|| async { "a thing" }));
    let router = edge(&test.process, None, routes);
    for path in ["/thing", "/internal/keys", "/nothing", "/metrics"] {
        let mut request = called_by(&test.process, "gateway", request(path));
        request.extensions_mut().clear();
        let (status, body) = call(&router, request).await;
        assert_eq!(
            (status.as_u16(), body["code"].as_str()),
            (401, Some("caller_unproven")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_registry_alone_is_told_which_instance_this_is() {
    let (test, router) = service().await;
    let ask = || request("/internal/instance");
    let (status, body) = call(&router, called_by(&test.process, "registry", ask())).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["instance"], *test.process.instance);
    for caller in ["catalog", "gateway"] {
        let (status, _) = call(&router, called_by(&test.process, caller, ask())).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{caller}");
    }
}

#[tokio::test]
async fn readiness_is_about_the_own_work_and_ends_with_the_drain() {
    let (test, _) = service().await;
    let able = operators(&test.process, true);
    assert_eq!(call(&able, request("/readyz")).await.0, StatusCode::OK);
    let broken = operators(&test.process, false);
    let (status, body) = call(&broken, request("/readyz")).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (503, Some("not_ready"))
    );
    let detail = body["detail"].as_str().expect("words");
    assert!(
        !detail.contains(BROKEN),
        "the cause is for the log: {detail}"
    );
    assert_eq!(call(&broken, request("/healthz")).await.0, StatusCode::OK);
    test.process.draining.cancel();
    let (status, body) = call(&able, request("/readyz")).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (503, Some("draining"))
    );
}

#[tokio::test]
async fn readiness_says_which_task_is_gone() {
    let (test, _) = service().await;
    let operators = operators(&test.process, true);
    let (begun, mut beginnings) = tokio::sync::mpsc::unbounded_channel();
    test.process.spawn("signing of pigs", move || {
        begun.send(()).expect("somebody listens");
        async { panic!("they fly") }
    });
    // The fourth beginning is after the third panic.
    for _ in 0..4 {
        beginnings.recv().await.expect("a beginning");
    }
    let (status, body) = call(&operators, request("/readyz")).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (503, Some("task_gone"))
    );
    let detail = body["detail"].as_str().expect("words");
    assert!(detail.contains("signing of pigs"), "{detail}");
    assert_eq!(
        call(&operators, request("/healthz")).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn operators_get_three_documents_and_nobody_else_gets_them() {
    let (test, router) = service().await;
    let able = operators(&test.process, true);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(call(&able, request(path)).await.0, StatusCode::OK, "{path}");
        let (status, _) = call(&router, request(path)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} of the service");
    }
    for path in ["/thing/1", "/internal/keys", "/internal/instance", "/"] {
        let (status, _) = call(&able, request(path)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} of operators");
    }
}

#[tokio::test]
async fn metrics_count_routes_and_read_the_service() {
    let (test, router) = service().await;
    for id in 0..3 {
        call(&router, request(&format!("/thing/{id}"))).await;
    }
    let able = admin(&test.process, joined(Able(true), &test.peers));
    let (_, bytes) = call_for_bytes(&able, request("/metrics")).await;
    let text = String::from_utf8(bytes).expect("text");
    let counted = r#"slipway_http_requests_total{method="GET",route="/thing/{id}",status="200"} 3"#;
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("slipway_outbox_rows 7"), "{text}");
    for name in [
        "slipway_certificate_end_seconds",
        "slipway_disk_size_bytes",
        "slipway_disk_free_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        let value = text.lines().find_map(|line| {
            let (found, value) = line.split_once(' ')?;
            (found == name).then(|| value.parse::<i64>().ok())?
        });
        assert!(value.is_some_and(|value| value > 0), "{name}: {text}");
    }
}
