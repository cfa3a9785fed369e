//! A client's connection: watched while it is read, given up when the client does not read, ended politely.

use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::framing::{Verdicts, Watch};
use super::idle::Idle;

/// Bytes read and thrown away after the answer when a client still sends.
const LINGER_BYTES: usize = 64 * 1024;
/// Time for the same.
const LINGER_TIME: Duration = Duration::from_secs(1);

pub(super) struct Connection<S> {
    stream: S,
    /// Of what the world sends alone: a service writes each head anew.
    watch: Option<Watch>,
    /// Runs while the client takes nothing of what it is sent.
    stall: Idle,
    end_written: bool,
    linger_left: usize,
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + Unpin> Connection<S> {
    /// What each head says of its body goes to `verdicts`, if somebody wants to know; a client that takes nothing for
    /// `write_timeout` is given up.
    pub(super) fn new(stream: S, verdicts: Option<Verdicts>, write_timeout: Duration) -> Self {
        Self {
            stream,
            watch: verdicts.map(Watch::new),
            stall: Idle::new(write_timeout),
            end_written: false,
            linger_left: LINGER_BYTES,
            linger: None,
        }
    }

    /// The end for a client that asks for much and reads nothing: each would keep a connection for ever.
    fn or_stalled(
        &mut self,
        written: Poll<Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.stall.fed();
            return written;
        }
        ready!(self.stall.poll_over(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// Reads on for a moment, because closing a socket with unread data resets it, and a client that is still sending
    /// its body would lose the answer (RFC 9112, 9.6).
    fn discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let linger = self
            .linger
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER_TIME)));
        if linger.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut waste = [0_u8; 16 * 1024];
        while self.linger_left > 0 {
            let mut buffer = ReadBuf::new(&mut waste);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            let count = buffer.filled().len();
            if read.is_err() || count == 0 {
                return Poll::Ready(());
            }
            self.linger_left = self.linger_left.saturating_sub(count);
        }
        // What still comes stays in the socket and stops the sender, who has the rest of the time to find our answer.
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if let Some(watch) = &mut self.watch {
            watch.read(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_stalled(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        if !self.end_written {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.end_written = true;
        }
        self.discard(context).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.or_stalled(written, context)
    }
}
