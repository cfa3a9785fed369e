//! What operators ask, on a listener of its own: `/healthz`, `/readyz`, `/metrics`, and the pages of the service.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use serde_json::json;
use slipway_contract::Code;

use super::edge::{edge, with_fallbacks};
use super::problem::Problem;
use crate::health::Health;
use crate::metrics::older_format;
use crate::process::Process;
use crate::process::readings::readings as readings_of;

/// The router for operators, on a listener of its own: nothing else is there.
pub fn router<H: Health>(process: &Process, health: H) -> Router {
    let pages = health.pages();
    let state = Admin {
        process: process.clone(),
        health,
    };
    let routes = Router::new()
        .route("/healthz", get(show_alive::<H>))
        .route("/readyz", get(show_ready::<H>))
        .route("/metrics", get(metrics::<H>))
        .with_state(state)
        .merge(pages);
    edge(process, None, with_fallbacks(routes))
}

#[derive(Clone)]
struct Admin<H> {
    process: Process,
    health: H,
}

async fn show_alive<H: Health>(State(admin): State<Admin<H>>) -> Json<serde_json::Value> {
    Json(alive(&admin.process))
}

async fn show_ready<H: Health>(
    State(admin): State<Admin<H>>,
) -> Result<Json<serde_json::Value>, Problem> {
    let document = ready(&admin.process, &admin.health).await?;
    let gone = admin.process.tasks_gone();
    if !gone.is_empty() {
        let detail = format!(
            "tasks of this instance end again and again: {}; its log has their words",
            gone.join(", ")
        );
        return Err(Problem::unavailable(Code::TaskGone, detail));
    }
    Ok(Json(document))
}

/// The document of `/healthz`: the process answers.
pub fn alive(process: &Process) -> serde_json::Value {
    json!({"service": process.service, "instance": &*process.instance})
}

/// The document of `/readyz`, or 503.
pub async fn ready<H: Health>(process: &Process, health: &H) -> Result<serde_json::Value, Problem> {
    readiness(process, health).await?;
    Ok(json!({"service": process.service, "ready": true}))
}

/// Whether a process can do its own work; never whether its peers can. A damaged database is named, in words for its
/// operator. Any other cause goes to the log alone: it names folders, addresses and software, and whoever reaches the
/// gateway may ask.
pub async fn readiness<H: Health>(process: &Process, health: &H) -> Result<(), Problem> {
    let unready = |detail| Problem::unavailable(Code::NotReady, detail);
    if process.draining.is_cancelled() {
        return Err(Problem::unavailable(
            Code::Draining,
            "this instance is leaving: ask another",
        ));
    }
    if let Some(damaged) = process.damage.found() {
        let detail = format!("this instance cannot work: {damaged}");
        return Err(unready(detail).with_cause(damaged));
    }
    health.ready().await.map_err(|cause| {
        unready("this instance cannot work yet: its log says why".to_owned()).with_cause(cause)
    })
}

async fn metrics<H: Health>(
    State(admin): State<Admin<H>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let mut readings = admin.health.readings().await?;
    readings.extend(readings_of(&admin.process));
    if let Some(saturation) = admin.health.saturation().await? {
        admin.process.metrics.tell_saturation(&saturation);
    }
    let text = admin.process.metrics.render(&readings);
    let accepted = headers.get_all(ACCEPT).iter();
    let is_open = accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/openmetrics-text"));
    let (kind, text) = if is_open {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        (kind, text)
    } else {
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        (kind, older_format(&text))
    };
    Ok(([(CONTENT_TYPE, kind), (VARY, "accept")], text))
}
