//! POST to the collection: begins an upload.

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::AppPath;
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::http::json::NoQuery;
use slipway_runtime::{Problem, clock};
use uuid::Uuid;

use super::address::path;
use crate::error::Error;
use crate::permission::Asker;
use crate::routes::tus as answer;
use crate::rules::place::Asked;
use crate::rules::quota::Announced;
use crate::rules::{body, package, session};
use crate::session::{self as sessions, Held, Piece};
use crate::state::UploadState;
use crate::store::sessions::Session;
use crate::{channel, metadata, quota, storing, tus};

/// Begins an upload, with its first bytes when there is a body.
#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/uploads",
    operation_id = "create_upload",
    tag = "uploads",
    summary = "Begin a resumable upload",
    description = "tus 1.0 with creation, creation-with-upload, checksum, expiration and termination: any tus client will do. Metadata: `filename` (required), `version`, `channel`, `platform`, `arch`, `kind`, `sha256`, `notes`, `strict`, `create`. It belongs to the token that begins it: to every other one there is none. Without a byte it lives an hour. Scope: `upload` and, with a channel, `release`.",
    params(AppPath, answer::Version, answer::Creation, answer::Checksummed),
    request_body(content = Option<slipway_openapi::Bytes>, content_type = "application/offset+octet-stream", description = "The first bytes, if any."),
    responses(
        Documents,
        (status = 201, description = "The upload's address is in `Location`.", headers(("Location" = String), ("Upload-Offset" = i64), ("Upload-Expires" = String))),
        (status = 400, description = "`header_invalid`: a header of tus is missing or cannot be read. `metadata_invalid`, `checksum_invalid`. `parameter_unknown`. `body_unreadable`: the body ended too early; what arrived stays. `tus_extension_unknown`: `Upload-Concat` and `Upload-Defer-Length` are of extensions that `Tus-Extension` does not list. `part_refused`: `Content-Range`. `digest_invalid`: the digest of the file is `sha256` in the metadata, that of a piece `Upload-Checksum`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 403, description = "`scope_missing`, `token_of_another_app`. `quota_exceeded`: the app would hold more than it may; `quota` names what (`bytes`, `releases`, `drafts`), `limit` and `used` how much.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`: there is no such app. `channel_unknown`: there is no such channel, and `create=channel` was not said; the words name the nearest.", body = ProblemDocument, content_type = PROBLEM),
        (status = 408, description = "`body_too_slow`: the body of one request took longer than it may; what arrived stays.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`version_exists`, `release_published`: the package would have no place. `release_deleted`: the version was deleted, and stays taken.", body = ProblemDocument, content_type = PROBLEM),
        (status = 411, description = "`length_required`: over HTTP/1.0 a body needs `Content-Length`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 412, description = "`tus_version`: send `Tus-Resumable: 1.0.0`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 413, description = "`body_too_large`: the package is larger than the server takes.", body = ProblemDocument, content_type = PROBLEM),
        (status = 415, description = "`media_type`: pieces are `application/offset+octet-stream`. `coding_refused`: the bytes are coded, and that is not undone here.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "`package_empty`: `Upload-Length: 0`. `name_refused`, `version_invalid`, `channel_invalid`, `platform_unknown`, `platform_required`, `arch_unknown`, `kind_unknown`, `digest_invalid`, `parameter_invalid`, `notes_without_release`, `notes_too_long`, `text_refused`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 429, description = "`too_many_uploads`: this token has as many open uploads as it may.", body = ProblemDocument, content_type = PROBLEM, headers(("Retry-After" = i64, description = "Seconds."))),
        (status = 507, description = "`disk_full`: there is no room.", body = ProblemDocument, content_type = PROBLEM),
        (status = 460, description = "`checksum_mismatch`: the first bytes are not those of `Upload-Checksum`; the upload has ended.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
pub(super) async fn create(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<NoQuery, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    query?;
    tus::check_version(&headers)?;
    tus::check_body(&headers)?;
    tus::check_creation(&headers)?;
    let announced = tus::text(&headers, "upload-metadata")?.unwrap_or_default();
    let parameters = metadata::parse(announced)?.parse()?;
    if parameters.channel.is_some() {
        asker.permit(Scope::Release)?;
    }
    let size = tus::number(&headers, "upload-length")?;
    body::check_announced(state.settings.now().limits.package_bytes, Some(size))?;
    package::check_name(&parameters)?;
    session::check_piece((0, size), 0, body.size_hint().exact().unwrap_or(0))?;
    let mut connection = state.database.read().await?;
    if let Some(asked) = Asked::of(&parameters, &asker.grant.id) {
        storing::check_place(&mut connection, &asker.app, &asked).await?;
    }
    let whole = Announced {
        bytes: Some((size, size)),
        ..Announced::of(&parameters)
    };
    quota::check_announced(&mut connection, &asker.app, &whole).await?;
    drop(connection);
    channel::check(&state, &asker.app, &parameters).await?;
    let row = row(&state, &asker, announced, size)?;
    let checksum = tus::checksum(&headers)?;
    let has_body = !body.is_end_stream();
    if has_body {
        tus::check_media_type(&headers)?;
    }
    sessions::begin(&state, &row).await?;
    let row = if has_body {
        let held = sessions::hold(&state, asker, &row.id).await?;
        begin_with(&state, held, Piece { body, checksum }).await?
    } else {
        row
    };
    let location = [(LOCATION, path(&row))];
    Ok((StatusCode::CREATED, location, answer::position(&row)?).into_response())
}

fn row(state: &UploadState, asker: &Asker, metadata: &str, size: u64) -> Result<Session, Error> {
    Ok(Session {
        id: Uuid::now_v7().to_string(),
        app: asker.app.clone(),
        metadata: metadata.to_owned(),
        size: i64::try_from(size).map_err(Error::internal)?,
        received: 0,
        sha256: None,
        package_id: None,
        token_id: asker.grant.id.clone(),
        token_name: asker.grant.name.clone(),
        request_id: asker.request_id.clone(),
        created_at: clock::unix_millis(),
        expires_at: sessions::expiry(state, asker, 0),
    })
}

/// Appends the piece that comes with the creation. A client that is refused learns no address to go on at, so when nothing
/// of the piece counts the upload is ended.
async fn begin_with(state: &UploadState, held: Held, piece: Piece) -> Result<Session, Error> {
    let tasks = &state.process.tasks;
    let state = state.clone();
    let beginning = tasks.spawn(async move {
        let id = held.row.id.clone();
        let begun = held.append(&state, piece).await;
        if let Err(Error::Session(refusal)) = &begun
            && refusal.is_void()
        {
            sessions::forget(&state, &id).await?;
        }
        begun
    });
    beginning.await.map_err(Error::internal)?
}
