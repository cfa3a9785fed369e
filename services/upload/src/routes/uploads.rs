//! `/api/v1/apps/{app}/uploads`: a package in pieces, by tus 1.0 (<https://tus.io/protocols/resumable-upload>).

use axum::Json;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::{AppPath, PageQuery};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument, Reading, Writing};
use slipway_runtime::http::json::{ApiPath, ApiQuery};
use slipway_runtime::http::list::{Items, List};
use slipway_runtime::{Problem, clock};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::tus as answer;
use crate::error::{Error, Method};
use crate::permission::Asker;
use crate::rules::place::Asked;
use crate::rules::progress::Refusal;
use crate::rules::quota::Announced;
use crate::rules::{body, package, session};
use crate::session::{self as sessions, Held, Piece};
use crate::state::UploadState;
use crate::store as rows;
use crate::store::sessions::Session;
use crate::{channel, metadata, progress, quota, storing, tus};

pub(super) fn router() -> OpenApiRouter<UploadState> {
    OpenApiRouter::new()
        .routes(routes!(list, create, options))
        .routes(routes!(
            show,
            offset,
            append,
            end,
            by_another_method,
            options_of_one
        ))
        .layer(map_response(answer::resumable))
}

#[derive(Deserialize)]
struct Address {
    id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by `Asker` and [`Address`]")]
struct UploadPath {
    /// The app's slug.
    #[param(value_type = slipway_contract::Slug)]
    app: String,
    /// The upload's id: the end of the `Location` that its creation was answered with.
    #[param(min_length = 1)]
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What the server can do; asked before there is a token.
#[utoipa::path(
    options,
    path = "/api/v1/apps/{app}/uploads",
    operation_id = "show_tus",
    tag = "uploads",
    summary = "Tell what of tus is spoken",
    security(()),
    params(AppPath),
    responses(
        (status = 204, description = "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size` and `Tus-Checksum-Algorithm`."),
    ),
)]
async fn options(State(state): State<UploadState>) -> Response {
    answer::capabilities(state.settings.limits.package_bytes)
}

/// The same at the address of one.
#[utoipa::path(
    options,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "show_tus_of_upload",
    tag = "uploads",
    summary = "Tell what of tus is spoken",
    security(()),
    params(UploadPath),
    responses(
        (status = 204, description = "As of the address above."),
    ),
)]
async fn options_of_one(state: State<UploadState>) -> Response {
    options(state).await
}

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
async fn create(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<Nothing>, Problem>,
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
    body::check_announced(state.settings.limits.package_bytes, Some(size))?;
    package::check_name(&parameters)?;
    session::check_piece((0, size), 0, body.size_hint().exact().unwrap_or(0))?;
    let mut connection = state.database.read().await?;
    if let Some(version) = &parameters.version {
        let asked = Asked {
            version,
            filename: &parameters.filename,
            digest: parameters.sha256.as_ref(),
            token_id: &asker.grant.id,
        };
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

/// An upload of the asker's in the list of them.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedUpload)]
struct Listed {
    #[schema(format = "uuid")]
    id: String,
    #[schema(max_length = 180)]
    filename: String,
    #[schema(minimum = 0)]
    offset: i64,
    #[schema(minimum = 1)]
    size: i64,
    /// `uploading`, or `complete` when it has become a package.
    #[schema(pattern = "^(uploading|complete)$")]
    state: &'static str,
    /// The package's id.
    #[schema(required = true)]
    package: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// Where it is gone on with, asked for, and ended.
    url: String,
}

/// The asker's own uploads.
#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/uploads",
    operation_id = "list_uploads",
    tag = "uploads",
    summary = "List one's own uploads",
    description = "Those that this token has begun and that have not expired, the oldest first. Scope: `upload`.",
    params(AppPath, PageQuery),
    responses(
        Reading,
        (status = 200, description = "A page of uploads.", body = slipway_openapi::Listing<Listed>),
        (status = 404, description = "`app_unknown`: there is no such app.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn list(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<List>, Problem>,
) -> Result<Json<Items<Listed>>, Error> {
    asker.permit(Scope::Upload)?;
    let ApiQuery(query) = query?;
    let mut connection = state.database.read().await?;
    let whose = (asker.app.as_str(), asker.grant.id.as_str());
    let page = (query.cursor.as_str(), query.limit());
    let rows = rows::sessions::list(&mut connection, whose, page, clock::unix_millis()).await?;
    let items = rows.into_iter().map(listed).collect::<Result<_, _>>()?;
    Ok(Json(Items::new(items, query.limit(), |upload: &Listed| {
        &upload.id
    })))
}

fn listed(row: Session) -> Result<Listed, Error> {
    Ok(Listed {
        filename: metadata::filename(&row.metadata)?,
        url: path(&row),
        id: row.id,
        offset: row.received,
        size: row.size,
        state: row.package_id.as_ref().map_or("uploading", |_| "complete"),
        package: row.package_id,
        created_at: clock::rfc3339(row.created_at),
        expires_at: clock::rfc3339(row.expires_at),
    })
}

fn path(row: &Session) -> String {
    format!("/api/v1/apps/{}/uploads/{}", row.app, row.id)
}

/// The offset to go on from. Whoever asks is going to write, so the one who writes now is asked to let go first.
#[utoipa::path(
    head,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "show_upload_offset",
    tag = "uploads",
    summary = "Ask how much has arrived",
    description = "Scope: `upload`.",
    params(UploadPath, answer::Version),
    responses(
        Reading,
        (status = 200, description = "`Upload-Offset`, `Upload-Length` and `Upload-Expires`."),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token."),
        (status = 410, description = "It was not finished in time, or was given up."),
        (status = 412, description = "Send `Tus-Resumable: 1.0.0`."),
    ),
)]
async fn offset(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    let held = sessions::hold(&state, asker, &address.id).await?;
    let row = held.settle(&state).await?;
    let known = [
        ("upload-length", row.size.to_string()),
        ("upload-metadata", row.metadata.clone()),
    ];
    let fresh = [(CACHE_CONTROL, "no-store")];
    Ok((fresh, known, answer::position(&row)?).into_response())
}

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
async fn append(
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

/// In a task of its own: when the client leaves, what has arrived is still made durable and noted.
async fn append_to(state: &UploadState, held: Held, piece: Piece) -> Result<Session, Error> {
    let tasks = &state.process.tasks;
    let state = state.clone();
    let appending = tasks.spawn(async move { held.append(&state, piece).await });
    appending.await.map_err(Error::internal)?
}

/// Ends an upload: its bytes go. The package that a complete one became stays. The header of tus may be left out, for those
/// who end one by hand.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "end_upload",
    tag = "uploads",
    summary = "Give an upload up",
    description = "Scope: `upload`.",
    params(UploadPath, answer::OptionalVersion),
    responses(
        Writing,
        (status = 204, description = "Its bytes are gone; the package that a complete one became stays."),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`upload_expired`: it was not finished in time, or was given up: begin a new one.", body = ProblemDocument, content_type = PROBLEM),
        (status = 412, description = "`tus_version`: send `Tus-Resumable: 1.0.0`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn end(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    asker.permit(Scope::Upload)?;
    if headers.contains_key("tus-resumable") {
        tus::check_version(&headers)?;
    }
    let held = sessions::hold(&state, asker, &address.id).await?;
    held.end(&state).await?;
    Ok(StatusCode::NO_CONTENT)
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
async fn by_another_method(
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

/// What became of an upload.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadProgress)]
struct Progress {
    #[schema(minimum = 0)]
    offset: i64,
    #[schema(minimum = 1)]
    size: i64,
    /// `uploading`, then that of the package.
    state: String,
    #[schema(required = true)]
    package: Option<public::Package>,
    #[schema(required = true)]
    release: Option<public::Release>,
    #[schema(required = true)]
    reason: Option<String>,
    /// The refusal of the package, or of the intent to publish it, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refused: Option<public::Refusal>,
}

#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/uploads/{id}",
    operation_id = "show_upload",
    tag = "uploads",
    summary = "Show an upload",
    description = "Scope: `read` or `upload`.",
    params(UploadPath),
    responses(
        Reading,
        (status = 200, description = "How far it is and, once it is whole, what became of it.", body = Progress),
        (status = 404, description = "`upload_unknown`: there is no such upload of this token.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`upload_expired`: it was not finished in time, or was given up: begin a new one.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<Nothing>, Problem>,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<Progress>, Error> {
    asker.permit_reading()?;
    query?;
    let row = sessions::find(&state, &asker, &address.id).await?;
    let mut progress = Progress {
        offset: row.received,
        size: row.size,
        state: "uploading".to_owned(),
        package: None,
        release: None,
        reason: None,
        refused: None,
    };
    if let Some(id) = &row.package_id {
        let mut connection = state.database.read().await?;
        let package = rows::packages::by_id(&mut connection, id).await?;
        let package = package.ok_or(Refusal::Gone)?;
        drop(connection);
        let uploaded = progress::current(&state, &package).await?;
        progress.state = uploaded.package.state.to_string();
        progress.reason.clone_from(&uploaded.package.reason);
        progress.package = Some(uploaded.package);
        progress.release = uploaded.release;
        progress.refused = uploaded.refused;
    }
    Ok(Json(progress))
}
