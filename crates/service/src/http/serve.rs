//! The accept loop: time-outs for the request's head and for a client that does not read, a limit of connections, and a
//! drain with a deadline, none of which `axum::serve` 0.8 has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::framing::{Framing, Verdicts};
use crate::settings::Http;

/// Headers of a request; browsers send about 20.
const MAX_HEADERS: usize = 100;
/// Bytes of a request's head. An updater that asks for many ranges sends 9 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// How a request came in: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The other end of the connection.
    pub peer: SocketAddr,
    pub framing: Framing,
}

/// Serves connections until `stop` is cancelled, then lets requests in flight end within the settings' drain time.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    settings: &Http,
    stop: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let permits = Arc::new(Semaphore::new(settings.max_connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout())
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD);
    loop {
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            () = stop.cancelled() => break,
        };
        let Ok(permit) = permit else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
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
        let _ = stream.set_nodelay(true);
        let verdicts = Verdicts::default();
        let stream = Connection::new(stream, verdicts.clone(), settings.write_timeout());
        let service = service.clone();
        let arriving = service_fn(move |mut request: Request<Incoming>| {
            let framing = verdicts.next();
            request.extensions_mut().insert(Arrival { peer, framing });
            service.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(stream), arriving);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(settings.drain(), graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when the drain time was over");
    }
}
