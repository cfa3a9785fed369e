//! A request through a router without a socket.

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use slipway_service::Process;
use slipway_service::clock;
use slipway_service::internal::key::Signed;
use tower::ServiceExt as _;

/// Sends `request` and returns the status and the body as JSON (`null` when it is none).
pub async fn call(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let (status, body) = call_for_bytes(router, request).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// The same, with the body as it is.
pub async fn call_for_bytes(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let response = send(router, request).await;
    let status = response.status();
    let body = response.into_body().collect().await.expect("a whole body");
    (status, body.to_bytes().to_vec())
}

/// The same, with the answer whole.
pub async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router
        .clone()
        .oneshot(request)
        .await
        .expect("routers do not fail")
}

/// Signs an internal request as `caller` would, to `process`.
pub fn signed(process: &Process, caller: &str, mut request: Request<Body>) -> Request<Body> {
    let time = clock::unix_millis() / 1000;
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let signature = process.key.derive(caller).sign(Signed {
        caller,
        callee: process.service,
        instance: &process.instance,
        method: request.method(),
        path: &path,
        time,
    });
    let headers = request.headers_mut();
    let mut set = |name: &'static str, value: String| {
        headers.insert(name, value.parse().expect("a header's value"));
    };
    set("x-slipway-caller", caller.to_owned());
    set("x-slipway-instance", process.instance.to_string());
    set("x-slipway-time", time.to_string());
    set("x-slipway-signature", signature);
    request
}
