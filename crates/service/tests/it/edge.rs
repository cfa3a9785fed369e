//! What every router has around it.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use slipway_service::http::edge::edge;
use slipway_service::internal::key::{Key, Signed};
use slipway_service::metrics::Reading;
use slipway_service::{Health, Problem, Process, clock};
use slipway_testkit::call::{call, call_for_bytes, send, signed};
use slipway_testkit::database::Engine;
use slipway_testkit::{TestProcess, process};

#[derive(Clone)]
struct Able(bool);

impl Health for Able {
    async fn ready(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.0, "the database does not answer");
        Ok(())
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let (name, help, value) = ("outbox_rows", "Rows", 7);
        Ok(vec![Reading { name, help, value }])
    }
}

async fn service() -> (TestProcess, Router) {
    let test = process("signing", Engine::Sqlite).await;
    let router = around(&test.process, Able(true));
    (test, router)
}

fn around(process: &Process, health: Able) -> Router {
    let failing = || async {
        let cause = anyhow::anyhow!("the password is hunter2").context("could not log in");
        Err::<(), _>(Problem::from(cause))
    };
    let routes = Router::new()
        .route("/thing/{id}", get(|| async { "a thing" }))
        .route("/fails", get(failing))
        .route("/panics", get(panics))
        .route("/internal/keys", axum::routing::post(|| async { "a key" }));
    edge(process, health, None, routes)
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
        let mut request = request(path);
        request.headers_mut().insert(
            "x-slipway-instance",
            http::HeaderValue::from_static("another"),
        );
        let answer = send(&router, request).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert_eq!(answer.headers()["x-slipway-service"], "signing");
        assert_eq!(
            answer.headers()["x-slipway-instance"],
            *test.process.instance
        );
    }
}

fn post_key() -> Request<Body> {
    Request::post("/internal/keys")
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn internal_requests_pass_with_the_right_signature_of_the_right_caller_alone() {
    let (test, router) = service().await;
    let (status, _) = call(&router, signed(&test.process, "catalog", post_key())).await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = call(&router, post_key()).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (401, Some("signature_invalid"))
    );
    for caller in [
        "upload", "download", "gateway", "registry", "signing", "nobody",
    ] {
        let (status, body) = call(&router, signed(&test.process, caller, post_key())).await;
        assert_eq!(
            (status.as_u16(), body["code"].as_str()),
            (403, Some("caller_not_permitted")),
            "{caller}"
        );
    }
    let mut moved = signed(&test.process, "catalog", post_key());
    *moved.uri_mut() = "/internal/keys?more".parse().expect("a path");
    assert_eq!(call(&router, moved).await.0, StatusCode::UNAUTHORIZED);
    let mut claimed = signed(&test.process, "upload", post_key());
    claimed.headers_mut().insert(
        "x-slipway-caller",
        http::HeaderValue::from_static("catalog"),
    );
    assert_eq!(call(&router, claimed).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_foreign_key_and_an_old_request_open_nothing() {
    let (test, router) = service().await;
    let sign = |key: &Key, time: i64| {
        let signature = key.derive("catalog").sign(Signed {
            caller: "catalog",
            callee: "signing",
            instance: &test.process.instance,
            method: &http::Method::POST,
            path: "/internal/keys",
            time,
        });
        let mut request = post_key();
        for (name, value) in [
            ("x-slipway-caller", "catalog".to_owned()),
            ("x-slipway-instance", test.process.instance.to_string()),
            ("x-slipway-time", time.to_string()),
            ("x-slipway-signature", signature),
        ] {
            request
                .headers_mut()
                .insert(name, value.parse().expect("a header"));
        }
        request
    };
    let now = clock::unix_millis() / 1000;
    let foreign = Key::random().expect("a key");
    assert_eq!(
        call(&router, sign(&foreign, now)).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        call(&router, sign(&test.process.key, now - 290)).await.0,
        StatusCode::OK
    );
    let old = send(&router, sign(&test.process.key, now - 310)).await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    let ours: i64 = old.headers()["x-slipway-time"]
        .to_str()
        .expect("text")
        .parse()
        .expect("a time");
    assert!((ours - now).abs() < 60);
}

#[tokio::test]
async fn readiness_is_about_the_own_work_and_ends_with_the_drain() {
    let (test, router) = service().await;
    assert_eq!(call(&router, request("/readyz")).await.0, StatusCode::OK);
    let broken = around(&test.process, Able(false));
    let (status, body) = call(&broken, request("/readyz")).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (503, Some("not_ready"))
    );
    assert_eq!(call(&broken, request("/healthz")).await.0, StatusCode::OK);
    test.process.draining.cancel();
    let (status, body) = call(&router, request("/readyz")).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (503, Some("draining"))
    );
}

#[tokio::test]
async fn metrics_count_routes_and_read_the_service() {
    let (_test, router) = service().await;
    for id in 0..3 {
        call(&router, request(&format!("/thing/{id}"))).await;
    }
    let (_, bytes) = call_for_bytes(&router, request("/metrics")).await;
    let text = String::from_utf8(bytes).expect("text");
    let counted = r#"slipway_http_requests_total{method="GET",route="/thing/{id}",status="200"} 3"#;
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("slipway_outbox_rows 7"), "{text}");
}
