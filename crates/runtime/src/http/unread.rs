//! How much of a request's body was read, and whether to its end.
//!
//! An answer may come before that, as a refusal does, and hyper closes the connection then without having said so: a
//! caller that keeps connections may have sent the next request by that time, and cannot know what became of it. So such
//! an answer says that it is the last (RFC 9112, 9.6).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use http_body::{Frame, SizeHint};

/// What is known of the reading of a body.
#[derive(Default)]
pub(super) struct Reading {
    ended: AtomicBool,
    bytes: AtomicU64,
}

impl Reading {
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// A body whose reading is noted.
struct Noted {
    body: Body,
    reading: Arc<Reading>,
}

/// The request, and what tells how far its body was read. One without a body stays as it is.
pub(super) fn noted(request: Request) -> (Request, Arc<Reading>) {
    let reading = Arc::new(Reading::default());
    if request.body().is_end_stream() {
        reading.ended.store(true, Ordering::Relaxed);
        return (request, reading);
    }
    let noting = reading.clone();
    let request = request.map(|body| {
        Body::new(Noted {
            body,
            reading: noting,
        })
    });
    (request, reading)
}

impl HttpBody for Noted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            let bytes = data.len() as u64;
            self.reading.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.reading.ended.store(true, Ordering::Relaxed);
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
