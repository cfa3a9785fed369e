//! POST to an upload: PATCH or DELETE, for clients behind something that only lets POST through.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use slipway_runtime::http::json::ApiPath;
use utoipa::openapi::{RefOr, Response as Answer};
use utoipa::{IntoResponses, Path as _};

use super::address::{Address, UploadPath};
use super::append::{__path_append, append};
use super::end::end;
use crate::error::{Error, Method};
use crate::permission::Asker;
use crate::routes::tus as answer;
use crate::state::UploadState;
use crate::tus;

/// What PATCH is answered, and DELETE with some of it.
struct Appended;

impl IntoResponses for Appended {
    fn responses() -> BTreeMap<String, RefOr<Answer>> {
        __path_append::operation().responses.responses
    }
}

/// For clients behind something that only lets POST through.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "change_upload_by_post",
    tag = "uploads",
    summary = "PATCH or DELETE for clients that cannot send it",
    description = "Scope: `upload`.",
    params(UploadPath, answer::Version, answer::MethodOverride, answer::OptionalOffset, answer::Checksummed),
    request_body(content = Option<slipway_openapi::Bytes>, content_type = "application/offset+octet-stream"),
    responses(Appended),
)]
pub(super) async fn by_another_method(
    state: State<UploadState>,
    asker: Asker,
    address: ApiPath<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    match tus::text(&headers, "x-http-method-override")? {
        Some("PATCH") => append(state, asker, address, headers, body).await,
        Some("DELETE") => Ok(end(state, asker, address, headers).await?.into_response()),
        _ => Err(Method::NotOverridden.into()),
    }
}
