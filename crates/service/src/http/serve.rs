//! The accept loop: a time-out for the request's head, a limit of connections, and a drain with a deadline, none of
//! which `axum::serve` 0.8 has.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::framing::{Framing, Verdicts, Watch};
use crate::settings::Http;

/// Headers of a request; browsers send about 20.
const MAX_HEADERS: usize = 100;
/// Bytes of a request's head. An updater that asks for many ranges sends 9 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// Bytes read and thrown away after the answer when a client still sends.
const LINGER_BYTES: usize = 64 * 1024;
/// Time for the same.
const LINGER_TIME: Duration = Duration::from_secs(1);

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
        let stream = Lingering::new(Watched {
            watch: Watch::new(verdicts.clone()),
            stream,
        });
        let service = service.clone();
        let arriving = service_fn(move |mut request: Request<Incoming>| {
            let framing = verdicts.next();
            request.extensions_mut().insert(Arrival { peer, framing });
            service.call(request)
        });
        let connection = http.serve_connection(stream, arriving);
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

/// A connection that ends politely: after our answer it reads on for a moment, because closing a socket with unread
/// data resets it, and a client that is still sending its body would lose the answer (RFC 9112, 9.6).
struct Lingering {
    stream: TokioIo<Watched>,
    written_end: bool,
    read_left: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Lingering {
    fn new(stream: Watched) -> Self {
        Self {
            stream: TokioIo::new(stream),
            written_end: false,
            read_left: LINGER_BYTES,
            deadline: None,
        }
    }

    fn discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.get_or_insert_with(|| {
            Box::pin(tokio::time::sleep_until(Instant::now() + LINGER_TIME))
        });
        if deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut waste = [0_u8; 16 * 1024];
        while self.read_left > 0 {
            let mut buffer = ReadBuf::new(&mut waste);
            let stream = Pin::new(&mut self.stream.inner_mut().stream);
            let read = ready!(AsyncRead::poll_read(stream, context, &mut buffer));
            let count = buffer.filled().len();
            if read.is_err() || count == 0 {
                return Poll::Ready(());
            }
            self.read_left = self.read_left.saturating_sub(count);
        }
        // What still comes stays in the socket and stops the sender, who has the rest of the time to find our answer.
        Poll::Pending
    }
}

impl Read for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        if !self.written_end {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.written_end = true;
        }
        self.discard(context).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}

/// A socket whose heads are watched as they are read.
struct Watched {
    stream: TcpStream,
    watch: Watch,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.watch.read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
