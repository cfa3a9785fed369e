//! Whether a request's body was read to its end.
//!
//! An answer may come before that, as a refusal does, and hyper closes the connection then without having said so: a
//! caller that keeps connections may have sent the next request by that time, and cannot know what became of it. So such
//! an answer says that it is the last (RFC 9112, 9.6).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use http_body::{Frame, SizeHint};

/// A body whose end is noted.
struct Noted {
    body: Body,
    ended: Arc<AtomicBool>,
}

/// The request, and what tells whether its body was read to its end. One without a body stays as it is.
pub(super) fn noted(request: Request) -> (Request, impl Fn() -> bool) {
    let ended = Arc::new(AtomicBool::new(request.body().is_end_stream()));
    let request = if ended.load(Ordering::Relaxed) {
        request
    } else {
        let ended = ended.clone();
        request.map(|body| Body::new(Noted { body, ended }))
    };
    (request, move || ended.load(Ordering::Relaxed))
}

impl HttpBody for Noted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
