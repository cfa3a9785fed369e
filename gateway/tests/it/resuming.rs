//! A download whose instance ends or stops in the middle goes on from another one, with the very bytes, or ends where it stopped.

use std::net::SocketAddr;

use slipway_gateway::Settings;
use tokio::net::TcpListener;

use crate::harness::{Running, Wire, field, gateway, gateway_with, listen, patience, request};

const TAG: &str = "\"sha256-of-it\"";

/// No two of its pieces are the same.
fn file() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_be_bytes).collect()
}

/// Answers of `/d` by range, as every instance gives them.
struct Download {
    listener: TcpListener,
    file: Vec<u8>,
}

impl Download {
    async fn new() -> (Self, SocketAddr) {
        let (listener, address) = listen().await;
        let file = file();
        (Self { listener, file }, address)
    }

    /// Sends the head of an answer and the first `bytes` of its body, and ends. Returns what was asked.
    async fn dies_after(&self, bytes: usize) -> String {
        let mut wire = Wire::accept(&self.listener).await;
        let head = wire.head().await;
        let (answer, body) = self.answer(&head, TAG);
        wire.send(answer).await;
        wire.send(&body[..bytes]).await;
        wire.end().await;
        head
    }

    async fn serves(&self, tag: &str) -> String {
        let mut wire = Wire::accept(&self.listener).await;
        let head = wire.head().await;
        let (answer, body) = self.answer(&head, tag);
        wire.send(answer).await;
        wire.send(body).await;
        head
    }

    fn answer(&self, head: &str, tag: &str) -> (String, Vec<u8>) {
        let total = self.file.len();
        let matches = field(head, "if-range").is_none_or(|asked| asked == tag);
        let range = field(head, "range").filter(|_| matches).map(|range| {
            let (first, last) = range
                .strip_prefix("bytes=")
                .and_then(|range| range.split_once('-'))
                .expect("one range");
            let last = last.parse().unwrap_or(total - 1);
            (first.parse::<usize>().expect("a number"), last)
        });
        let (status, first, last) = match range {
            Some((first, last)) => ("206 Partial Content", first, last),
            None => ("200 OK", 0, total - 1),
        };
        let said = range.map(|_| format!("Content-Range: bytes {first}-{last}/{total}\r\n"));
        let length = last - first + 1;
        let answer = format!(
            "HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {length}\r\n{}\r\n",
            said.unwrap_or_default()
        );
        (answer, self.file[first..=last].to_vec())
    }
}

async fn two() -> (Running, Download, Download) {
    two_with(Settings::default()).await
}

async fn two_with(settings: Settings) -> (Running, Download, Download) {
    let ((one, at_one), (other, at_other)) = (Download::new().await, Download::new().await);
    let gateway = gateway_with(
        &[("download", "one", at_one), ("download", "other", at_other)],
        settings,
    )
    .await;
    (gateway, one, other)
}

/// Whoever of the two is asked first ends after `bytes` of its body; the other one is returned first.
async fn first_dies<'a>(
    one: &'a Download,
    other: &'a Download,
    bytes: usize,
) -> (&'a Download, &'a Download) {
    tokio::select! {
        _ = one.dies_after(bytes) => (other, one),
        _ = other.dies_after(bytes) => (one, other),
    }
}

#[tokio::test]
async fn a_download_goes_on_where_its_instance_ended() {
    let (gateway, one, other) = two().await;
    let services = tokio::spawn(async move {
        let (living, dead) = first_dies(&one, &other, 70_000).await;
        // The second ends too, and the first is there again.
        let second = living.dies_after(500_000).await;
        (second, dead.serves(TAG).await)
    });
    let mut client = Wire::connect(gateway.address).await;
    let asked = request("GET /d/notes/1.0/notes.apk", "If-None-Match: \"x\"\r\n");
    client.send(asked).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.field("etag")), (200, Some(TAG)));
    assert!(answer.body == file(), "other bytes");
    let (second, third) = services.await.unwrap();
    assert_eq!(field(&second, "range"), Some("bytes=70000-1199999"));
    assert_eq!(field(&third, "range"), Some("bytes=570000-1199999"));
    for head in [second, third] {
        assert_eq!(field(&head, "if-range"), Some(TAG));
        assert_eq!(field(&head, "if-none-match"), None);
    }
}

#[tokio::test]
async fn a_range_goes_on_as_a_range() {
    let (gateway, one, other) = two().await;
    let services = tokio::spawn(async move {
        let (living, _) = first_dies(&one, &other, 1_000).await;
        living.serves(TAG).await
    });
    let mut client = Wire::connect(gateway.address).await;
    client
        .send(request(
            "GET /d/notes/1.0/notes.apk",
            "Range: bytes=500-4499\r\n",
        ))
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 206);
    assert_eq!(
        answer.field("content-range"),
        Some("bytes 500-4499/1200000")
    );
    assert!(answer.body == file()[500..4500], "other bytes");
    let second = services.await.unwrap();
    assert_eq!(field(&second, "range"), Some("bytes=1500-4499"));
}

#[tokio::test]
async fn other_bytes_are_never_taken_for_the_rest() {
    let (gateway, one, other) = two().await;
    let services = tokio::spawn(async move {
        let (living, _) = first_dies(&one, &other, 1_000).await;
        living.serves("\"another\"").await
    });
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /d/notes/1.0/notes.apk", "")).await;
    let head = client.head().await;
    assert_eq!(field(&head, "content-length"), Some("1200000"));
    let body = client.rest().await;
    assert!(
        body == file()[..body.len()] && body.len() <= 1_000,
        "{}",
        body.len()
    );
    services.await.unwrap();
}

#[tokio::test]
async fn a_download_that_stops_goes_on_too() {
    let (gateway, one, other) = two_with(patience(1)).await;
    let services = tokio::spawn(async move {
        let (mut wire, living) = tokio::select! {
            wire = Wire::accept(&one.listener) => (wire, &other),
            wire = Wire::accept(&other.listener) => (wire, &one),
        };
        let head = wire.head().await;
        let (answer, body) = living.answer(&head, TAG);
        wire.send(answer).await;
        wire.send(&body[..1_000]).await;
        let second = living.serves(TAG).await;
        drop(wire);
        second
    });
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /d/notes/1.0/notes.apk", "")).await;
    assert!(client.answer().await.body == file(), "other bytes");
    let second = services.await.unwrap();
    assert_eq!(field(&second, "range"), Some("bytes=1000-1199999"));
}

/// There is one instance alone, and whoever has its address now says another name.
#[tokio::test]
async fn an_instance_that_was_restarted_goes_on_itself() {
    let (download, address) = Download::new().await;
    let gateway = gateway(&[("download", "before", address)]).await;
    let service = tokio::spawn(async move {
        download.dies_after(1_000).await;
        let mut wire = Wire::accept(&download.listener).await;
        wire.head().await;
        wire.send(
            "HTTP/1.1 421 Misdirected Request\r\nX-Slipway-Instance: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )
        .await;
        download.serves(TAG).await
    });
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /d/notes/1.0/notes.apk", "")).await;
    assert!(client.answer().await.body == file(), "other bytes");
    let head = service.await.unwrap();
    assert_eq!(field(&head, "x-slipway-instance"), Some("now"));
}
