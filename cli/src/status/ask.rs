//! Asking the registry, and saying who it is that does not answer.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::Method;
use slipway_contract::fleet::Fleet;

use crate::exit::{Exit, Stop};
use crate::server::Server;
use crate::server::failure::Failure;

/// Who is stopped is named within five seconds: so long the registry is waited for, and then the gateway.
const PATIENCE: Duration = Duration::from_millis(2500);
const GATEWAY_PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn fleet(server: &Server) -> anyhow::Result<Fleet> {
    let asking = server.json(Method::GET, "/api/v1/fleet", None);
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(fleet)) => serde_json::from_value(fleet).context("an answer not known here"),
        // Of the token, or of a registry that begins.
        Ok(Err(Failure::Refused(problem))) if !is_away(&problem.code) => {
            Err(Failure::Refused(problem).into())
        }
        // Who is not proven, or is no platform, is not one that is away.
        Ok(Err(failure @ (Failure::Insecure(_) | Failure::Strange))) => Err(failure.into()),
        Ok(Err(_)) | Err(_) => Err(away(server).await.into()),
    }
}

/// What the gateway says for a registry.
fn is_away(code: &str) -> bool {
    [
        "registry_unavailable",
        "upstream_failed",
        "upstream_timeout",
        "busy",
    ]
    .contains(&code)
}

/// Who does not answer: the gateway answers by itself whether it lives.
async fn away(server: &Server) -> Stop {
    let words = match alive(server).await {
        Ok(()) => {
            "registry: it does not answer: it was stopped or killed, or hangs; nobody can come or go and nothing is configured, and what runs goes on"
                .to_owned()
        }
        Err(why) => format!(
            "gateway: it does not answer at {} ({why}): it was stopped or killed, hangs, or is elsewhere",
            server.origin()
        ),
    };
    Stop::new(Exit::Away, "away", words)
}

async fn alive(server: &Server) -> Result<(), String> {
    let url = server
        .resolve("/healthz")
        .map_err(|failure| failure.to_string())?;
    let asking = server.answer(server.request(Method::GET, url));
    match tokio::time::timeout(GATEWAY_PATIENCE, asking).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(failure)) => Err(failure.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}
