//! One request from its head to its answer: refuse, answer, or send on; one line of the log and one count, whatever
//! became of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use hyper::body::{Body as _, Incoming, SizeHint};
use slipway_runtime::Problem;
use slipway_runtime::http::edge::REQUEST_ID;
use slipway_runtime::http::framing::Framing;
use slipway_runtime::http::operators;
use slipway_runtime::http::request_line::RequestLine;
use slipway_runtime::http::serve::Arrival;
use tower::BoxError;
use uuid::Uuid;

use crate::answer::{self, Body, PermittedBy};
use crate::cors::{self, Sharing};
use crate::deferred_body::Received;
use crate::forward::Sending;
use crate::request::{self, Forwarding};
use crate::routes::{self, Route};
use crate::state::{Gateway, Live, Shared};
use crate::{client, path, tunnel};

impl hyper::service::Service<Request<Incoming>> for Gateway {
    type Response = Response<Told>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Told>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { Ok(gateway.handle(request).await) })
    }
}

/// Whether a tus client asks how far its upload has come.
fn asks_to_resume(request: &Request<Incoming>) -> bool {
    request.method() == Method::HEAD && request.headers().contains_key("tus-resumable")
}

/// "Not now" in the one way that makes tus-js-client wait: after any other failure of this question, 503 too, it begins a
/// new upload with the first byte.
fn or_locked(outcome: Result<Response<Body>, Problem>) -> Result<Response<Body>, Problem> {
    match outcome {
        Ok(mut answer) if answer.status().is_server_error() => {
            *answer.status_mut() = StatusCode::LOCKED;
            Ok(answer)
        }
        Err(mut problem) if problem.status.is_server_error() => {
            problem.status = StatusCode::LOCKED;
            Err(problem)
        }
        outcome => outcome,
    }
}

/// Says how long the service took to the first byte of its answer (`Server-Timing`, W3C): milliseconds, beside what services
/// say themselves.
fn timed(mut answer: Response<Body>, took: Duration) -> Response<Body> {
    let entry = format!("upstream;dur={:.1}", took.as_secs_f64() * 1000.0);
    if let Ok(entry) = HeaderValue::from_str(&entry) {
        answer.headers_mut().append("server-timing", entry);
    }
    answer
}

/// One request on its way. When it is dropped before the answer, the client has gone away.
struct Trace {
    line: RequestLine,
    received: Received,
    /// Of the answer's body that have left.
    bytes: u64,
}

/// An answer's body that writes the line of its request when the last of it has left, or nobody wants more of it.
pub struct Told {
    body: Body,
    trace: Trace,
}

impl Gateway {
    async fn handle(&self, request: Request<Incoming>) -> Response<Told> {
        let mut trace = Trace::new(self.0.process.service, &request);
        let page = answer::wanted_page(&trace.line.path, request.headers());
        let has_body = !request.body().is_end_stream();
        let live = self.live();
        let route = live.routes.find(request.method(), request.uri().path());
        let sharing = live.sharing(&request, route.as_ref().ok().copied());
        let outcome = match sharing.preflight(&request) {
            Some(fields) => Ok(answer::preflight(fields)),
            None => self.answer(request, &live, route, &mut trace).await,
        };
        let cause = outcome.as_ref().err().and_then(Problem::cause);
        let mut answer = outcome.unwrap_or_else(|problem| {
            let mut answer = answer::problem(&problem, page, &trace.line.request_id);
            if has_body {
                // What is left of the body stays unread, so the connection cannot be used again.
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            answer
        });
        if let Ok(id) = HeaderValue::from_str(&trace.line.request_id) {
            answer.headers_mut().insert(REQUEST_ID.clone(), id);
        }
        sharing.mark(answer.headers_mut(), &live.cors);
        self.note(&mut trace, &answer, cause);
        answer.map(|body| Told { body, trace })
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        live: &Live,
        route: Result<&Route, Problem>,
        trace: &mut Trace,
    ) -> Result<Response<Body>, Problem> {
        let extensions = request.extensions();
        let (Some(&Arrival { peer }), Some(&framing)) =
            (extensions.get(), extensions.get::<Framing>())
        else {
            return Err(Problem::internal(
                "a request came by another way than the public accept loop",
            ));
        };
        let Shared {
            trusted_proxies,
            proxy_field,
            ..
        } = &*self.0;
        let client = client::address(peer.ip(), request.headers(), trusted_proxies, *proxy_field);
        trace.line.client = Some(client);
        let authority = request::check(&request, framing)?;
        path::check(request.uri().path())?;
        if let Some(answer) = self.answer_itself(&request, trace).await {
            return answer;
        }
        live.routes.check_end(request.method(), request.uri())?;
        let route = route?;
        trace.line.route = Some(route.pattern.clone());
        let id = HeaderValue::from_str(&trace.line.request_id).map_err(Problem::internal)?;
        let forwarding = Forwarding {
            id: &id,
            client,
            authority: authority.as_ref(),
            version: request.version(),
            service: route.upstream.name,
            credentials: route.credentials,
        };
        let resuming = asks_to_resume(&request);
        let asked = Instant::now();
        let outcome = self
            .send_on(request, live, route, &forwarding, trace)
            .await
            .map(|answer| timed(answer, asked.elapsed()));
        if resuming {
            or_locked(outcome)
        } else {
            outcome
        }
    }

    /// Sends a request on that is refused by nothing here.
    async fn send_on(
        &self,
        mut request: Request<Incoming>,
        live: &Live,
        route: &Route,
        forwarding: &Forwarding<'_>,
        trace: &mut Trace,
    ) -> Result<Response<Body>, Problem> {
        let is_tunnel = route.upstream.is_own && tunnel::is_asked(&request);
        let client_end = is_tunnel.then(|| hyper::upgrade::on(&mut request));
        request::prepare(request.headers_mut(), forwarding);
        let sending = Sending {
            upstream: &route.upstream,
            limits: &live.limits,
            is_tunnel,
            received: &trace.received,
        };
        let Shared {
            upstreams, process, ..
        } = &*self.0;
        let answered = upstreams
            .forward(&sending, request, &mut trace.line.instance)
            .await?;
        match client_end {
            Some(client_end) if answered.response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let (answer, service_end, place) = answer::tunnelled(answered);
                let stop = process.shutdown.clone();
                let idle = live.limits.tunnel;
                let carrying = tunnel::carry(client_end, service_end, idle, stop, place);
                process.tasks.spawn(carrying);
                Ok(answer)
            }
            _ => Ok(answer::streamed(answered, &live.limits, forwarding.id)),
        }
    }

    /// The addresses of the gateway's own, for load balancers.
    async fn answer_itself(
        &self,
        request: &Request<Incoming>,
        trace: &mut Trace,
    ) -> Option<Result<Response<Body>, Problem>> {
        let process = &self.0.process;
        let path = request.uri().path();
        if path != "/healthz" && path != "/readyz" {
            return None;
        }
        trace.line.route = Some(path.to_owned());
        let method = request.method();
        let known = [Method::GET, Method::HEAD];
        if !known.contains(method) {
            return Some(Err(routes::method_not_allowed(method, &known)));
        }
        if path == "/healthz" {
            return Some(Ok(answer::json(&operators::alive(process))));
        }
        let ready = operators::ready(process, self).await;
        Some(ready.map(|document| answer::json(&document)))
    }

    /// Counts the request, and keeps what its line will tell.
    fn note(&self, trace: &mut Trace, answer: &Response<Body>, cause: Option<String>) {
        let token = answer.extensions().get::<PermittedBy>();
        let token = token.and_then(|PermittedBy(id)| id.to_str().ok());
        trace.line.token = token.map(str::to_owned);
        let metrics = &self.0.process.metrics;
        trace.line.answered(metrics, answer.status(), cause);
    }
}

impl Live {
    /// With whom the answer is shared; `route` is the request's own. A preflight asks for another request.
    fn sharing(&self, request: &Request<Incoming>, route: Option<&Route>) -> Sharing {
        let Self { routes, cors, .. } = self;
        match cors::asked_method(request) {
            Some(asked) => {
                let route = routes.find(&asked, request.uri().path());
                Sharing::of(request, &asked, route.ok(), cors)
            }
            None => Sharing::of(request, request.method(), route, cors),
        }
    }
}

impl Trace {
    fn new(service: &'static str, request: &Request<Incoming>) -> Self {
        let id = Uuid::now_v7().to_string();
        Self {
            line: RequestLine::begin(service, id, request),
            received: Received::default(),
            bytes: 0,
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.line.received = self.received.bytes();
        self.line.write(self.bytes);
    }
}

impl http_body::Body for Told {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.trace.bytes += data.len() as u64;
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
