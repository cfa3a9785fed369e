//! A request through a router without a socket. What is answered is held against the description of the API.

use axum::Router;
use axum::body::Body;
use axum::middleware::map_request;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use slipway_peers::guard::INSTANCE;
use slipway_runtime::Process;
use slipway_runtime::http::caller::Caller;
use tower::ServiceExt as _;

use crate::described;

/// Sends `request` and returns the status and the body as JSON (`null` when it is none).
pub async fn call(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let (status, body) = call_for_bytes(router, request).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The same, with the body as it is.
pub async fn call_for_bytes(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (head, body) = answer(router, request).await.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    described::check(&method, &path, head.status, &head.headers, Some(&body));
    (head.status, body.to_vec())
}

/// The same, with the answer whole. A body that is no document is left to the test: it may be cut or endless on purpose.
pub async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (head, mut body) = answer(router, request).await.into_parts();
    let media = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    let mut whole = None;
    if media.is_some_and(|media| media.contains("json")) {
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        body = Body::from(bytes.clone());
        whole = Some(bytes);
    }
    described::check(&method, &path, head.status, &head.headers, whole.as_deref());
    Response::from_parts(head, body)
}

async fn answer(router: &Router, request: Request<Body>) -> Response<Body> {
    router
        .clone()
        .oneshot(request)
        .await
        .expect("routers do not fail")
}

/// A request as it reaches `process` over a connection that `caller` has proven itself on.
pub fn called_by(process: &Process, caller: &str, mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(Caller(caller.into()));
    let headers = request.headers_mut();
    headers.insert(
        INSTANCE.clone(),
        process.instance.parse().expect("a header's value"),
    );
    request
}

/// The router as the world reaches it: what no other service is said to ask, the gateway asks.
pub fn through_the_gateway(process: &Process, router: Router) -> Router {
    let process = process.clone();
    router.layer(map_request(move |request: Request<Body>| {
        let process = process.clone();
        async move {
            if request.extensions().get::<Caller>().is_some() {
                return request;
            }
            called_by(&process, "gateway", request)
        }
    }))
}

/// The same calls to routes that a test has invented: no description knows them.
pub mod invented {
    use http_body_util::BodyExt as _;

    use super::{Body, Request, Response, Router, StatusCode, Value, answer};

    pub async fn call(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
        let (status, body) = call_for_bytes(router, request).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn call_for_bytes(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let (head, body) = answer(router, request).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        (head.status, body.to_vec())
    }

    pub async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
        answer(router, request).await
    }
}
