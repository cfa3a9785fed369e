//! Answers: what a service said, streamed, or a problem that the gateway has of its own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use slipway_runtime::Problem;
use slipway_runtime::http::idle::Idle;
use slipway_runtime::http::page::{self, Language};
use slipway_runtime::http::request_line::TOKEN;

use crate::deferred_body::DeferredBody;
use crate::forward::{Answered, Continued, Limits, Place, Resume};
use crate::request::{add_via, strip_hop_by_hop, strip_internal};
use crate::tunnel;

/// The body of every answer.
pub type Body = Either<Full<Bytes>, Streamed>;

/// A service's answer on its way to the client; it is never held whole.
pub struct Streamed {
    body: Incoming,
    /// Runs while the client wants more and the service has sent nothing.
    idle: Idle,
    /// Dropped with the last byte of the answer: then nothing more of the request's body is sent.
    hold: Option<DeferredBody>,
    /// Until then the request counts.
    place: Option<Place>,
    /// How the body goes on from another instance when this one ends in the middle of it.
    resume: Option<Box<Resume>>,
    going_on: Option<GoingOn>,
    id: HeaderValue,
}

/// A body that broke or stopped, while an instance is looked for that goes on.
struct GoingOn {
    error: AnswerError,
    finding: Pin<Box<dyn Future<Output = Option<Continued>> + Send>>,
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
        loop {
            if let Err(error) = ready!(self.poll_going_on(context)) {
                return Poll::Ready(Some(Err(error)));
            }
            let frame = Pin::new(&mut self.body).poll_frame(context);
            let error = if frame.is_pending() {
                ready!(self.idle.poll_over(context));
                AnswerError::Idle
            } else {
                match ready!(frame) {
                    Some(Err(error)) => AnswerError::Broken(error),
                    Some(Ok(frame)) => {
                        self.idle.fed();
                        if let (Some(resume), Some(data)) = (&mut self.resume, frame.data_ref()) {
                            resume.sent(data.len());
                        }
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    None => return Poll::Ready(None),
                }
            };
            match self.resume.take() {
                Some(resume) => self.go_on(resume, error),
                None => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// Begins to look for an instance that goes on.
    fn go_on(&mut self, resume: Box<Resume>, error: AnswerError) {
        tracing::info!(%error, request_id = ?self.id, "a download has lost its instance");
        self.place = None;
        self.going_on = Some(GoingOn {
            error,
            finding: Box::pin(resume.go_on()),
        });
    }

    /// Waits for it, if one is looked for; what broke the body when there is none.
    fn poll_going_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), AnswerError>> {
        let Some(going_on) = &mut self.going_on else {
            return Poll::Ready(Ok(()));
        };
        let found = ready!(going_on.finding.as_mut().poll(context));
        let broken = self.going_on.take().map(|going_on| going_on.error);
        match (found, broken) {
            (Some(continued), _) => {
                self.idle.fed();
                self.body = continued.body;
                self.place = Some(continued.place);
                self.resume = Some(continued.resume);
                Poll::Ready(Ok(()))
            }
            (None, Some(error)) => Poll::Ready(Err(error)),
            (None, None) => Poll::Ready(Ok(())),
        }
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
            Poll::Ready(None) => {
                self.hold = None;
                self.place = None;
            }
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

/// A service's answer, without what is between it and us.
pub(crate) fn streamed(answered: Answered, limits: &Limits, id: &HeaderValue) -> Response<Body> {
    let Answered {
        response,
        hold,
        place,
        resume,
    } = answered;
    let (mut head, body) = response.into_parts();
    clean(&mut head);
    if hold.as_ref().is_some_and(|hold| !hold.is_read()) {
        // A client that is still sending learns that nobody reads on.
        head.headers
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // Events come when something happens, and not before.
    let idle = if is_event_stream(&head.headers) {
        limits.tunnel
    } else {
        limits.answer
    };
    let body = Streamed {
        body,
        idle: Idle::new(idle),
        hold,
        place: Some(place),
        resume,
        going_on: None,
        id: id.clone(),
    };
    Response::from_parts(head, Either::Right(body))
}

/// The answer that makes a connection a tunnel, and what the tunnel is made of: the service's end, and what counts it.
pub(crate) fn tunnelled(answered: Answered) -> (Response<Body>, OnUpgrade, Place) {
    let Answered {
        mut response,
        place,
        ..
    } = answered;
    let service = hyper::upgrade::on(&mut response);
    let (mut head, _) = response.into_parts();
    clean(&mut head);
    head.headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(UPGRADE, tunnel::WEBSOCKET);
    let answer = Response::from_parts(head, whole(String::new()));
    (answer, service, place)
}

/// Takes out of a head what is between a service and us.
fn clean(head: &mut Parts) {
    if let Some(token) = head.headers.remove(&TOKEN) {
        head.extensions.insert(PermittedBy(token));
    }
    strip_hop_by_hop(&mut head.headers);
    strip_internal(&mut head.headers);
    add_via(&mut head.headers, head.version);
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"))
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
