//! What stands in front of the gateway: proxies, and browsers with pages of other sites.

use serde_json::json;
use slipway_gateway::Settings;

use crate::harness::{Answer, Wire, ask, field, gateway, gateway_with, listen, nobody, request};

const OK: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Slipway-Token: the-token\r\nVary: accept\r\n\r\nok";
const CONSOLE: &str = "https://console.example.org";

fn settings(document: serde_json::Value) -> Settings {
    serde_json::from_value(document).expect("settings")
}

/// Sends one request through a gateway; returns the head that the service saw, and the answer.
async fn through(settings: Settings, service: &str, request: String) -> (String, Answer) {
    let (listener, address) = listen().await;
    let gateway = gateway_with(&[(service, "it", address)], settings).await;
    let seeing = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        let head = wire.head().await;
        wire.send(OK).await;
        head
    });
    let answer = ask(gateway.address, request).await;
    (seeing.await.expect("a head"), answer)
}

#[tokio::test]
async fn a_service_learns_the_client_from_a_trusted_proxy_and_from_nobody_else() {
    let claims = "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\nX-Slipway-Client: 6.6.6.6\r\n";
    let trusting = json!({"trusted_proxies": ["127.0.0.0/8"]});
    let others = json!({"trusted_proxies": ["10.0.0.0/8"]});
    for (document, client) in [
        (trusting, "203.0.113.7"),
        (others, "127.0.0.1"),
        (json!({}), "127.0.0.1"),
    ] {
        let asked = request("GET /a/notes", claims);
        let (head, answer) = through(settings(document), "download", asked).await;
        assert_eq!(field(&head, "x-slipway-client"), Some(client));
        assert_eq!(field(&head, "x-forwarded-for"), Some(client));
        assert_eq!(answer.field("x-slipway-token"), None, "it is for the log");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_is_answered_by_the_way_before_any_service_is_asked() {
    let gateway = gateway(&[("upload", "gone", nobody().await)]).await;
    let put = "PUT /api/v1/apps/notes/packages/x.bin/?version=1.0";
    let answer = ask(
        gateway.address,
        request(put, "Content-Length: 5\r\n") + "hello",
    )
    .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (308, "trailing_slash")
    );
    let location = answer.field("location");
    assert_eq!(
        location,
        Some("/api/v1/apps/notes/packages/x.bin?version=1.0")
    );
    assert_eq!(
        answer.field("connection"),
        Some("close"),
        "the body was not read"
    );
    for (line, status) in [
        ("GET /internal/", 404),
        ("GET /a//", 400),
        ("TRACE /a/n/", 405),
    ] {
        let answer = ask(gateway.address, request(line, "")).await;
        assert_eq!(
            (answer.status, answer.field("location")),
            (status, None),
            "{line}"
        );
    }
}

#[tokio::test]
async fn every_page_reads_what_is_public_and_a_listed_one_the_rest() {
    let listing = || settings(json!({"cors": {"origins": [CONSOLE]}}));
    let from = |origin: &str| format!("Origin: {origin}\r\n");
    let packages = "GET /api/v1/apps/notes/packages/1";
    for (service, line, origin, allowed, vary) in [
        (
            "download",
            "GET /d/n/1/x.apk",
            "https://any.example",
            Some("*"),
            1,
        ),
        ("upload", packages, CONSOLE, Some(CONSOLE), 2),
        ("upload", packages, "https://any.example", None, 2),
    ] {
        let (_, answer) = through(listing(), service, request(line, &from(origin))).await;
        assert_eq!(
            answer.field("access-control-allow-origin"),
            allowed,
            "{line} {origin}"
        );
        assert_eq!(answer.field("access-control-allow-credentials"), None);
        let exposes = answer.field("access-control-expose-headers").is_some();
        assert_eq!(exposes, allowed.is_some());
        assert_eq!(
            answer.head.matches("\r\nvary: ").count(),
            vary,
            "{}",
            answer.head
        );
    }
    // A page reads why it was refused, also where nobody is there to ask.
    let nobody = gateway_with(&[], listing()).await;
    let refused = ask(nobody.address, request(packages, &from(CONSOLE))).await;
    assert_eq!(
        (refused.status, refused.field("access-control-allow-origin")),
        (503, Some(CONSOLE))
    );
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway_and_one_of_a_stranger_is_not() {
    let asked = |origin: &str| {
        let fields = format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: authorization,upload-offset\r\n"
        );
        request("OPTIONS /api/v1/apps/notes/uploads/1", &fields)
    };
    let listing = settings(json!({"cors": {"origins": [CONSOLE]}}));
    let alone = gateway_with(&[], listing.clone()).await;
    let answer = ask(alone.address, asked(CONSOLE)).await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.field("access-control-allow-headers"),
        Some("authorization,upload-offset")
    );
    assert_eq!(answer.field("access-control-allow-origin"), Some(CONSOLE));
    let (_, answer) = through(listing, "upload", asked("https://any.example")).await;
    assert_eq!(answer.field("access-control-allow-origin"), None);
}
