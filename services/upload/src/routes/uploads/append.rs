//! PATCH: the next bytes.

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use slipway_contract::grant::Scope;
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::ApiPath;

use super::address::{Address, UploadPath};
use crate::error::Error;
use crate::permission::Asker;
use crate::routes::tus as answer;
use crate::rules::session;
use crate::session::{self as sessions, Held, Piece};
use crate::state::UploadState;
use crate::store::sessions::Session;
use crate::tus;

/// Appends bytes at the offset.
#[utoipa::path(
    patch,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "append_to_upload",
    tag = "uploads",
    summary = "Send the next bytes",
    description = "Scope: `upload`.",
    params(UploadPath, answer::Version, answer::Offset, answer::Checksummed),
    request_body(content = slipway_openapi::Bytes, content_type = "application/offset+octet-stream"),
    responses(
        Documents,
        (status = 204, description = "`Upload-Offset` is how far it is now. The last piece makes the package.", headers(("Upload-Offset" = i64), ("Upload-Expires" = String))),
        (status = 400, description = "`header_invalid`: a header of tus is missing or cannot be read. `metadata_invalid`, `checksum_invalid`. `parameter_unknown`. `body_unreadable`: the body ended too early; what arrived stays. `tus_extension_unknown`: `Upload-Concat` and `Upload-Defer-Length` are of extensions that `Tus-Extension` does not list. `part_refused`: `Content-Range`. `digest_invalid`: the digest of the file is `sha256` in the metadata, that of a piece `Upload-Checksum`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 403, description = "`scope_missing`, `token_of_another_app`. `quota_exceeded`: the app would hold more than it may; `quota` names what (`bytes`, `releases`, `drafts`), `limit` and `used` how much.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token.", body = ProblemDocument, content_type = PROBLEM),
        (status = 408, description = "`body_too_slow`: the body of one request took longer than it may; what arrived stays.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`offset_differs`: the upload is at the `Upload-Offset` of this answer. `upload_taken_over`: another request goes on with it. `version_exists`, `release_published`: the package that it became has no place.", body = ProblemDocument, content_type = PROBLEM, headers(("Upload-Offset" = i64))),
        (status = 410, description = "`upload_expired`: it was not finished in time, or was given up: begin a new one.", body = ProblemDocument, content_type = PROBLEM),
        (status = 411, description = "`length_required`: over HTTP/1.0 a body needs `Content-Length`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 412, description = "`tus_version`: send `Tus-Resumable: 1.0.0`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 413, description = "`body_too_large`: more bytes than `Upload-Length` said.", body = ProblemDocument, content_type = PROBLEM),
        (status = 415, description = "`media_type`: pieces are `application/offset+octet-stream`. `coding_refused`: the bytes are coded, and that is not undone here.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "As of an upload in one request; the upload has ended. `arch_unknown`, `archive_refused`, `channel_invalid`, `digest_mismatch`, `kind_unknown`, `name_refused`, `notes_too_long`, `notes_without_release`, `package_damaged`, `package_empty`, `package_refused`, `parameter_invalid`, `platform_mismatch`, `platform_required`, `platform_unknown`, `release_failed`, `strict_refused`, `text_refused`, `token_refused`, `version_invalid`, `version_missing`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 460, description = "`checksum_mismatch`: these bytes are not those of `Upload-Checksum`; the offset stays.", body = ProblemDocument, content_type = PROBLEM),
        (status = 503, description = "`upload_busy`: an earlier request still works on it. `database_unavailable`, `upload_unavailable`.", body = ProblemDocument, content_type = PROBLEM, headers(("Retry-After" = i64, description = "Seconds."))),
        (status = 507, description = "`disk_full`: there is no room.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn append(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    tus::check_body(&headers)?;
    tus::check_media_type(&headers)?;
    let offset = tus::number(&headers, "upload-offset")?;
    let checksum = tus::checksum(&headers)?;
    let announced = body.size_hint().exact().unwrap_or(0);
    sessions::check_disk(&state, announced)?;
    let held = sessions::hold(&state, asker, &address.id).await?;
    let (received, size) = (held.row.received, held.row.size);
    let there = (received.unsigned_abs(), size.unsigned_abs());
    session::check_piece(there, offset, announced)?;
    let row = append_to(&state, held, Piece { body, checksum }).await?;
    Ok((StatusCode::NO_CONTENT, answer::position(&row)?).into_response())
}

/// In a task of its own: when the client leaves, what has arrived is still made durable and noted.
async fn append_to(state: &UploadState, held: Held, piece: Piece) -> Result<Session, Error> {
    let tasks = &state.process.tasks;
    let state = state.clone();
    let appending = tasks.spawn(async move { held.append(&state, piece).await });
    appending.await.map_err(Error::internal)?
}
