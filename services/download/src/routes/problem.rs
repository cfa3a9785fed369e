//! Refusals, and the page that a browser gets in place of JSON.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use slipway_service::Problem;

use super::page::POLICY;

/// 404 with a code of its own.
pub(super) fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, code, detail)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    title: &'a str,
    /// Begins with a capital and ends with a full stop.
    detail: String,
    request_id: &'a str,
}

/// The page for a browser, which asks for HTML by name; everybody else gets JSON.
pub fn page(problem: &Problem, request: &HeaderMap, request_id: &str) -> Option<Response> {
    let accepts = request.get_all(ACCEPT).iter();
    let browser = accepts
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("text/html"));
    if !browser {
        return None;
    }
    let title = match problem.status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::GONE => "Withdrawn",
        status if status.is_server_error() => "This did not work",
        _ => "This cannot be answered",
    };
    let html = Page {
        title,
        detail: sentence(&problem.detail),
        request_id,
    };
    let html = html.render().ok()?;
    let mut response = problem.head().body(Body::from(html)).ok()?;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let first: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let full_stop = if detail.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{full_stop}", characters.as_str())
}
