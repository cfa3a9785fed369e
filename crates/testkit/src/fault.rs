//! What a neighbour does wrong, for layers in front of a real one.

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use serde_json::json;

/// A refusal that the real one would not give now.
pub fn refusal(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(json!({"code": code, "detail": detail}))).into_response()
}

/// The answer with another body.
pub async fn change_body(answer: Response, change: impl FnOnce(&mut Vec<u8>)) -> Response {
    let (mut head, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    head.headers.insert(CONTENT_LENGTH, bytes.len().into());
    Response::from_parts(head, Body::from(bytes))
}

/// The answer, whose connection ends in the middle of the body.
pub async fn cut_off(answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let bytes: Bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
    head.headers.insert(CONTENT_LENGTH, bytes.len().into());
    let half = Ok(bytes.slice(..bytes.len() / 2));
    let broken = async {
        // The server sends the half while it waits for more.
        tokio::task::yield_now().await;
        Err("the connection ends")
    };
    let torn = stream::iter([half]).chain(stream::once(broken));
    Response::from_parts(head, Body::from_stream(torn))
}
