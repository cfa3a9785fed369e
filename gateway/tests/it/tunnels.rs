//! Streams of events and tunnels of an operator's own services.

use std::time::Duration;

use serde_json::json;
use slipway_gateway::Settings;

use crate::harness::{Running, Wire, field, gateway_with, listen, request};

const ASK: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Slipway-Instance: it\r\n\r\n";

fn settings(idle_seconds: u64) -> Settings {
    let routes = json!([{"path": "/live/**", "service": "scanner"}, {"path": "/a/**", "service": "download"}]);
    let document = json!({"routes": routes, "tunnel": {"idle_seconds": idle_seconds}});
    serde_json::from_value(document).expect("settings")
}

async fn service(name: &str, settings: Settings) -> (tokio::net::TcpListener, Running) {
    let (listener, address) = listen().await;
    let gateway = gateway_with(&[(name, "it", address)], settings).await;
    (listener, gateway)
}

#[tokio::test]
async fn each_event_is_there_before_the_next_is_sent() {
    let (listener, gateway) = service("scanner", settings(300)).await;
    let mut client = Wire::connect(gateway.address).await;
    client
        .send(request("GET /live/events", "Accept: text/event-stream\r\n"))
        .await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await;
    let head = client.head().await;
    assert_eq!(field(&head, "content-type"), Some("text/event-stream"));
    for number in 0..5 {
        let chunk = format!("9\r\ndata: {number}\n\n\r\n");
        wire.send(&chunk).await;
        assert_eq!(client.exactly(chunk.len()).await, chunk.as_bytes());
    }
}

#[tokio::test]
async fn a_stream_of_events_may_be_silent_for_longer_than_another_answer() {
    let mut settings = settings(3);
    settings.answer.idle_seconds = 1;
    let (listener, gateway) = service("scanner", settings).await;
    for (kind, is_cut) in [("text/event-stream", false), ("text/plain", true)] {
        let mut client = Wire::connect(gateway.address).await;
        client.send(request("GET /live/events", "")).await;
        let mut wire = Wire::accept(&listener).await;
        wire.head().await;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 2\r\n\r\n");
        wire.send(head).await;
        client.head().await;
        // Longer than the one, shorter than the other; the time is what is promised.
        tokio::time::sleep(Duration::from_secs(2)).await;
        if is_cut {
            assert!(client.rest().await.is_empty(), "{kind}");
        } else {
            wire.send("ok").await;
            assert_eq!(client.exactly(2).await, b"ok", "{kind}");
        }
    }
}

#[tokio::test]
async fn a_web_socket_carries_bytes_both_ways_and_ends_with_its_ends() {
    let (listener, gateway) = service("scanner", settings(300)).await;
    let mut client = Wire::connect(gateway.address).await;
    client
        .send(request(
            "GET /live/socket",
            &format!("{ASK}X-Slipway-Instance: forged\r\n"),
        ))
        .await;
    let mut wire = Wire::accept(&listener).await;
    let head = wire.head().await;
    assert_eq!(field(&head, "connection"), Some("upgrade"));
    assert_eq!(field(&head, "upgrade"), Some("websocket"));
    assert_eq!(field(&head, "sec-websocket-version"), Some("13"));
    assert_eq!(field(&head, "x-slipway-instance"), Some("it"));
    // With the answer come the first bytes of the tunnel.
    wire.send(format!("{AGREED}hello")).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(field(&head, "upgrade"), Some("websocket"));
    assert!(
        field(&head, "sec-websocket-accept").is_some() && !head.contains("x-slipway"),
        "{head}"
    );
    assert_eq!(client.exactly(5).await, b"hello");
    // What looks like a request is none.
    let bytes = request("GET /internal/instance", "").repeat(1000);
    client.send(&bytes).await;
    assert_eq!(wire.exactly(bytes.len()).await, bytes.as_bytes());
    drop(client);
    assert!(wire.rest().await.is_empty());
}

#[tokio::test]
async fn a_web_socket_in_which_nothing_moves_ends() {
    let (listener, gateway) = service("scanner", settings(1)).await;
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /live/socket", ASK)).await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send(AGREED).await;
    client.head().await;
    client.send("ping").await;
    assert_eq!(wire.exactly(4).await, b"ping");
    assert!(client.rest().await.is_empty() && wire.rest().await.is_empty());
}

#[tokio::test]
async fn a_refused_tunnel_is_an_answer_and_the_connection_goes_on() {
    let (listener, gateway) = service("scanner", settings(300)).await;
    let mut client = Wire::connect(gateway.address).await;
    // The second request may be meant for the service alone (smuggling); it is checked as every one.
    client
        .send(request("GET /live/socket", ASK) + &request("GET /internal/instance", ""))
        .await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        .await;
    assert_eq!(client.answer().await.status, 403);
    assert_eq!(client.answer().await.status, 404);
}

#[tokio::test]
async fn nobody_else_gets_a_tunnel_and_no_other_protocol_is_spoken() {
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";
    for (name, line, fields) in [
        ("download", "GET /a/notes", ASK),
        ("scanner", "GET /live/socket", h2c),
        ("scanner", "GET /live/socket", ""),
    ] {
        let (listener, gateway) = service(name, settings(300)).await;
        let mut client = Wire::connect(gateway.address).await;
        client.send(request(line, fields)).await;
        let mut wire = Wire::accept(&listener).await;
        let head = wire.head().await;
        assert!(
            field(&head, "upgrade").is_none() && field(&head, "connection").is_none(),
            "{head}"
        );
        // It agrees to what it was not asked.
        wire.send(AGREED).await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "upstream_failed"),
            "{line}"
        );
    }
}
