//! The listener for operators: what the house serves of every process, on a port that the public never reaches.

use anyhow::Context as _;
use axum::Router;
use serde_json::json;
use slipway_service::data::write_whole;
use slipway_service::http::serve::serve;
use slipway_service::{App, Process};
use tokio::net::TcpListener;

use crate::{AdminSettings, Gateway};

/// Serves `/metrics`, `/healthz` and `/readyz`, and writes where to `DIR/gateway/admin.json`.
pub(crate) async fn listen(
    process: &Process,
    health: Gateway,
    settings: &AdminSettings,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "could not listen on {} for operators: choose another [admin] listen",
            settings.listen
        )
    })?;
    let address = listener.local_addr()?.to_string();
    let announcement = json!({
        "instance": process.instance,
        "pid": std::process::id(),
        "addr": address,
    });
    let file = process.data.service(process.service).join("admin.json");
    write_whole(&file, format!("{announcement}\n"))?;
    tracing::info!(address, "metrics are at /metrics of this address");
    let http = process.settings.http.clone();
    let app = App::new(process, health, None, Router::new());
    let stop = process.shutdown.clone();
    process
        .tasks
        .spawn(async move { serve(listener, app.http, &http, stop).await });
    Ok(())
}
