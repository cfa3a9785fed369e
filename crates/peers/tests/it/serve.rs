//! The accept loop, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::{get, put};
use axum::{Extension, Router};
use http::StatusCode;
use hyper_util::service::TowerToHyperService;
use slipway_runtime::http::framing::Framing;
use slipway_runtime::http::serve::{Transport, serve};
use slipway_runtime::settings::Http;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Time for what happens at once; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(router: Router, settings: Http) -> Server {
    start_as(Transport::Plain, router, settings).await
}

async fn start_as(transport: Transport, router: Router, settings: Http) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let task = tokio::spawn(async move {
        serve(
            listener,
            transport,
            TowerToHyperService::new(router),
            &settings,
            stopping,
        )
        .await;
    });
    Server {
        address,
        stop,
        task,
    }
}

/// Sends `text` and reads to the end of the connection.
async fn exchange(address: SocketAddr, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(text).await.expect("a request");
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("an end in time")
        .expect("no reset");
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let settings = Http {
        head_timeout_seconds: 1,
        ..Http::default()
    };
    let server = start(Router::new(), settings).await;
    let answer = exchange(server.address, b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_in_flight_is_answered_while_the_listener_is_closed() {
    let (began, mut begins) = mpsc::channel::<()>(1);
    let finish = CancellationToken::new();
    let finished = finish.clone();
    let slow = get(move || async move {
        began.send(()).await.expect("the test listens");
        finished.cancelled().await;
        "done"
    });
    let server = start(Router::new().route("/slow", slow), Http::default()).await;
    let address = server.address;
    let request =
        tokio::spawn(
            async move { exchange(address, b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await },
        );
    begins.recv().await.expect("the request began");
    server.stop.cancel();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    finish.cancel();
    assert!(request.await.expect("an answer").ends_with("done"));
    tokio::time::timeout(PATIENCE, server.task)
        .await
        .expect("an end")
        .expect("no panic");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let (began, mut begins) = mpsc::channel::<()>(1);
    let endless = get(move || async move {
        began.send(()).await.expect("the test listens");
        std::future::pending::<()>().await;
    });
    let settings = Http {
        drain_seconds: 1,
        ..Http::default()
    };
    let server = start(Router::new().route("/endless", endless), settings).await;
    let mut stream = TcpStream::connect(server.address)
        .await
        .expect("a connection");
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("a request");
    begins.recv().await.expect("the request began");
    server.stop.cancel();
    tokio::time::timeout(PATIENCE, server.task)
        .await
        .expect("an end")
        .expect("no panic");
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let refuse = put(|| async { (StatusCode::UNAUTHORIZED, "no") });
    let server = start(Router::new().route("/", refuse), Http::default()).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address)
            .await
            .expect("a connection");
        let head = b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";
        stream.write_all(head).await.expect("a head");
        // The rest is on its way when the answer comes; a reset would take the answer along.
        stream
            .write_all(&vec![0; 300_000])
            .await
            .expect("a part of the body");
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}

#[tokio::test]
async fn no_more_connections_are_served_than_the_limit() {
    let settings = Http {
        max_connections: 1,
        ..Http::default()
    };
    let server = start(Router::new().route("/", get(|| async { "here" })), settings).await;
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut first = TcpStream::connect(server.address)
        .await
        .expect("a connection");
    first.write_all(request).await.expect("a request");
    let mut answer = [0; 16];
    first.read_exact(&mut answer).await.expect("an answer");
    let mut second = TcpStream::connect(server.address)
        .await
        .expect("the backlog takes it");
    second.write_all(request).await.expect("a request");
    let early =
        tokio::time::timeout(Duration::from_millis(200), second.read_exact(&mut answer)).await;
    assert!(early.is_err(), "the second was served beside the first");
    drop(first);
    tokio::time::timeout(PATIENCE, second.read_exact(&mut answer))
        .await
        .expect("served when the first is gone")
        .expect("an answer");
}

#[tokio::test]
async fn a_client_that_reads_nothing_loses_its_connection() {
    let settings = Http {
        max_connections: 1,
        write_timeout_seconds: 1,
        ..Http::default()
    };
    let large = get(|| async { vec![7_u8; 64 * 1024 * 1024] });
    let router = Router::new()
        .route("/large", large)
        .route("/", get(|| async { "here" }));
    let server = start(router, settings).await;
    let mut deaf = TcpStream::connect(server.address)
        .await
        .expect("a connection");
    deaf.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("a request");
    let answer = exchange(
        server.address,
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert!(answer.await.ends_with("here"));
}

#[tokio::test]
async fn heads_are_watched_where_the_world_sends_them_and_nowhere_else() {
    let seen = |framing: Option<Extension<Framing>>| async move {
        format!("{:?}", framing.map(|Extension(framing)| framing))
    };
    let request = b"PUT / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n.";
    for (transport, wanted) in [
        (Transport::Public, "Some(Doubtful)"),
        (Transport::Plain, "None"),
    ] {
        let router = Router::new().route("/", put(seen));
        let server = start_as(transport, router, Http::default()).await;
        let answer = exchange(server.address, request).await;
        assert!(answer.ends_with(wanted), "{answer}");
        server.stop.cancel();
        server.task.await.expect("an end");
    }
}
