//! A real service in the test's process: its own `build` behind the real edge and the real TLS, on a port of its own.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use http::header::HOST;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use slipway_contract::record::Record;
use slipway_peers::discovery::view::View;
use slipway_peers::guard::INSTANCE;
use slipway_peers::{Assembled, Peers};
use slipway_runtime::http::serve::{Serves, Transport, serve};
use slipway_runtime::process::address::Address;
use slipway_runtime::settings::Common;
use slipway_runtime::{Health, Process};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{TestProcess, described, peer, record};

/// A service that answers. It ends when this is dropped.
pub struct Running {
    pub process: Process,
    pub address: SocketAddr,
    stop: CancellationToken,
}

/// Starts what `build` makes of `process`; `view` is what it knows of the others. It registers nowhere.
pub async fn start<S: Serves, H: Health>(
    mut process: Process,
    view: View,
    build: impl AsyncFnOnce(Peers) -> anyhow::Result<Assembled<S, H>>,
) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    process.address = Some(Address::new(address, None));
    let peers = Peers::with_view(&process, view).expect("peers");
    let transport = Transport::Proven(peers.identity.proof());
    let assembled = build(peers).await.expect("a service that starts");
    let (stop, settings) = (CancellationToken::new(), process.settings.clone());
    let stopped = stop.clone();
    tokio::spawn(async move {
        serve(listener, transport, assembled.http, &settings.http, stopped).await;
    });
    Running {
        process,
        address,
        stop,
    }
}

impl TestProcess {
    /// A process of another service of this platform, in the same data folder. Its database is a file of its own.
    pub fn beside(&self, service: &'static str) -> Process {
        let data = self.process.data.clone();
        Process::open(service, data, Common::default()).expect("a process")
    }
}

impl Running {
    /// It, as a registry knows it.
    pub fn record(&self) -> Record {
        let process = &self.process;
        record(
            process.service,
            &process.instance,
            &self.address.to_string(),
        )
    }

    /// What `caller` is answered over a connection that both have proven themselves on. The answer is held against the
    /// description of the API.
    pub async fn ask(&self, caller: &str, mut request: Request<Body>) -> Response<Bytes> {
        let headers = request.headers_mut();
        let instance = self.process.instance.parse().expect("a header's value");
        headers.entry(INSTANCE.clone()).or_insert(instance);
        headers.insert(HOST, self.process.service.parse().expect("a name"));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let stream = peer::connect(caller, self.process.service, self.address).await;
        let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connected.expect("a connection");
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        described::check(&method, &path, head.status, &head.headers, Some(&body));
        Response::from_parts(head, body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.draining.cancel();
        self.process.shutdown.cancel();
        self.stop.cancel();
    }
}
