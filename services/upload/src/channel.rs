//! Whether a channel is there, asked before a byte comes: the catalog knows, and a spelling mistake must not cost an upload.
//!
//! It decides when the package is handed over. While it is away nothing is refused here, and nothing is published either.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use slipway_peers::client::CallError;

use crate::error::Error;
use crate::parameters::Parameters;
use crate::rules::channel;
use crate::state::UploadState;

/// The longest that an upload waits for the answer: a catalog that hangs holds nobody up.
const ANSWER: Duration = Duration::from_secs(2);

/// Refuses a channel that the catalog says is not there, unless it is to be made.
pub(crate) async fn check(
    state: &UploadState,
    app: &str,
    parameters: &Parameters,
) -> Result<(), Error> {
    let Some(channel) = channel::asked(parameters) else {
        return Ok(());
    };
    let path = format!("/internal/channels/{app}/{channel}");
    let client = &state.peers.client;
    let call = client.call::<Value>("catalog", Method::GET, &path, None::<&()>);
    match tokio::time::timeout(ANSWER, call).await {
        Ok(Err(CallError::Refused {
            code,
            detail,
            members,
            ..
        })) => Ok(channel::judge(&code, detail, members)?),
        // It is away, or one of an earlier version: it decides later.
        _ => Ok(()),
    }
}
