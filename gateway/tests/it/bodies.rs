//! Bodies of requests: held until they are wanted, then streamed.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{
    Wire, ask, field, gateway, gateway_with, idle_after, listen, nobody, request,
};

const PUT: &str = "PUT /api/v1/apps/notes/packages/notes.apk";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const REFUSED: &str =
    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";

#[tokio::test]
async fn not_a_byte_of_a_body_is_sent_on_before_the_service_asks_for_it() {
    for expect in ["", "Expect: 100-continue\r\n"] {
        let (listener, upload) = listen().await;
        let gateway = gateway(&[("upload", "u", upload)]).await;
        let service = tokio::spawn(async move {
            let mut wire = Wire::accept(&listener).await;
            let head = wire.head().await;
            assert_eq!(field(&head, "expect"), Some("100-continue"));
            assert_eq!(field(&head, "content-length"), Some("2147483648"));
            wire.send(REFUSED).await;
            wire.rest().await
        });
        let mut client = Wire::connect(gateway.address).await;
        client
            .send(request(
                PUT,
                &format!("Content-Length: 2147483648\r\n{expect}"),
            ))
            .await;
        if expect.is_empty() {
            client.send_until_refused(64 * 1024 * 1024).await;
        }
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (401, &b"no"[..]),
            "no 100 came before it"
        );
        assert_eq!(answer.field("connection"), Some("close"));
        assert_eq!(
            service.await.unwrap(),
            b"",
            "the service got a part of the body"
        );
    }
}

#[tokio::test]
async fn a_client_that_asks_is_told_when_the_service_says_so() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    let mut client = Wire::connect(gateway.address).await;
    client
        .send(request(
            PUT,
            "Content-Length: 5\r\nExpect: 100-continue\r\n",
        ))
        .await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send(CONTINUE).await;
    assert_eq!(client.head().await, CONTINUE);
    client.send("hello").await;
    assert_eq!(wire.exactly(5).await, b"hello");
    wire.send(CREATED).await;
    assert_eq!(client.answer().await.status, 201);
}

#[tokio::test]
async fn a_service_that_does_not_know_100_gets_the_body_after_a_moment() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        let head = wire.head().await;
        assert_eq!(field(&head, "transfer-encoding"), Some("chunked"));
        assert_eq!(field(&head, "trailer"), Some("x-slipway-caller"));
        let body = wire.exactly("5\r\nhello\r\n0\r\n\r\n".len()).await;
        wire.send(CREATED).await;
        body
    });
    let fields = "Transfer-Encoding: chunked\r\nTrailer: X-Slipway-Caller\r\n";
    let put = request(PUT, fields) + "5\r\nhello\r\n0\r\nX-Slipway-Caller: trailer\r\n\r\n";
    assert_eq!(ask(gateway.address, put).await.status, 201);
    assert_eq!(
        service.await.unwrap(),
        b"5\r\nhello\r\n0\r\n\r\n",
        "trailers stay behind"
    );
}

#[tokio::test]
async fn a_body_is_still_whole_for_the_next_instance() {
    for (fields, body) in [
        ("Content-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let (listener, upload) = listen().await;
        let instances = [
            ("upload", "gone", nobody().await),
            ("upload", "here", upload),
        ];
        let gateway = gateway(&instances).await;
        // Each of the two comes first once.
        for _ in 0..2 {
            let mut client = Wire::connect(gateway.address).await;
            client.send(request(PUT, fields) + body).await;
            let mut wire = Wire::accept(&listener).await;
            assert_eq!(
                field(&wire.head().await, "x-slipway-instance"),
                Some("here")
            );
            wire.send(CONTINUE).await;
            assert_eq!(wire.exactly(body.len()).await, body.as_bytes());
            wire.send(CREATED).await;
            assert_eq!(client.answer().await.status, 201);
        }
    }
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_a_body_reaches_a_client_that_still_sends() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        wire.head().await;
        wire.send(CONTINUE).await;
        wire.exactly(64 * 1024).await;
        let body = "x".repeat(100_000);
        let head = format!(
            "HTTP/1.1 507 Insufficient Storage\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        wire.send(head).await;
        // The rest comes while the client is still sending.
        wire.send(body).await;
        wire.stream.shutdown().await.unwrap();
        wire.rest().await.len()
    });
    let mut client = Wire::connect(gateway.address).await;
    client
        .send(request(PUT, "Content-Length: 2147483648\r\n"))
        .await;
    client.send_until_refused(256 * 1024 * 1024).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.len()), (507, 100_000));
    assert_eq!(answer.field("connection"), Some("close"));
    let waste = service.await.unwrap();
    assert!(
        waste < 32 * 1024 * 1024,
        "{waste} bytes were sent on after the refusal"
    );
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_is_given_up() {
    let (listener, upload) = listen().await;
    let gateway = gateway_with(&[("upload", "u", upload)], idle_after(1)).await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        wire.head().await;
        wire.send(CONTINUE).await;
        wire.rest().await
    });
    let answer = ask(
        gateway.address,
        request(PUT, "Content-Length: 10\r\n") + "hello",
    )
    .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (408, "body_timeout")
    );
    assert_eq!(answer.field("connection"), Some("close"));
    assert_eq!(
        service.await.unwrap(),
        b"hello",
        "the service sees a body that was cut off"
    );
}

#[tokio::test]
async fn large_bodies_stream_both_ways_at_once_in_flat_memory() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 8 * 1024;
    let (listener, upload) = listen().await;
    tokio::spawn(async move {
        let stream = Wire::accept(&listener).await.stream;
        let echo = service_fn(|request: Request<Incoming>| async {
            Ok::<_, std::convert::Infallible>(Response::new(request.into_body().boxed()))
        });
        let server = hyper::server::conn::http1::Builder::new();
        server.serve_connection(TokioIo::new(stream), echo).await
    });
    let gateway = gateway(&[("upload", "u", upload)]).await;
    let mut client = Wire::connect(gateway.address).await;
    let length = PIECE * PIECES;
    client
        .send(request(PUT, &format!("Content-Length: {length}\r\n")))
        .await;
    let before = anonymous_memory();
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    let sending = tokio::spawn(async move {
        let piece = vec![7_u8; PIECE];
        for _ in 0..PIECES {
            writer.write_all(&piece).await.expect("the gateway reads");
        }
        writer
    });
    let mut read = 0;
    let mut peak = 0;
    let mut piece = vec![0; PIECE];
    while read < length {
        let count = reader.read(&mut piece).await.expect("the gateway sends");
        assert!(count > 0, "the answer ended after {read} bytes");
        read += count;
        peak = peak.max(anonymous_memory());
    }
    sending.await.unwrap();
    let growth = peak.saturating_sub(before);
    assert!(
        growth < 32 * 1024,
        "{growth} KiB more while 512 MiB went through"
    );
}

/// KiB of this process's anonymous memory.
fn anonymous_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .expect("RssAnon");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}
