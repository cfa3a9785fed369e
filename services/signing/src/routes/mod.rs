//! The HTTP surface. There is no call that signs bytes: every message is built here, from typed fields.

mod keys;
mod signatures;

use axum::Router;
use axum::routing::post;

use crate::SigningState;

pub(crate) fn router() -> Router<SigningState> {
    Router::new()
        .route("/internal/keys", post(keys::ensure))
        .route("/internal/signatures", post(signatures::create))
}
