//! `/internal/signatures`: the signature of a file of a version.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use slipway_openapi::{InternalWriting, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::ApiJson;
use utoipa::ToSchema;

use crate::error::Error;
use crate::signing;
use crate::state::SigningState;
use crate::statement::Statement;

#[derive(Serialize, ToSchema)]
pub(crate) struct Signature {
    key_id: String,
    /// The whole text of the package's `.minisig`.
    signature: String,
}

/// The signature of a statement. Safe to repeat: every answer has the same bytes.
#[utoipa::path(
    post,
    path = "/internal/signatures",
    operation_id = "sign_statement",
    request_body = Statement,
    responses(
        InternalWriting,
        (status = 200, description = "The signature.", body = Signature),
        (status = 404, description = "`key_unknown`, `blob_missing`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`version_exists`: the version was signed with other bytes under this name. `key_differs`. `statement_differs`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`blob_differs`: the bytes in the store are not those. `blob_missing`, `digest_mismatch`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 400, description = "`size_invalid`, `json_invalid`, `body_unreadable`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 503, description = "`clock_wrong`, `key_missing`, `statement_damaged`, `statements_unavailable`, `store_unavailable`. `database_unavailable`, `resources_exhausted`: try again.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(crate) async fn create(
    State(state): State<SigningState>,
    ApiJson(statement): ApiJson<Statement>,
) -> Result<Json<Signature>, Error> {
    let signed = signing::sign(&state, statement).await?;
    Ok(Json(Signature {
        key_id: signed.key_id,
        signature: signed.signature,
    }))
}
