//! Connections to services, each proven by both ends, and kept for the next request.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::{Either, Empty};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use slipway_peers::identity::Identity;
use slipway_peers::probe::PROOF_TIMEOUT;
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use crate::deferred_body::UpstreamBody;

/// The body of a request to a service.
pub(crate) type Outgoing = Either<Empty<Bytes>, UpstreamBody>;

/// Time for a connection on a local network.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time without a byte after which the other end is probed.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Idle connections end here before they end at the services, whose time for the next head is 10 s: a request on a
/// connection that the other side is just closing would be lost.
const POOL_IDLE: Duration = Duration::from_secs(5);

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connector = BoxCloneSyncService<Uri, Stream, BoxError>;
pub(crate) type Connection = Client<Connector, Outgoing>;

/// How connections are made.
pub(crate) struct Connections {
    identity: Identity,
}

/// The connections to one instance, all of one generation of our certificates. What is not in use ends with it.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Option<(Made, Connection)>>);

/// What a client was made for; another is made when it changes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Made {
    generation: u64,
    silence: Duration,
}

impl Pool {
    /// Ends the connections that are not in use, and those that are with the answer that is on them.
    pub(crate) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Connections {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity }
    }

    /// The client for the instance of `service` that `pool` is of: its URIs name the address, and whoever answers there has
    /// to prove that it is `service`. A client of earlier certificates is dropped, and its idle connections with it. An
    /// instance that leaves our bytes unread for `silence` loses its connection.
    pub(crate) fn to(&self, service: &'static str, pool: &Pool, silence: Duration) -> Connection {
        let loaded = self.identity.loaded();
        let made = Made {
            generation: loaded.generation,
            silence,
        };
        let mut kept = pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, client)) if *of == made => client.clone(),
            _ => {
                let client = client(service, (*loaded.client).clone(), silence);
                *kept = Some((made, client.clone()));
                client
            }
        }
    }
}

fn client(service: &'static str, config: ClientConfig, silence: Duration) -> Connection {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    // A machine that vanished says nothing; without probes a request to it would wait for ever.
    connector.set_keepalive(Some(KEEPALIVE));
    // And one that hangs with our bytes unread keeps the connection after its request was given up.
    connector.set_tcp_user_timeout(Some(silence));
    let name = ServerName::try_from(service).expect("names of services are DNS names");
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .with_server_name_resolver(FixedServerNameResolver::new(name))
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .build(BoxCloneSyncService::new(Timeout::new(
            connector,
            PROOF_TIMEOUT,
        )))
}
