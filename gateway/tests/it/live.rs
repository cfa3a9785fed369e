//! Settings that change while the gateway runs, and routes to services of an operator's own.

use serde_json::json;
use slipway_gateway::Settings;

use crate::harness::{Wire, ask, field, gateway_with, listen, request};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const TOKEN: &str = "Authorization: Bearer slw_secret\r\nCookie: slipway=x; theme=dark\r\n";

fn settings(document: serde_json::Value) -> Settings {
    serde_json::from_value(document).expect("settings")
}

#[tokio::test]
async fn a_route_is_there_with_the_next_request_and_gets_no_token() {
    let (listener, scanner) = listen().await;
    let gateway = gateway_with(&[("scanner", "it", scanner)], Settings::default()).await;
    let asked = request("GET /scans/1", TOKEN);
    assert_eq!(ask(gateway.address, &asked).await.status, 404);
    let routes = json!({"routes": [{"path": "/scans/**", "service": "scanner"}]});
    gateway.health.reload(&settings(routes)).expect("a route");
    let asking = tokio::spawn(ask(gateway.address, asked.clone()));
    let mut wire = Wire::accept(&listener).await;
    let head = wire.head().await;
    wire.send(OK).await;
    assert_eq!(asking.await.unwrap().status, 200);
    assert!(
        !head.contains("slw_secret") && !head.contains("slipway=x"),
        "{head}"
    );
    assert_eq!(field(&head, "cookie"), Some("theme=dark"));
    // The platform's own are there, and the gateway is as ready as it was.
    let platform = ask(gateway.address, request("GET /a/notes", "")).await;
    assert_eq!(
        (platform.status, platform.code().as_str()),
        (503, "download_unavailable")
    );
    gateway
        .health
        .reload(&Settings::default())
        .expect("no routes");
    assert_eq!(ask(gateway.address, &asked).await.status, 404);
}

#[tokio::test]
async fn a_token_goes_to_whom_the_machine_trusts() {
    let trusting =
        json!({"routes": [{"path": "/scans/**", "service": "scanner", "authorization": true}]});
    let (listener, scanner) = listen().await;
    let gateway = gateway_with(&[("scanner", "it", scanner)], settings(trusting)).await;
    let asking = tokio::spawn(ask(gateway.address, request("GET /scans/1", TOKEN)));
    let mut wire = Wire::accept(&listener).await;
    let head = wire.head().await;
    wire.send(OK).await;
    assert_eq!(asking.await.unwrap().status, 200);
    assert_eq!(field(&head, "authorization"), Some("bearer slw_secret"));
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let gateway = gateway_with(&[], Settings::default()).await;
    for (route, key) in [
        (
            json!({"path": "/d/**", "service": "scanner"}),
            "routes.0.path",
        ),
        (
            json!({"path": "/scans/**", "service": "catalog"}),
            "routes.0.service",
        ),
        (
            json!({"path": "/scans/**", "service": "scanner", "authorization": true}),
            "routes.0.authorization",
        ),
    ] {
        let document =
            json!({"routes": [route], "cors": {"origins": ["https://console.example.org"]}});
        let refused = gateway.health.reload(&settings(document)).expect_err(key);
        assert_eq!(refused.key.as_deref(), Some(key));
    }
    let fields = "Origin: https://console.example.org\r\n";
    let answer = ask(gateway.address, request("GET /api/v1/apps", fields)).await;
    assert_eq!(
        (answer.status, answer.field("access-control-allow-origin")),
        (503, None)
    );
}

#[tokio::test]
async fn a_request_sees_one_state_of_the_settings_from_its_beginning_to_its_end() {
    let (listener, catalog) = listen().await;
    let gateway = gateway_with(&[("catalog", "c", catalog)], Settings::default()).await;
    let origins = json!({"cors": {"origins": ["https://console.example.org"]}});
    let asked = request(
        "GET /api/v1/apps",
        "Origin: https://console.example.org\r\n",
    );
    let asking = tokio::spawn(ask(gateway.address, asked.clone()));
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    gateway
        .health
        .reload(&settings(origins))
        .expect("an origin");
    wire.send(OK).await;
    let before = asking.await.unwrap();
    assert_eq!(before.field("access-control-allow-origin"), None);
    let asking = tokio::spawn(ask(gateway.address, asked));
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send(OK).await;
    let after = asking.await.unwrap();
    assert_eq!(
        after.field("access-control-allow-origin"),
        Some("https://console.example.org")
    );
}

#[tokio::test]
async fn more_than_a_service_may_be_asked_is_refused_at_once() {
    let (listener, catalog) = listen().await;
    let one = settings(json!({"upstream": {"max_requests": 1}}));
    let gateway = gateway_with(&[("catalog", "c", catalog)], one).await;
    let asking = tokio::spawn(ask(gateway.address, request("GET /api/v1/apps", "")));
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    let answer = ask(gateway.address, request("GET /api/v1/apps", "")).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
    assert_eq!(answer.field("retry-after"), Some("1"));
    wire.send(OK).await;
    assert_eq!(asking.await.unwrap().status, 200);
}
