//! What stands in front of the gateway: proxies, and browsers with pages of other sites.

use serde_json::json;
use slipway_gateway::Settings;

use crate::harness::{Answer, Wire, ask, field, gateway_with, listen, request};

const OK: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Slipway-Token: the-token\r\nVary: accept\r\n\r\nok";

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
