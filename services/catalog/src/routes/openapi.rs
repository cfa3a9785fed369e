//! `/api/v1/openapi.json`

use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use slipway_openapi::Public;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::CatalogState;

/// Made by `slipway openapi`, which joins what stands above the handlers of all services; a test of the command compares.
const DOCUMENT: &str = include_str!("../../openapi.json");

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(show))
}

#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "show_openapi",
    tag = "api",
    summary = "This document",
    security(()),
    responses(Public, (status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}
