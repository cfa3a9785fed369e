//! Connections to services, each proven by both ends, and kept for the next request.

use std::collections::HashMap;
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

/// A client for each service, all of one generation of our certificates.
pub(crate) struct Connections {
    identity: Identity,
    silence: Duration,
    clients: Mutex<(u64, HashMap<&'static str, Connection>)>,
}

impl Connections {
    /// A service that leaves our bytes unread for `silence` loses its connection.
    pub(crate) fn new(identity: Identity, silence: Duration) -> Self {
        Self {
            identity,
            silence,
            clients: Mutex::default(),
        }
    }

    /// The client for `service`: its URIs name addresses, and whoever answers there has to prove that it is `service`.
    /// Clients of earlier certificates are dropped, and their idle connections with them.
    pub(crate) fn to(&self, service: &'static str) -> Connection {
        let loaded = self.identity.loaded();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let (generation, clients) = &mut *clients;
        if *generation != loaded.generation {
            *generation = loaded.generation;
            clients.clear();
        }
        let client = clients
            .entry(service)
            .or_insert_with(|| self.client(service, (*loaded.client).clone()));
        client.clone()
    }

    fn client(&self, service: &'static str, config: ClientConfig) -> Connection {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // A machine that vanished says nothing; without probes a request to it would wait for ever.
        connector.set_keepalive(Some(KEEPALIVE));
        // And one that hangs with our bytes unread keeps the connection after its request was given up.
        connector.set_tcp_user_timeout(Some(self.silence));
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
}
