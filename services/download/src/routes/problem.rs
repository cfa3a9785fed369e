//! Refusals, and the page that a browser gets in place of JSON.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use slipway_service::Problem;
use slipway_service::http::page as pages;

/// 404 with a code of its own.
pub(super) fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, code, detail)
}

/// 410 for what was removed for ever.
pub(super) fn deleted(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::GONE, "deleted", detail)
}

/// The page for a browser, which asks for HTML by name; everybody else gets JSON.
pub fn page(problem: &Problem, request: &HeaderMap, request_id: &str) -> Option<Response> {
    let language = pages::wanted(request)?;
    let html = pages::of(problem, language, request_id);
    let mut response = problem.head().body(Body::from(html)).ok()?;
    pages::head(response.headers_mut());
    Some(response)
}
