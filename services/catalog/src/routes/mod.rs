//! One file per resource: request, handler, response.

mod apps;
mod audit;
mod blocks;
mod changes;
mod channels;
mod downloads;
mod idempotency;
mod openapi;
mod packages;
mod published;
mod releases;
mod removals;
mod render;
mod restore;
mod settling;
mod storage;
mod tokens;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Deserialize;
use slipway_service::Problem;
use slipway_service::http::json::ApiQuery;
use slipway_service::http::list::{Items, List};
use utoipa_axum::router::OpenApiRouter;

use crate::CatalogState;

pub(crate) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new()
        .merge(apps::router())
        .merge(audit::router())
        .merge(blocks::router())
        .merge(changes::router())
        .merge(channels::router())
        .merge(downloads::router())
        .merge(openapi::router())
        .merge(packages::router())
        .merge(published::router())
        .merge(releases::router())
        .merge(removals::router())
        .merge(restore::router())
        .merge(storage::router())
        .merge(tokens::router())
}

/// Refuses every query parameter: an address that takes none must not silently ignore one.
struct NoQuery;

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
