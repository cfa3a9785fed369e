//! `/internal/keys`: the key of an app, made when it is first asked for.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use slipway_contract::Slug;
use slipway_openapi::{InternalWriting, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::ApiJson;
use utoipa::ToSchema;

use crate::error::Error;
use crate::keys;
use crate::state::SigningState;

#[derive(Deserialize, ToSchema)]
#[schema(as = WantedKey)]
pub(crate) struct Wanted {
    app: Slug,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Key {
    key_id: String,
    /// The whole text of the app's `minisign.pub`.
    public_key: String,
}

/// The app's key; it is made when it is missing. Safe to repeat: an app has one key.
#[utoipa::path(
    post,
    path = "/internal/keys",
    operation_id = "ensure_key",
    request_body = Wanted,
    responses(
        InternalWriting,
        (status = 200, description = "The app's key.", body = Key),
        (status = 503, description = "`key_missing`: the statements speak of a key that is not there. `database_unavailable`, `resources_exhausted`: try again.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(crate) async fn ensure(
    State(state): State<SigningState>,
    ApiJson(wanted): ApiJson<Wanted>,
) -> Result<Json<Key>, Error> {
    let key = keys::ensure(&state, &wanted.app).await?;
    Ok(Json(Key {
        key_id: key.id,
        public_key: key.public_key,
    }))
}
