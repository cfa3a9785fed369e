//! Addresses that take no query.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Deserialize;
use slipway_runtime::Problem;
use slipway_runtime::http::json::ApiQuery;

/// Refuses every query parameter: an address that takes none must not silently ignore one.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let ApiQuery(Nothing {}) = ApiQuery::from_request_parts(parts, state).await?;
        Ok(Self)
    }
}
