//! What stands around every router: identity, request id, one log line per request, errors as problem+json, panics
//! caught, `/healthz`, `/readyz` and `/metrics`.

use std::time::Instant;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use super::problem::Problem;
use crate::internal::verify;
use crate::process::{Health, Process};

/// The id of a request, the same in the answer, in the log and in every call made for it.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The instance that a request is meant for, and in a 421 the one that answered.
pub static INSTANCE: HeaderName = HeaderName::from_static("x-slipway-instance");
/// In a 421 the service that answered.
pub static SERVICE: HeaderName = HeaderName::from_static("x-slipway-service");

/// How a problem becomes a body: JSON unless a service has pages for browsers.
pub type Page = fn(&Problem, &HeaderMap, &str) -> Option<Response>;

struct Edge<H> {
    process: Process,
    health: H,
    page: Option<Page>,
}

impl<H: Health> Clone for Edge<H> {
    fn clone(&self) -> Self {
        Self {
            process: self.process.clone(),
            health: self.health.clone(),
            page: self.page,
        }
    }
}

/// Puts the edge around a service's routes. `page` may answer a problem with a page of its own.
pub fn edge<H: Health>(process: &Process, health: H, page: Option<Page>, routes: Router) -> Router {
    let state = Edge {
        process: process.clone(),
        health,
        page,
    };
    let house = Router::new()
        .route("/healthz", get(alive::<H>))
        .route("/readyz", get(ready::<H>))
        .route("/metrics", get(metrics::<H>))
        .with_state(state.clone());
    routes
        .merge(house)
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this address does not know that method: see the Allow header",
            )
        })
        .layer(from_fn_with_state(process.clone(), verify::check))
        .layer(DefaultBodyLimit::max(process.settings.http.max_json_bytes))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state, around::<H>))
}

/// Everything that happens once per request, outermost.
async fn around<H: Health>(
    State(edge): State<Edge<H>>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let id = request_id(&headers);
    // Handlers read it there: it goes into rows and calls.
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = match misdirected(&edge.process, &headers) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        response = render(problem, &headers, &id, edge.page, &response);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let duration = begun.elapsed();
    edge.process
        .metrics
        .observe(method.as_str(), route, status, duration);
    let millis = duration.as_secs_f64() * 1000.0;
    match problem.as_ref().and_then(Problem::cause) {
        Some(cause) => {
            tracing::error!(%method, path, route, status, millis, request_id = id, cause, "request failed");
        }
        None if route == "/healthz" || route == "/readyz" => {
            tracing::debug!(%method, path, route, status, millis, request_id = id, "request");
        }
        None => tracing::info!(%method, path, route, status, millis, request_id = id, "request"),
    }
    response
}

/// The client's or the gateway's id when it is one of ours to repeat, else a new one: what is logged is never chosen
/// freely by a client (log injection).
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Uuid::try_parse(text).ok())
        .unwrap_or_else(Uuid::now_v7)
        .to_string()
}

/// 421 before the body is read when the request is meant for another process: addresses get reused after a crash.
fn misdirected(process: &Process, headers: &HeaderMap) -> Option<Response> {
    let meant_for = headers.get(&INSTANCE)?.as_bytes();
    if meant_for == b"*" || meant_for == process.instance.as_bytes() {
        return None;
    }
    Some(
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected",
            "another instance has this address now: look it up again",
        )
        .with_header("x-slipway-service", process.service)
        .with_header("x-slipway-instance", &*process.instance)
        .into_response(),
    )
}

fn render(
    problem: &Problem,
    headers: &HeaderMap,
    id: &str,
    page: Option<Page>,
    bare: &Response,
) -> Response {
    let mut answer = page
        .and_then(|page| page(problem, headers, id))
        .unwrap_or_else(|| {
            let mut answer = (problem.status, Json(problem.body(id))).into_response();
            answer.headers_mut().insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/problem+json"),
            );
            answer
        });
    // What the layers below have added, such as Allow, stays.
    for (name, value) in bare.headers() {
        if name != http::header::CONTENT_LENGTH {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    Problem::internal(format!("a handler panicked: {words}")).into_response()
}

async fn alive<H: Health>(State(edge): State<Edge<H>>) -> Json<serde_json::Value> {
    Json(json!({"service": edge.process.service, "instance": edge.process.instance}))
}

async fn ready<H: Health>(State(edge): State<Edge<H>>) -> Result<Json<serde_json::Value>, Problem> {
    readiness(&edge.process, &edge.health).await?;
    Ok(Json(
        json!({"service": edge.process.service, "ready": true}),
    ))
}

/// Whether a process can do its own work; never whether its peers can.
pub async fn readiness<H: Health>(process: &Process, health: &H) -> Result<(), Problem> {
    if process.draining.is_cancelled() {
        return Err(Problem::unavailable(
            "draining",
            "this instance is leaving: ask another",
        ));
    }
    health.ready().await.map_err(|cause| {
        Problem::unavailable(
            "not_ready",
            format!("this instance cannot work yet: {cause:#}"),
        )
        .with_cause(cause)
    })
}

async fn metrics<H: Health>(
    State(edge): State<Edge<H>>,
) -> Result<impl axum::response::IntoResponse, Problem> {
    let readings = edge.health.readings().await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((
        [(CONTENT_TYPE, kind)],
        edge.process.metrics.render(&readings),
    ))
}
