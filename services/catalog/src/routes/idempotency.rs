//! `Idempotency-Key`: a request that is sent again, because its answer was lost, has its effect once.
//!
//! The key is remembered in the transaction of the effect. A repetition skips the effect and is answered from what the
//! effect made, as the first answer was.

use http::HeaderMap;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;

use crate::permission::Actor;
use crate::store;

/// Bytes of a key: a UUID and some prefix.
const MAX_KEY: usize = 200;

/// Whether the effect has to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Again,
}

/// Remembers the request's key, if it has one; `operation` names what is done, to what.
pub(super) async fn turn(
    db: &mut AnyConnection,
    actor: &Actor,
    headers: &HeaderMap,
    operation: &str,
    body: &impl Serialize,
) -> Result<Turn, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(Turn::First);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= MAX_KEY);
    let key = key.ok_or_else(|| {
        Problem::bad_request(
            "idempotency_key_invalid",
            "an Idempotency-Key is 1 to 200 printable characters",
        )
    })?;
    let body = serde_json::to_string(body).map_err(Problem::internal)?;
    let request = hex::encode(Sha256::digest(format!("{operation}\n{body}")));
    let before =
        store::idempotency::remember(db, &actor.grant.id, key, &request, clock::unix_millis())
            .await?;
    match before {
        None => Ok(Turn::First),
        Some(before) if before == request => Ok(Turn::Again),
        Some(_) => Err(Problem::unprocessable(
            "idempotency_key_reused",
            "this Idempotency-Key was used for another request: make a new key for each new request",
        )),
    }
}
