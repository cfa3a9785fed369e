//! One attempt: a request to one instance, and what was seen of it.

use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::time::Duration;

use http::header::{CONNECTION, EXPECT, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Error, ResponseFuture};
use slipway_peers::guard::DRAINING;
use slipway_peers::probe::{self, Sign};
use slipway_runtime::Problem;
use tokio::time::{Instant, sleep_until};
use tower::timeout::error::Elapsed;

use super::breaker::Event;
use super::problems::{failed, silent, unavailable, unwanted_tunnel};
use super::retry;
use super::target::Target;
use super::upstreams::{Asking, Outcome, Upstreams};
use crate::connections::Outgoing;
use crate::deferred_body::DeferredBody;
use crate::request::address_to;
use crate::routes::Upstream;
use crate::tunnel;

impl Upstreams {
    /// One attempt. A service that hangs for `patience` is given up.
    pub(super) async fn attempt(
        &self,
        asking: &Asking<'_>,
        target: &mut Target,
        body: &mut Option<Incoming>,
        patience: Duration,
    ) -> Outcome {
        let Asking {
            upstream, limits, ..
        } = *asking;
        let (request, hold) = match self.outgoing(asking, target, body.as_ref()) {
            Ok(outgoing) => outgoing,
            Err(error) => return Outcome::Failed(Problem::internal(error)),
        };
        let pool = &target.place.instance.pool;
        let connection = self.connections.to(upstream.name, pool, limits.silence);
        let answering = connection.request(request);
        let answered = tokio::select! {
            answered = answer(answering, hold.as_ref(), body) => answered,
            () = silence(hold.as_ref(), limits.silence) => {
                target.place.tell(Event::Failed);
                return Outcome::Failed(silent(upstream));
            }
            () = self.hangs(target, patience) => return Outcome::Hangs,
        };
        let untouched = hold.is_none() || body.is_some();
        match answered {
            Ok(answer) => {
                self.note_drain(upstream, target, &answer);
                answered_with(asking, target, answer, hold, body)
            }
            Err(error) if untouched && was_not_sent(&error) => {
                self.note_not_sent(target, &error);
                Outcome::NotSent(error)
            }
            Err(error) => {
                let of_body = hold.and_then(|hold| hold.failure());
                if of_body.is_some() {
                    return Outcome::Failed(failed(upstream, error, of_body));
                }
                target.place.tell(Event::Failed);
                Outcome::Cut(failed(upstream, error, None))
            }
        }
    }

    /// Returns when the instance has proven itself on no new connection for `limit`.
    async fn hangs(&self, target: &Target, limit: Duration) {
        let instance = &target.place.instance;
        let Some(address) = instance.address else {
            return std::future::pending().await;
        };
        loop {
            probe::silence(&self.identity, instance.service, address).await;
            instance.doubt(&self.identity);
            let since = Instant::now();
            while since.elapsed() < limit {
                if probe::look(&self.identity, instance.service, address).await != Sign::Silent {
                    break;
                }
            }
            if since.elapsed() >= limit {
                return;
            }
        }
    }

    /// An instance that leaves says so in every answer: so it is known while no registry is there to say it.
    fn note_drain<B>(&self, upstream: &Upstream, target: &Target, answer: &Response<B>) {
        if answer.headers().contains_key(&DRAINING)
            && let Ok(instance) = target.name.to_str()
        {
            self.view.leaves(upstream.name, instance);
        }
    }

    /// A connection that was kept and had ended says nothing of its instance.
    fn note_not_sent(&self, target: &mut Target, error: &Error) {
        if !error.is_connect() {
            return;
        }
        if came_too_late(error) {
            target.place.instance.doubt(&self.identity);
        } else {
            target.place.tell(Event::Refused);
        }
    }

    fn outgoing(
        &self,
        asking: &Asking<'_>,
        target: &Target,
        body: Option<&Incoming>,
    ) -> Result<(Request<Outgoing>, Option<DeferredBody>), http::Error> {
        let Asking {
            head,
            received,
            limits,
            ..
        } = *asking;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder()
            .scheme("https")
            .authority(target.place.instance.authority.clone())
            .path_and_query(path)
            .build()?;
        let defer = |body| DeferredBody::new(body, limits.body, received.clone());
        let (hold, held) = body.map(defer).unzip();
        let outgoing = held.map_or_else(|| Either::Left(Empty::new()), Either::Right);
        let mut request = Request::new(outgoing);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().clone_from(&head.headers);
        let headers = request.headers_mut();
        headers.remove(EXPECT);
        if asking.is_tunnel {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, tunnel::WEBSOCKET);
        }
        address_to(headers, &target.name, self.run.as_ref());
        if let Some(hold) = &hold {
            headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
            hold.listen(&mut request);
        }
        Ok((request, hold))
    }
}

/// What an answer makes of its attempt.
fn answered_with(
    asking: &Asking<'_>,
    target: &mut Target,
    answer: Response<Incoming>,
    hold: Option<DeferredBody>,
    body: &mut Option<Incoming>,
) -> Outcome {
    let Asking { upstream, .. } = *asking;
    let (status, headers) = (answer.status(), answer.headers());
    if status == StatusCode::MISDIRECTED_REQUEST {
        // Another process has the address, and what is known of this one is of no use.
        return if hold.is_none() || body.is_some() {
            Outcome::Misdirected(answer)
        } else {
            Outcome::Failed(unavailable(upstream))
        };
    }
    target.place.tell(retry::seen(status, headers));
    // What nobody has asked for is no tunnel: the client's next request would be taken for its bytes (smuggling).
    if status == StatusCode::SWITCHING_PROTOCOLS
        && !(asking.is_tunnel && tunnel::is_agreed(headers))
    {
        return Outcome::Failed(unwanted_tunnel(upstream));
    }
    // A body that nobody has touched stays whole for another instance.
    if let Some(hold) = &hold
        && retry::of_answer(status, headers).is_none()
    {
        match body.take() {
            // It may read on while it answers.
            Some(body) if status.is_success() => hold.release(body),
            _ if !status.is_success() => hold.pause(),
            _ => {}
        }
    }
    Outcome::Answered(answer, hold)
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

/// Whether no connection could be made because nothing came back, and not because somebody refused.
fn came_too_late(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let of_system = error.downcast_ref::<io::Error>();
        if error.is::<Elapsed>()
            || of_system.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
        {
            return true;
        }
        cause = error.source();
    }
    false
}
