//! `/a/{app}`: the install page.
use axum::Router;
use http::HeaderValue;

use crate::State;

/// No script, no frame, no form; styles stand in the page.
pub(super) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) fn router() -> Router<State> {
    Router::new()
}
