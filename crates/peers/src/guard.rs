//! The callee's side: no request passes that is meant for another process, or without a proven caller and a line in
//! [`crate::access`].

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use slipway_contract::Code;
use slipway_runtime::http::caller::Caller;
use slipway_runtime::http::edge::{self, Page, with_fallbacks};
use slipway_runtime::process::address::Address;
use slipway_runtime::{Problem, Process};

use crate::access::{self, INSTANCE_PATH};

/// The instance that a request is meant for, and in an answer between services the one that gave it.
pub static INSTANCE: HeaderName = HeaderName::from_static("x-slipway-instance");
/// Says in every answer of an instance that leaves that it does: the gateway sends it nothing more, also while no registry
/// is there to say so. The world never sees it.
pub static DRAINING: HeaderName = HeaderName::from_static("x-slipway-draining");
/// The run of `slipway up` that a request is meant for.
pub static RUN: HeaderName = HeaderName::from_static("x-slipway-run");

/// Puts the guard and the edge of a process around a service's routes. `page` may answer problems with pages for browsers.
pub fn edge(process: &Process, page: Option<Page>, routes: Router) -> Router {
    edge::edge(process, page, guard(process, routes))
}

/// Puts the guard around a service's routes.
fn guard(process: &Process, routes: Router) -> Router {
    let own = Router::new()
        .route(INSTANCE_PATH, get(who))
        .with_state(process.clone());
    with_fallbacks(routes.merge(own))
        .layer(from_fn_with_state(process.clone(), check))
        .layer(from_fn_with_state(process.clone(), addressed))
}

/// Lets through what the table permits.
async fn check(State(process): State<Process>, request: Request, next: Next) -> Response {
    match check_request(&process, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn check_request(process: &Process, request: &Request) -> Result<(), Problem> {
    let Caller(caller) = request.extensions().get().ok_or_else(Problem::unproven)?;
    let path = request.uri().path();
    if access::permits(process.service, request.method(), path, caller) {
        return Ok(());
    }
    tracing::warn!(%caller, method = %request.method(), path, "a service asked for what it may not");
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        Code::CallerNotPermitted,
        "this service may not ask for that",
    ))
}

/// 421 before the body is read when the request is meant for another process: addresses get reused after a crash, and a
/// copied data folder holds the addresses of its original. Only a process of our own run is told who we are.
async fn addressed(State(process): State<Process>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.get(&RUN).map(HeaderValue::as_bytes) != process.run.as_deref().map(str::as_bytes) {
        return misdirected("this is another run of the platform: look the address up again")
            .into_response();
    }
    // A configured URL is all that is known of a registry before it has answered once.
    let meant_for_us = match headers.get(&INSTANCE) {
        Some(instance) => instance.as_bytes() == process.instance.as_bytes(),
        None => process.service == "registry",
    };
    let internal = request.uri().path().starts_with("/internal/");
    let mut response = if meant_for_us {
        next.run(request).await
    } else {
        misdirected("another instance has this address now: look it up again").into_response()
    };
    if (internal || !meant_for_us)
        && let Ok(value) = HeaderValue::from_str(&process.instance)
    {
        response.headers_mut().insert(INSTANCE.clone(), value);
    }
    if process.draining.is_cancelled() {
        let leaves = HeaderValue::from_static("1");
        response.headers_mut().insert(DRAINING.clone(), leaves);
    }
    response
}

fn misdirected(detail: &str) -> Problem {
    Problem::new(StatusCode::MISDIRECTED_REQUEST, Code::Misdirected, detail)
}

/// Which instance this is and where others reach it, for a registry that proves a lease's address.
async fn who(State(process): State<Process>) -> Json<serde_json::Value> {
    Json(json!({
        "service": process.service,
        "instance": &*process.instance,
        "addr": process.address.as_ref().and_then(Address::known).as_deref(),
    }))
}
