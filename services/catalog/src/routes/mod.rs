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
mod releases;
mod render;
mod restore;
mod tokens;

use axum::Router;
use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use slipway_service::Problem;
use slipway_service::http::json::ApiQuery;

use crate::State;

/// Rows of a list unless `limit` says otherwise, and at most.
const PAGE: i64 = 50;
const LONGEST_PAGE: i64 = 200;

pub(crate) fn router() -> Router<State> {
    Router::new()
        .merge(apps::router())
        .merge(audit::router())
        .merge(blocks::router())
        .merge(changes::router())
        .merge(channels::router())
        .merge(downloads::router())
        .merge(openapi::router())
        .merge(packages::router())
        .merge(releases::router())
        .merge(restore::router())
        .merge(tokens::router())
}

/// The query of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    limit: Option<i64>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: String,
}

impl List {
    fn limit(&self) -> i64 {
        self.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE)
    }
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

/// A page of a list; `next` is the cursor of the following one.
#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T> Items<T> {
    fn new(items: Vec<T>, limit: i64, key: impl Fn(&T) -> &str) -> Self {
        let full = i64::try_from(items.len()).unwrap_or(0) >= limit;
        let next = items
            .last()
            .filter(|_| full)
            .map(|item| key(item).to_owned());
        Self { items, next }
    }
}
