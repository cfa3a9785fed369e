//! `/internal/signatures`: the signature of a file of a version.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use slipway_service::Problem;
use slipway_service::http::json::ApiJson;

use crate::statement::Statement;
use crate::{SigningState, signing};

#[derive(Serialize)]
pub(crate) struct Signature {
    key_id: String,
    /// The whole text of the package's `.minisig`.
    signature: String,
}

/// The signature of a statement. Safe to repeat: every answer has the same bytes.
pub(crate) async fn create(
    State(state): State<SigningState>,
    ApiJson(statement): ApiJson<Statement>,
) -> Result<Json<Signature>, Problem> {
    let signed = signing::sign(&state, statement).await?;
    Ok(Json(Signature {
        key_id: signed.key_id,
        signature: signed.signature,
    }))
}
