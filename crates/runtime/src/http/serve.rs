//! The accept loop: proven connections, time-outs for the request's head and for a client that does not read, limits of
//! connections and handshakes, and a drain with a deadline, none of which `axum::serve` 0.8 has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::connection::Connection;
use super::framing::Verdicts;
use super::graceful::{Graceful, Watcher};
use super::handshakes::Handshakes;
use crate::process::listener::Listener;
use crate::settings::Http;

/// Headers of a request; browsers send about 20.
const MAX_HEADERS: usize = 100;
/// Bytes of a request's head. An updater that asks for many ranges sends 9 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// Time for another request on a connection of the world when this process ends: one that was just made, or is kept, may
/// carry one already. Its answer says that it is the last one (RFC 9112, 9.6).
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// How connections begin, and how much is believed of what comes over them.
#[derive(Clone)]
pub enum Transport {
    /// Plain HTTP of the world, perhaps through proxies of others: requests carry [`Framing`](super::framing::Framing).
    Public,
    /// Plain HTTP of operators, on a listener of their own.
    Plain,
    /// Mutual TLS: requests carry [`Caller`].
    Proven(Proof),
}

/// By what both ends of a connection prove who they are.
#[derive(Clone)]
pub struct Proof {
    /// What this process proves itself with; a change ends the connections that were proven by what was there before.
    pub config: watch::Receiver<Arc<ServerConfig>>,
    /// The name of the other end in its certificate, whose signature the handshake has checked.
    pub name: fn(&CertificateDer<'_>) -> Option<String>,
    /// Time after a change in which those connections end. Callers have read the change by then and begin no request on
    /// them any more.
    pub grace: Duration,
}

/// How a request came in: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The other end of the connection.
    pub peer: SocketAddr,
}

/// An error that may be any.
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What answers the requests of a listener; implemented by whatever can.
pub trait Serves:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error: Into<AnyError>, Future: Send>
    + Clone
    + Send
    + 'static
{
    type Body: Body<Data: Send, Error: Into<AnyError>> + Send + 'static;
}

impl<S, B> Serves for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<AnyError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<AnyError>> + Send + 'static,
{
    type Body = B;
}

/// Time for the head of a request by a service: above that after which the gateway gives a process up that was stopped.
const PROVEN_HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Serves connections until `stop` is cancelled, then lets requests in flight end within the settings' drain time.
pub async fn serve<S: Serves>(
    listener: impl Into<Listener>,
    transport: Transport,
    service: S,
    settings: &Http,
    stop: CancellationToken,
) {
    let mut listener = listener.into();
    let permits = Arc::new(Semaphore::new(settings.max_connections));
    let server = Server {
        http: http1(head_timeout(&transport, settings)),
        transport,
        service,
        handshakes: Handshakes::new(settings.max_handshakes),
        handshake_timeout: settings.head_timeout(),
        write_timeout: settings.write_timeout(),
    };
    let mut changes = server.transport.proof().cloned();
    let mut graceful = Graceful::default();
    // Those that were proven by certificates before; they too get the drain time.
    let mut earlier = JoinSet::new();
    loop {
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            () = stop.cancelled() => break,
        };
        let Ok(permit) = permit else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            grace = changed(&mut changes) => {
                let old = std::mem::take(&mut graceful);
                earlier.spawn(end_later(old, grace, stop.clone()));
                continue;
            }
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match stream {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: those in use come back, so wait rather than spin or end.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        server.begin(stream, peer, &graceful, permit);
    }
    // Who is in the queue was told that it is connected, and would be reset with the listener.
    for (stream, peer) in listener.queued().take(settings.max_connections) {
        if let Ok(permit) = permits.clone().try_acquire_owned() {
            server.begin(stream, peer, &graceful, permit);
        }
    }
    let drained = async { tokio::join!(graceful.shutdown(), earlier.join_all()) };
    if tokio::time::timeout(settings.drain(), drained)
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when the drain time was over");
    }
}

/// Returns at a change of the certificates, with the time that what was proven before has.
async fn changed(proof: &mut Option<Proof>) -> Duration {
    if let Some(proof) = proof
        && proof.config.changed().await.is_ok()
    {
        return proof.grace;
    }
    std::future::pending().await
}

/// Ends connections some time after the certificates have changed, or when everything ends.
async fn end_later(old: Graceful, grace: Duration, stop: CancellationToken) {
    let _ = tokio::time::timeout(grace, stop.cancelled()).await;
    old.shutdown().await;
}

/// Slow heads are a stranger's attack. From a service one is late when this process was stopped: what lies in the socket
/// then is still a request.
fn head_timeout(transport: &Transport, settings: &Http) -> Duration {
    match transport {
        Transport::Public | Transport::Plain => settings.head_timeout(),
        Transport::Proven(_) => settings.head_timeout().max(PROVEN_HEAD_TIMEOUT),
    }
}

fn http1(head_timeout: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD);
    http
}

impl Transport {
    fn proof(&self) -> Option<&Proof> {
        match self {
            Self::Public | Self::Plain => None,
            Self::Proven(proof) => Some(proof),
        }
    }

    /// Services know who leaves before it ends, and begin nothing more there.
    fn patience(&self) -> Duration {
        match self {
            Self::Public => LAST_REQUEST,
            Self::Plain | Self::Proven(_) => Duration::ZERO,
        }
    }
}

/// What every connection of a listener has.
#[derive(Clone)]
struct Server<S> {
    transport: Transport,
    service: S,
    http: http1::Builder,
    handshakes: Handshakes,
    handshake_timeout: Duration,
    write_timeout: Duration,
}

impl<S: Serves> Server<S> {
    fn begin(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        graceful: &Graceful,
        permit: OwnedSemaphorePermit,
    ) {
        let server = self.clone();
        let watcher = graceful.watcher(self.transport.patience());
        tokio::spawn(async move {
            server.connection(stream, peer, watcher).await;
            drop(permit);
        });
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        let Some(proof) = self.transport.proof() else {
            return self.converse(stream, peer, None, watcher).await;
        };
        // A bounded number and each with an end, so that whoever begins handshakes and leaves them costs little.
        let config = proof.config.borrow().clone();
        let shaking = handshake(config, proof.name, stream);
        let shaking = self.handshakes.with(shaking);
        let proven = tokio::time::timeout(self.handshake_timeout, shaking).await;
        match proven.unwrap_or_else(|late| Err(late.into())) {
            Ok((stream, caller)) => self.converse(stream, peer, Some(caller), watcher).await,
            Err(error) => {
                tracing::info!(%peer, error = format!("{error:#}"), "a connection was not proven");
            }
        }
    }

    async fn converse<IO>(
        self,
        stream: IO,
        peer: SocketAddr,
        caller: Option<Caller>,
        watcher: Watcher,
    ) where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let is_public = matches!(self.transport, Transport::Public);
        let verdicts = is_public.then(Verdicts::default);
        let stream = Connection::new(stream, verdicts.clone(), self.write_timeout);
        let (service, stop) = (self.service, watcher.stop());
        let arriving = service_fn(move |mut request: Request<Incoming>| {
            let extensions = request.extensions_mut();
            extensions.insert(Arrival { peer });
            if let Some(verdicts) = &verdicts {
                extensions.insert(verdicts.next());
            }
            if let Some(caller) = &caller {
                request.extensions_mut().insert(caller.clone());
            }
            let answering = service.call(request);
            let (verdicts, stop) = (verdicts.clone(), stop.clone());
            async move {
                let mut answer = answering.await?;
                if stop.is_cancelled() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS
                    && let Some(verdicts) = verdicts
                {
                    verdicts.end();
                }
                Ok::<_, S::Error>(answer)
            }
        });
        let connection = self
            .http
            .serve_connection(TokioIo::new(stream), arriving)
            .with_upgrades();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "connection ended early");
        }
    }
}

/// Both ends prove who they are.
async fn handshake(
    config: Arc<ServerConfig>,
    name: fn(&CertificateDer<'_>) -> Option<String>,
    stream: TcpStream,
) -> anyhow::Result<(TlsStream<TcpStream>, Caller)> {
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    let chain = stream.get_ref().1.peer_certificates();
    let caller = chain.and_then(|chain| name(chain.first()?));
    let caller = caller.context("the certificate names no service")?;
    Ok((stream, Caller(caller.into())))
}
