//! One request from its head to its answer: refuse, answer, or send on; one line of the log and one count, whatever
//! became of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Instant;

use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use serde_json::json;
use slipway_service::Problem;
use slipway_service::http::edge::{REQUEST_ID, readiness};
use slipway_service::http::serve::Arrival;
use uuid::Uuid;

use crate::answer::{self, Body};
use crate::request::{self, Forwarding};
use crate::{Gateway, path, routes};

impl hyper::service::Service<Request<Incoming>> for Gateway {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

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

/// What the log tells of a request. When it is dropped before the answer, the client has gone away.
struct Trace {
    begun: Instant,
    id: String,
    method: Method,
    path: String,
    route: Option<String>,
    instance: Option<String>,
    answered: bool,
}

impl Gateway {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let mut trace = Trace::new(&request);
        let page = answer::wanted_page(&trace.path, request.headers());
        let has_body = !request.body().is_end_stream();
        let outcome = self.answer(request, &mut trace).await;
        let cause = outcome.as_ref().err().and_then(Problem::cause);
        let mut answer = outcome.unwrap_or_else(|problem| {
            let mut answer = answer::problem(&problem, page, &trace.id);
            if has_body {
                // What is left of the body stays unread, so the connection cannot be used again.
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            answer
        });
        if let Ok(id) = HeaderValue::from_str(&trace.id) {
            answer.headers_mut().insert(REQUEST_ID.clone(), id);
        }
        self.record(&mut trace, answer.status().as_u16(), cause);
        answer
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        trace: &mut Trace,
    ) -> Result<Response<Body>, Problem> {
        let Some(arrival) = request.extensions().get::<Arrival>().copied() else {
            return Err(Problem::internal(
                "a request came by another way than the accept loop",
            ));
        };
        let authority = request::check(&request, arrival.framing)?;
        path::check(request.uri().path())?;
        if let Some(answer) = self.answer_itself(&request, trace).await {
            return answer;
        }
        let route = self.0.routes.find(request.method(), request.uri().path())?;
        trace.route = Some(route.pattern.clone());
        let id = HeaderValue::from_str(&trace.id).map_err(Problem::internal)?;
        let forwarding = Forwarding {
            id: &id,
            peer: arrival.peer.ip(),
            authority: authority.as_ref(),
            version: request.version(),
            service: route.upstream.name,
        };
        request::prepare(request.headers_mut(), &forwarding);
        let resuming = asks_to_resume(&request);
        let upstreams = &self.0.upstreams;
        let outcome = upstreams
            .forward(&route.upstream, &id, request, &mut trace.instance)
            .await;
        if resuming {
            or_locked(outcome)
        } else {
            outcome
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
        trace.route = Some(path.to_owned());
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(Err(routes::method_not_allowed(&[
                Method::GET,
                Method::HEAD,
            ])));
        }
        if path == "/healthz" {
            let document = json!({"service": process.service, "instance": process.instance});
            return Some(Ok(answer::json(&document)));
        }
        let document = json!({"service": process.service, "ready": true});
        Some(
            readiness(process, self)
                .await
                .map(|()| answer::json(&document)),
        )
    }

    /// The time is that to the head of the answer: a download takes as long as its client does.
    fn record(&self, trace: &mut Trace, status: u16, cause: Option<String>) {
        trace.answered = true;
        let duration = trace.begun.elapsed();
        let millis = duration.as_secs_f64() * 1000.0;
        let Trace {
            id,
            method,
            path,
            instance,
            ..
        } = &*trace;
        let route = trace.route.as_deref().unwrap_or("(none)");
        self.0
            .process
            .metrics
            .observe(method.as_str(), route, status, duration);
        match cause {
            Some(cause) => {
                tracing::error!(%method, path, route, status, millis, request_id = id, instance, cause, "request failed");
            }
            None if route == "/healthz" || route == "/readyz" => {
                tracing::debug!(%method, path, route, status, millis, request_id = id, "request");
            }
            None => {
                tracing::info!(%method, path, route, status, millis, request_id = id, instance, "request");
            }
        }
    }
}

impl Trace {
    fn new(request: &Request<Incoming>) -> Self {
        Self {
            begun: Instant::now(),
            id: Uuid::now_v7().to_string(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: None,
            instance: None,
            answered: false,
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let millis = self.begun.elapsed().as_secs_f64() * 1000.0;
        let Self {
            id,
            method,
            path,
            route,
            instance,
            ..
        } = self;
        let route = route.as_deref().unwrap_or("(none)");
        tracing::info!(%method, path, route, millis, request_id = id, instance, "the client went away before the answer");
    }
}
