//! From the client to an instance of a service and back: connect, hold the body, stream.
//!
//! Nothing of a request leaves before the other end has proven that it is of the service that is meant. A request that
//! may change something goes to another instance only when it certainly did nothing: no proven connection could be made,
//! or another process has the address and answered 421 without reading the body. GET and HEAD may be asked twice: another
//! instance gets them as well when the first has said nothing for a second, hangs, or ended before its answer.

mod budget;
mod hedge;
mod problems;
mod target;
mod targets;
mod upstreams;

use std::error::Error as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http::header::EXPECT;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{Either, Empty};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::{Error, ResponseFuture};
use slipway_peers::probe::{self, Sign};
use slipway_runtime::Problem;
use tokio::time::{Instant, sleep_until};

use crate::answer::{self, Body};
use crate::connections::Outgoing;
use crate::deferred_body::{DeferredBody, Received};
use crate::request::address_to;
use crate::routes::Upstream;
use problems::{away, failed, silent, unavailable};
use target::Target;
use upstreams::{Asking, Outcome};

pub(crate) use upstreams::{Limits, Upstreams};

/// Time in which a service that may be changing something proves itself no more after which it is given up. One that is
/// stopped for less goes on, and an upload with it.
const HANG: Duration = Duration::from_secs(30);

impl Upstreams {
    /// Sends a request whose headers are ready to an instance of `upstream`; the bytes of its body are counted in
    /// `received`, and `chosen` becomes the instance's name, for the log.
    pub(crate) async fn forward(
        &self,
        upstream: &Upstream,
        id: &HeaderValue,
        request: Request<Incoming>,
        received: &Received,
        chosen: &mut Option<String>,
    ) -> Result<Response<Body>, Problem> {
        let (head, body) = request.into_parts();
        let body = Some(body).filter(|body| !body.is_end_stream());
        let asking = Asking {
            upstream,
            id,
            head: &head,
            received,
        };
        let changes_nothing = matches!(head.method, Method::GET | Method::HEAD);
        if changes_nothing && body.is_none() {
            self.ask(&asking, chosen).await
        } else {
            self.send(&asking, body, chosen).await
        }
    }

    /// Sends what may change something: to one instance after another until one has seen it.
    async fn send(
        &self,
        asking: &Asking<'_>,
        mut body: Option<Incoming>,
        chosen: &mut Option<String>,
    ) -> Result<Response<Body>, Problem> {
        let mut targets = self.targets(asking.upstream.name).await;
        let mut cause = None;
        while let Some(target) = self.next(&mut targets).await {
            *chosen = target.name();
            match self.attempt(asking, &target, &mut body, HANG).await {
                Outcome::Answered(answer) => return Ok(answer),
                Outcome::Failed(problem) | Outcome::Cut(problem) => return Err(problem),
                Outcome::Hangs => return Err(silent(asking.upstream)),
                Outcome::NotSent(error) => {
                    tracing::debug!(%error, address = target.address, "an instance could not be reached");
                    cause = Some(error);
                }
                Outcome::Misdirected(Some(corrected)) => targets.found.push_front(corrected),
                Outcome::Misdirected(None) => {}
            }
        }
        Err(away(asking.upstream, cause))
    }

    /// Returns when the instance has proven itself on no new connection for `limit`.
    async fn hangs(&self, upstream: &Upstream, target: &Target, limit: Duration) {
        let Ok(address) = target.address.parse::<SocketAddr>() else {
            return std::future::pending().await;
        };
        loop {
            probe::silence(&self.identity, upstream.name, address).await;
            self.doubt(upstream, target);
            let since = Instant::now();
            while since.elapsed() < limit {
                if probe::look(&self.identity, upstream.name, address).await != Sign::Silent {
                    break;
                }
            }
            if since.elapsed() >= limit {
                return;
            }
        }
    }

    /// Others are asked before this one until it proves itself.
    fn doubt(&self, upstream: &Upstream, target: &Target) {
        if let (Ok(instance), Ok(address)) = (target.instance.to_str(), target.address.parse()) {
            probe::doubt(&self.identity, &self.view, upstream.name, instance, address);
        }
    }

    /// One attempt. A service that hangs for `patience` is given up.
    async fn attempt(
        &self,
        asking: &Asking<'_>,
        target: &Target,
        body: &mut Option<Incoming>,
        patience: Duration,
    ) -> Outcome {
        let Asking { upstream, id, .. } = *asking;
        let (request, hold) = match self.outgoing(asking, target, body.as_ref()) {
            Ok(outgoing) => outgoing,
            Err(error) => return Outcome::Failed(Problem::internal(error)),
        };
        let answering = self.connections.to(upstream.name).request(request);
        let answered = tokio::select! {
            answered = answer(answering, hold.as_ref(), body) => answered,
            () = silence(hold.as_ref(), self.limits.silence) => {
                return Outcome::Failed(silent(upstream));
            }
            () = self.hangs(upstream, target, patience) => return Outcome::Hangs,
        };
        let untouched = hold.is_none() || body.is_some();
        match answered {
            Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => {
                if untouched {
                    Outcome::Misdirected(target.corrected(&answer))
                } else {
                    Outcome::Failed(unavailable(upstream))
                }
            }
            Ok(answer) => {
                match (&hold, body.take()) {
                    // It may read on while it answers.
                    (Some(hold), Some(body)) if answer.status().is_success() => hold.release(body),
                    (Some(hold), _) if !answer.status().is_success() => hold.pause(),
                    _ => {}
                }
                Outcome::Answered(answer::streamed(answer, hold, self.limits.answer, id))
            }
            Err(error) if untouched && was_not_sent(&error) => Outcome::NotSent(error),
            Err(error) => match hold.and_then(|hold| hold.failure()) {
                Some(of_body) => Outcome::Failed(failed(upstream, error, Some(of_body))),
                None => Outcome::Cut(failed(upstream, error, None)),
            },
        }
    }

    fn outgoing(
        &self,
        asking: &Asking<'_>,
        target: &Target,
        body: Option<&Incoming>,
    ) -> Result<(Request<Outgoing>, Option<DeferredBody>), http::Error> {
        let Asking { head, received, .. } = *asking;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder()
            .scheme("https")
            .authority(target.address.as_str())
            .path_and_query(path)
            .build()?;
        let defer = |body| DeferredBody::new(body, self.limits.body, received.clone());
        let (hold, held) = body.map(defer).unzip();
        let outgoing = held.map_or_else(|| Either::Left(Empty::new()), Either::Right);
        let mut request = Request::new(outgoing);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().clone_from(&head.headers);
        request.headers_mut().remove(EXPECT);
        address_to(request.headers_mut(), &target.instance, self.run.as_ref());
        if let Some(hold) = &hold {
            request
                .headers_mut()
                .insert(EXPECT, HeaderValue::from_static("100-continue"));
            hold.listen(&mut request);
        }
        Ok((request, hold))
    }
}

/// The service's answer. The body goes on as soon as it is asked for.
async fn answer(
    answering: ResponseFuture,
    hold: Option<&DeferredBody>,
    body: &mut Option<Incoming>,
) -> Result<Response<Incoming>, Error> {
    let mut answering = pin!(answering);
    if let Some(hold) = hold {
        tokio::select! {
            biased;
            answered = &mut answering => return answered,
            () = hold.asked() => {}
        }
        if let Some(body) = body.take() {
            hold.release(body);
        }
    }
    answering.await
}

/// Returns when nothing has moved for `limit`: neither an answer has come nor a byte of the body gone.
async fn silence(hold: Option<&DeferredBody>, limit: Duration) {
    let mut moved = Instant::now();
    loop {
        sleep_until(moved + limit).await;
        match hold.and_then(DeferredBody::moved) {
            Some(later) if later > moved => moved = later,
            _ => return,
        }
    }
}

/// Whether a request certainly did not reach anybody: there was no connection, or it died before the head was written,
/// which is what hyper calls canceled.
fn was_not_sent(error: &Error) -> bool {
    let canceled = |cause: &hyper::Error| cause.is_canceled();
    error.is_connect()
        || error
            .source()
            .and_then(|cause| cause.downcast_ref())
            .is_some_and(canceled)
}
