//! Answers: what a service said, streamed, or a problem that the gateway has of its own.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use slipway_runtime::Problem;
use slipway_runtime::http::idle::Idle;
use slipway_runtime::http::page::{self, Language};
use slipway_runtime::http::request_line::TOKEN;

use crate::deferred_body::DeferredBody;
use crate::request::{add_via, strip_hop_by_hop, strip_internal};

/// The body of every answer.
pub type Body = Either<Full<Bytes>, Streamed>;

/// A service's answer on its way to the client; it is never held whole.
pub struct Streamed {
    body: Incoming,
    /// Runs while the client wants more and the service has sent nothing.
    idle: Idle,
    /// Dropped with the last byte of the answer: then nothing more of the request's body is sent.
    hold: Option<DeferredBody>,
    id: HeaderValue,
}

/// The id of the token that a service has permitted a request by: for the log, never for the client.
#[derive(Clone)]
pub(crate) struct PermittedBy(pub(crate) HeaderValue);

/// Why an answer did not get to its end.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error(transparent)]
    Broken(hyper::Error),
    #[error("nothing of the answer came for too long")]
    Idle,
}

impl Streamed {
    fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_pending() {
            let over = self.idle.poll_over(context);
            return over.map(|()| Some(Err(AnswerError::Idle)));
        }
        self.idle.fed();
        frame.map(|frame| frame.map(|frame| frame.map_err(AnswerError::Broken)))
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let frame = self.poll_answer(context);
        match &frame {
            Poll::Ready(Some(Err(error))) => {
                // The head is gone, so all that is left to do is to close the connection before the body's end.
                tracing::warn!(%error, request_id = ?self.id, "an answer of a service was cut off");
            }
            Poll::Ready(None) => self.hold = None,
            _ => {}
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

/// A service's answer, without what is between it and us; `idle` is the longest time without a byte of it.
pub(crate) fn streamed(
    answer: Response<Incoming>,
    hold: Option<DeferredBody>,
    idle: Duration,
    id: &HeaderValue,
) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    if let Some(token) = head.headers.remove(&TOKEN) {
        head.extensions.insert(PermittedBy(token));
    }
    strip_hop_by_hop(&mut head.headers);
    strip_internal(&mut head.headers);
    add_via(&mut head.headers, head.version);
    if hold.as_ref().is_some_and(|hold| !hold.is_read()) {
        // A client that is still sending learns that nobody reads on.
        head.headers
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let body = Streamed {
        body,
        idle: Idle::new(idle),
        hold,
        id: id.clone(),
    };
    Response::from_parts(head, Either::Right(body))
}

/// The answer to a browser that asks what a page of another site may ask.
pub(crate) fn preflight(fields: HeaderMap) -> Response<Body> {
    let mut answer = Response::new(whole(String::new()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    *answer.headers_mut() = fields;
    answer
}

/// A small JSON document.
pub(crate) fn json(document: &serde_json::Value) -> Response<Body> {
    let mut answer = Response::new(whole(document.to_string()));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A problem of the gateway's own: a page in a browser's language, JSON for everybody else.
pub(crate) fn problem(problem: &Problem, page: Option<Language>, id: &str) -> Response<Body> {
    page::answer(problem, page, id).map(whole)
}

/// The language of the page that a refusal becomes: in the API everybody is a program.
pub(crate) fn wanted_page(path: &str, headers: &HeaderMap) -> Option<Language> {
    let is_api = path == "/api" || path.starts_with("/api/");
    (!is_api).then(|| page::wanted(headers))?
}

fn whole(text: String) -> Body {
    Either::Left(Full::from(text))
}
