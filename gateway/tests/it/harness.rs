//! A gateway on a socket, raw clients and raw services.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustls::server::Acceptor;
use serde_json::Value;
use slipway_gateway::{AnswerSettings, BodySettings, Gateway, Settings};
use slipway_peers::Peers;
use slipway_peers::discovery::view::View;
use slipway_runtime::Process;
use slipway_runtime::http::serve::{Transport, serve};
use slipway_testkit::database::Engine;
use slipway_testkit::peer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;

/// No step of a test takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    pub(crate) peers: Peers,
    pub(crate) health: Gateway,
    /// Ends its listener, and its connections after their last answers.
    pub(crate) stop: CancellationToken,
    _folder: TempDir,
}

/// A gateway that knows `instances`: service, name, address.
pub(crate) async fn gateway(instances: &[(&str, &str, SocketAddr)]) -> Running {
    gateway_with(instances, Settings::default()).await
}

pub(crate) async fn gateway_with(
    instances: &[(&str, &str, SocketAddr)],
    settings: Settings,
) -> Running {
    let slipway_testkit::TestProcess {
        process,
        mut peers,
        folder,
    } = slipway_testkit::process("gateway", Engine::Sqlite).await;
    let record = |(service, instance, address): &(&str, &str, SocketAddr)| {
        slipway_testkit::record(service, instance, &address.to_string())
    };
    peers.view = View::fixed(instances.iter().map(record).collect());
    let app = slipway_gateway::build(peers.clone(), settings)
        .await
        .expect("a gateway");
    let (listener, address) = listen().await;
    let http = process.settings.http.clone();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        serve(listener, Transport::Public, app.http, &http, stopped).await;
    });
    Running {
        address,
        process,
        peers,
        health: app.health,
        stop,
        _folder: folder,
    }
}

pub(crate) fn idle_after(seconds: u64) -> Settings {
    Settings {
        body: BodySettings {
            idle_seconds: seconds,
        },
        ..Settings::default()
    }
}

/// Services that hang are given up after this many seconds.
pub(crate) fn patience(seconds: u64) -> Settings {
    Settings {
        answer: AnswerSettings {
            silence_seconds: seconds,
            idle_seconds: seconds,
        },
        ..Settings::default()
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

/// An address that nobody listens on.
pub(crate) async fn nobody() -> SocketAddr {
    listen().await.1
}

/// Plain for a client, proven for a service.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One end of a connection, for a client or a service.
pub(crate) struct Wire {
    pub(crate) stream: Box<dyn Stream>,
    read: Vec<u8>,
    /// Answers to HEAD have no body, whatever they say of its length.
    asked_for_head: bool,
}

/// The answer to a raw request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).await.expect("a connection"))
    }

    /// A connection of the gateway to the service that it asks for.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
        let (stream, _) = accepted
            .expect("the gateway connects")
            .expect("a connection");
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
        let hello = hello.await.expect("a handshake begins");
        let service = hello.client_hello().server_name().map(str::to_owned);
        let identity = peer::identity(&service.expect("the name of a service"));
        let proven = hello.into_stream(identity.loaded().server.clone()).await;
        Self::of(proven.expect("the gateway proves itself"))
    }

    fn of(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            read: Vec::new(),
            asked_for_head: false,
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .await
            .expect("the other end reads");
    }

    /// Ends the connection when what was sent is on its way.
    pub(crate) async fn end(mut self) {
        self.stream.flush().await.expect("the other end reads");
    }

    /// Sends until the other end does not take more, and returns how much it took.
    pub(crate) async fn send_until_refused(&mut self, size: usize) -> usize {
        let piece = vec![7_u8; 64 * 1024];
        let mut sent = 0;
        while sent < size {
            match tokio::time::timeout(Duration::from_millis(500), self.stream.write(&piece)).await
            {
                Ok(Ok(count)) => sent += count,
                _ => break,
            }
        }
        sent
    }

    /// Reads to the end of a head and returns it in lower case, but for the first line.
    pub(crate) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                let head = String::from_utf8(head).expect("a head in ASCII");
                let (first, fields) = head.split_once("\r\n").expect("a first line");
                return format!("{first}\r\n{}", fields.to_lowercase());
            }
            assert!(
                self.more().await,
                "the connection ended in a head: {:?}",
                self.read
            );
        }
    }

    /// Reads exactly `count` bytes.
    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(
                self.more().await,
                "the connection ended after {} of {count} bytes",
                self.read.len()
            );
        }
        self.read.drain(..count).collect()
    }

    /// Everything up to the end of the connection, however it ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    /// A whole answer; its body is what `content-length` says, or all until the end of the connection.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let status = head[9..12].parse().expect("a status");
        let body = match field(&head, "content-length") {
            _ if self.asked_for_head => Vec::new(),
            Some(length) => self.exactly(length.parse().expect("a length")).await,
            None => self.rest().await,
        };
        Answer { status, head, body }
    }

    async fn more(&mut self) -> bool {
        let mut piece = vec![0; 64 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut piece)).await;
        let count = read.expect("the other end does something").unwrap_or(0);
        self.read.extend_from_slice(&piece[..count]);
        count > 0
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends `request` on a connection of its own and reads the answer.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut client = Wire::connect(address).await;
    client.asked_for_head = request.as_ref().starts_with(b"HEAD ");
    client.send(request).await;
    client.answer().await
}

/// A request with the lines that every request has.
pub(crate) fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: apps.example.org\r\n{fields}\r\n")
}

/// The value of a field of a head, without its name.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
