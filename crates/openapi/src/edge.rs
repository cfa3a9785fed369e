//! What every service answers by what all services share, and not by a handler of its own: the functions here are never
//! called. The handlers are in the crate that all services share, which the gateway links too, and that without this.

#![expect(dead_code, reason = "their attributes are what counts")]

use slipway_contract::held::Report;
use utoipa::{OpenApi, ToSchema};

use crate::{InternalReading, ProblemDocument, Public};

#[derive(OpenApi)]
#[openapi(paths(instance, held, alive, ready, metrics))]
struct Edge;

/// The part of the internal document that is no single service's.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Edge::openapi()
}

/// The process that answers, for whoever has found its address.
#[derive(ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the names of the document's members"
)]
struct Instance {
    service: String,
    /// A UUID made at the process's start.
    #[schema(format = "uuid")]
    instance: String,
    /// `host:port` for others.
    #[schema(required = true)]
    addr: Option<String>,
}

#[utoipa::path(
    get,
    path = "/internal/instance",
    operation_id = "show_instance",
    summary = "Show which process answers",
    description = "The registry asks it of who says where it listens. Every service answers.",
    responses((status = 200, description = "The process.", body = Instance), InternalReading)
)]
fn instance() {}

#[utoipa::path(
    get,
    path = "/internal/held",
    operation_id = "show_held",
    summary = "Show what an older copy of the catalog's database would undo",
    description = "Answered by upload and download, which follow the change feed.",
    responses((status = 200, description = "Where it stands.", body = Report), InternalReading)
)]
fn held() {}

#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "show_alive",
    summary = "Ask whether the process answers",
    description = "At the listener for operators, of every service and the gateway.",
    security(()),
    responses((status = 200, description = "It does.", body = Object), Public)
)]
fn alive() {}

#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "show_ready",
    summary = "Ask whether the process can do its work",
    description = "At the listener for operators, of every service and the gateway. It says nothing of peers.",
    security(()),
    responses(
        (status = 200, description = "It can.", body = Object),
        (
            status = 503,
            description = "`not_ready`, `draining`, `task_gone`: it cannot, or it is ending.",
            body = ProblemDocument,
            content_type = "application/problem+json"
        )
    )
)]
fn ready() {}

#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "show_metrics",
    summary = "Show the metrics",
    description = "At the listener for operators: OpenMetrics, or the older format of Prometheus for who asks for it.",
    security(()),
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain"), Public)
)]
fn metrics() {}
