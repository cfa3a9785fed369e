//! `/api/v1/openapi.json`

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;

use crate::CatalogState;

/// Kept by hand; a test compares its paths with the routes.
const DOCUMENT: &str = include_str!("../../openapi.json");

pub(super) fn router() -> Router<CatalogState> {
    Router::new().route(
        "/api/v1/openapi.json",
        get(|| async { ([(CONTENT_TYPE, "application/json")], DOCUMENT) }),
    )
}
