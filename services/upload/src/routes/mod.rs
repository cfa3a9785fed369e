//! One file per resource: request, handler, response.

mod packages;
mod tus;
mod uploads;

use axum::Router;

use crate::State;

pub(crate) fn router() -> Router<State> {
    Router::new()
        .merge(packages::router())
        .merge(uploads::router())
}
