//! One file per resource: request, handler, response.

mod packages;

use axum::Router;

use crate::State;

pub(crate) fn router() -> Router<State> {
    Router::new().merge(packages::router())
}
