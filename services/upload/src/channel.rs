//! Whether a channel is there, asked before a byte comes: the catalog knows, and a spelling mistake must not cost an upload.
//!
//! It decides when the package is handed over. While it is away nothing is refused here, and nothing is published either.

use std::time::Duration;

use http::{Method, StatusCode};
use slipway_packages::Slug;
use slipway_service::Problem;
use slipway_service::internal::client::CallError;

use crate::UploadState;
use crate::parameters::Parameters;

/// Channels that every app may publish to: the catalog is not asked.
const EVERYBODYS: [&str; 2] = ["beta", "stable"];
/// The longest that an upload waits for the answer: a catalog that hangs holds nobody up.
const ANSWER: Duration = Duration::from_secs(2);

/// Refuses a channel that the catalog says is not there, unless it is to be made.
pub(crate) async fn check(
    state: &UploadState,
    app: &str,
    parameters: &Parameters,
) -> Result<(), Problem> {
    let asked = parameters.channel.as_ref().map(Slug::as_str);
    let Some(channel) = asked.filter(|channel| !EVERYBODYS.contains(channel)) else {
        return Ok(());
    };
    if parameters.create_channel {
        return Ok(());
    }
    let path = format!("/internal/channels/{app}/{channel}");
    let client = &state.peers.client;
    let call = client.call::<serde_json::Value>("catalog", Method::GET, &path, None::<&()>);
    match tokio::time::timeout(ANSWER, call).await {
        Ok(Err(CallError::Refused { code, detail, .. })) => refusal(&code, detail),
        // It is away, or one of an earlier version: it decides later.
        _ => Ok(()),
    }
}

fn refusal(code: &str, detail: String) -> Result<(), Problem> {
    match code {
        "channel_unknown" => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "channel_unknown",
            detail,
        )),
        "channel_invalid" => Err(Problem::unprocessable("channel_invalid", detail)),
        _ => Ok(()),
    }
}
