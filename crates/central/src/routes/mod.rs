//! One file per resource.

mod config;
mod configuration;

use axum::Router;

use crate::state::CentralState;

pub(crate) fn router() -> Router<CentralState> {
    configuration::router().merge(config::router())
}

#[cfg(feature = "schema")]
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    use utoipa::OpenApi as _;

    let mut document = configuration::Description::openapi();
    document.merge(config::Description::openapi());
    document
}
