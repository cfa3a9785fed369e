//! `/api/v1/apps/{app}/uploads`: a package in pieces, by tus 1.0 (<https://tus.io/protocols/resumable-upload>).

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use slipway_service::http::json::{ApiPath, ApiQuery};
use slipway_service::http::list::{Items, List};
use slipway_service::token::Scope;
use slipway_service::{Problem, api, clock};
use uuid::Uuid;

use super::tus;
use crate::incoming::{check_size, package_empty};
use crate::permission::Asker;
use crate::quota::{self, Announced};
use crate::session::{self, Held, Piece};
use crate::store::packages as rows;
use crate::store::sessions::{self, Session};
use crate::{UploadState, channel, metadata, progress, storing};

pub(super) fn router() -> Router<UploadState> {
    Router::new()
        .route(
            "/api/v1/apps/{app}/uploads",
            get(list).post(create).options(options),
        )
        .route(
            "/api/v1/apps/{app}/uploads/{id}",
            get(show)
                .head(offset)
                .patch(append)
                .delete(end)
                .post(by_another_method)
                .options(options),
        )
        .layer(map_response(tus::resumable))
}

#[derive(Deserialize)]
struct Address {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What the server can do; asked before there is a token.
async fn options(State(state): State<UploadState>) -> Response {
    tus::capabilities(state.settings.limits.package_bytes)
}

/// Begins an upload, with its first bytes when there is a body.
async fn create(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<Nothing>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
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
    if size == 0 {
        return Err(package_empty());
    }
    check_size(&state, size)?;
    storing::check_name(&parameters)?;
    if body.size_hint().exact().is_some_and(|bytes| bytes > size) {
        return Err(session::beyond_the_end(size));
    }
    let mut connection = state.database.read().await?;
    if let Some(version) = &parameters.version {
        let place = (version, &parameters.filename);
        let who = (&*asker.app, &*asker.grant.id);
        storing::check_place(&mut connection, who, place, parameters.sha256.as_ref()).await?;
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
    session::begin(&state, &row).await?;
    let row = if has_body {
        let held = session::hold(&state, asker, &row.id).await?;
        begin_with(&state, held, Piece { body, checksum }).await?
    } else {
        row
    };
    let location = [(LOCATION, path(&row))];
    Ok((StatusCode::CREATED, location, tus::position(&row)).into_response())
}

fn row(state: &UploadState, asker: &Asker, metadata: &str, size: u64) -> Result<Session, Problem> {
    Ok(Session {
        id: Uuid::now_v7().to_string(),
        app: asker.app.clone(),
        metadata: metadata.to_owned(),
        size: i64::try_from(size).map_err(Problem::internal)?,
        received: 0,
        sha256: None,
        package_id: None,
        token_id: asker.grant.id.clone(),
        token_name: asker.grant.name.clone(),
        request_id: asker.request_id.clone(),
        created_at: clock::unix_millis(),
        expires_at: session::expiry(state, asker, 0),
    })
}

/// An upload of the asker's in the list of them.
#[derive(Serialize)]
struct Listed {
    id: String,
    filename: String,
    offset: i64,
    size: i64,
    /// `uploading`, or `complete` when it has become a package.
    state: &'static str,
    /// The package's id.
    package: Option<String>,
    created_at: String,
    expires_at: String,
    /// Where it is gone on with, asked for, and ended.
    url: String,
}

/// The asker's own uploads.
async fn list(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<List>, Problem>,
) -> Result<Json<Items<Listed>>, Problem> {
    asker.permit(Scope::Upload)?;
    let ApiQuery(query) = query?;
    let mut connection = state.database.read().await?;
    let whose = (asker.app.as_str(), asker.grant.id.as_str());
    let page = (query.cursor.as_str(), query.limit());
    let rows = sessions::list(&mut connection, whose, page, clock::unix_millis()).await?;
    let items = rows.into_iter().map(listed).collect();
    Ok(Json(Items::new(items, query.limit(), |upload: &Listed| {
        &upload.id
    })))
}

fn listed(row: Session) -> Listed {
    Listed {
        filename: metadata::parse(&row.metadata).unwrap_or_default().filename,
        url: path(&row),
        id: row.id,
        offset: row.received,
        size: row.size,
        state: row.package_id.as_ref().map_or("uploading", |_| "complete"),
        package: row.package_id,
        created_at: clock::rfc3339(row.created_at),
        expires_at: clock::rfc3339(row.expires_at),
    }
}

fn path(row: &Session) -> String {
    format!("/api/v1/apps/{}/uploads/{}", row.app, row.id)
}

/// The offset to go on from. Whoever asks is going to write, so the one who writes now is asked to let go first.
async fn offset(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    let held = session::hold(&state, asker, &address.id).await?;
    let row = held.settle(&state).await?;
    let known = [
        ("upload-length", row.size.to_string()),
        ("upload-metadata", row.metadata.clone()),
    ];
    let fresh = [(CACHE_CONTROL, "no-store")];
    Ok((fresh, known, tus::position(&row)).into_response())
}

/// Appends bytes at the offset.
async fn append(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    tus::check_body(&headers)?;
    tus::check_media_type(&headers)?;
    let offset = tus::number(&headers, "upload-offset")?;
    let checksum = tus::checksum(&headers)?;
    let announced = body.size_hint().exact().unwrap_or(0);
    state.staging.check_room(announced)?;
    let held = session::hold(&state, asker, &address.id).await?;
    let (received, size) = (
        held.row.received.unsigned_abs(),
        held.row.size.unsigned_abs(),
    );
    if offset != received {
        return Err(offset_differs(received));
    }
    if announced > size - received {
        return Err(session::beyond_the_end(size));
    }
    let row = append_to(&state, held, Piece { body, checksum }).await?;
    Ok((StatusCode::NO_CONTENT, tus::position(&row)).into_response())
}

/// Appends the piece that comes with the creation. A client that is refused learns no address to go on at, so when nothing
/// of the piece counts the upload is ended.
async fn begin_with(state: &UploadState, held: Held, piece: Piece) -> Result<Session, Problem> {
    let tasks = &state.process.tasks;
    let state = state.clone();
    let beginning = tasks.spawn(async move {
        let id = held.row.id.clone();
        let begun = held.append(&state, piece).await;
        if let Err(problem) = &begun
            && session::is_void(problem)
        {
            session::forget(&state, &id).await?;
        }
        begun
    });
    beginning.await.map_err(Problem::internal)?
}

/// In a task of its own: when the client leaves, what has arrived is still made durable and noted.
async fn append_to(state: &UploadState, held: Held, piece: Piece) -> Result<Session, Problem> {
    let tasks = &state.process.tasks;
    let state = state.clone();
    let appending = tasks.spawn(async move { held.append(&state, piece).await });
    appending.await.map_err(Problem::internal)?
}

/// Ends an upload: its bytes go. The package that a complete one became stays. The header of tus may be left out, for those
/// who end one by hand.
async fn end(
    State(state): State<UploadState>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    asker.permit(Scope::Upload)?;
    if headers.contains_key("tus-resumable") {
        tus::check_version(&headers)?;
    }
    let held = session::hold(&state, asker, &address.id).await?;
    held.end(&state).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For clients behind something that only lets POST through.
async fn by_another_method(
    state: State<UploadState>,
    asker: Asker,
    address: ApiPath<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    match tus::text(&headers, "x-http-method-override")? {
        Some("PATCH") => append(state, asker, address, headers, body).await,
        Some("DELETE") => Ok(end(state, asker, address, headers).await?.into_response()),
        _ => Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "an upload is gone on with by PATCH",
        )
        .with_header("allow", "GET, HEAD, PATCH, DELETE, OPTIONS")),
    }
}

/// What became of an upload.
#[derive(Serialize)]
struct Progress {
    offset: i64,
    size: i64,
    /// `uploading`, then that of the package.
    state: String,
    package: Option<api::Package>,
    release: Option<api::Release>,
    reason: Option<String>,
    /// The refusal of the package, or of the intent to publish it, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<api::Refusal>,
}

async fn show(
    State(state): State<UploadState>,
    asker: Asker,
    query: Result<ApiQuery<Nothing>, Problem>,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<Progress>, Problem> {
    asker.permit_reading()?;
    query?;
    let row = session::find(&state, &asker, &address.id).await?;
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
        let package = rows::by_id(&mut connection, id).await?;
        let package = package.ok_or_else(progress::gone)?;
        drop(connection);
        let uploaded = progress::current(&state, &package).await?;
        progress.state.clone_from(&uploaded.package.state);
        progress.reason.clone_from(&uploaded.package.reason);
        progress.package = Some(uploaded.package);
        progress.release = uploaded.release;
        progress.refused = uploaded.refused;
    }
    Ok(Json(progress))
}

fn offset_differs(received: u64) -> Problem {
    Problem::conflict(
        "offset_differs",
        format!("the upload goes on at {received}: send the bytes from there"),
    )
    .with_header("upload-offset", received.to_string())
}
