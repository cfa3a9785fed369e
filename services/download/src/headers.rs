//! Headers that answers to end users have in common.

use axum::response::{IntoResponseParts, Response};
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use slipway_runtime::http::page::POLICY;

/// What an address that never changes its content may be kept for: short, so that a yank is soon everywhere.
pub(crate) const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// A package may be an HTML page in disguise: opened in place, it gets no origin, no script and nothing to load.
pub(crate) const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// Nothing is guessed from content, and a refusal is not kept by caches: a cached 404 would hide a new release.
pub(crate) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Those of a page that depends on who looks at it.
pub(crate) fn of_page() -> impl IntoResponseParts {
    [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            VARY,
            HeaderValue::from_static("accept, accept-language, user-agent"),
        ),
    ]
}
