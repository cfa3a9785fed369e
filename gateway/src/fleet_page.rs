//! `/status` for operators: what `slipway status` shows, as plain text that a browser reads anew. It is on the listener for
//! operators alone, as `/metrics` is.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, REFRESH};
use http::{Method, StatusCode};
use slipway_contract::fleet::{Fleet, lines};
use slipway_peers::client::Client;

/// Seconds until a browser asks again.
const AGAIN: &str = "2";
/// Longest time that a registry is waited for: one that hangs is to be named at once.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) fn router(client: Client) -> Router {
    Router::new().route("/status", get(show)).with_state(client)
}

async fn show(State(client): State<Client>) -> Response {
    let asking = client.call::<Fleet>("registry", Method::GET, "/internal/fleet", None::<&()>);
    let (status, told) = match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(fleet)) => (StatusCode::OK, lines::lines(&fleet).join("\n")),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no registry tells of the fleet");
            let words =
                "! registry: it does not answer: nobody can come or go, and what runs goes on";
            (StatusCode::SERVICE_UNAVAILABLE, words.to_owned())
        }
        Err(_) => {
            let words = "! registry: it does not answer in time: it was stopped or hangs, and what runs goes on";
            (StatusCode::SERVICE_UNAVAILABLE, words.to_owned())
        }
    };
    let headers = [(REFRESH, AGAIN), (CACHE_CONTROL, "no-store")];
    (status, headers, told + "\n").into_response()
}
