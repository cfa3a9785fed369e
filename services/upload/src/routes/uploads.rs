//! `/api/v1/apps/{app}/uploads`: a package in pieces, by tus 1.0 (<https://tus.io/protocols/resumable-upload>).

use axum::body::{Body, HttpBody as _};
use axum::extract::State as Extracted;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use slipway_service::http::json::{ApiPath, ApiQuery};
use slipway_service::token::Scope;
use slipway_service::{Problem, api, clock};
use uuid::Uuid;

use super::packages::check_size;
use super::tus;
use crate::permission::Asker;
use crate::session::{self, Held, Piece};
use crate::store::packages as rows;
use crate::store::sessions::Session;
use crate::{State, metadata, progress, storing};

pub(super) fn router() -> Router<State> {
    Router::new()
        .route("/api/v1/apps/{app}/uploads", post(create).options(options))
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
    app: String,
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What the server can do; asked before there is a token.
async fn options(Extracted(state): Extracted<State>) -> Response {
    tus::capabilities(state.settings.limits.package_bytes)
}

/// Begins an upload, with its first bytes when there is a body.
async fn create(
    Extracted(state): Extracted<State>,
    asker: Asker,
    query: Result<ApiQuery<Nothing>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    query?;
    tus::check_version(&headers)?;
    let announced = tus::text(&headers, "upload-metadata")?.unwrap_or_default();
    let wish = metadata::parse(announced)?.parse()?;
    if wish.channel.is_some() {
        asker.permit(Scope::Release)?;
    }
    let size = tus::number(&headers, "upload-length")?;
    check_size(&state, size)?;
    state.staging.check_room(size)?;
    if let Some(version) = &wish.version {
        let mut connection = state.database.read().await?;
        let place = (version, &wish.filename);
        storing::check_place(&mut connection, &asker.app, place, wish.sha256.as_ref()).await?;
    }
    let row = row(&state, asker, announced, size)?;
    let checksum = tus::checksum(&headers)?;
    let has_body = !body.is_end_stream();
    if has_body {
        tus::check_media_type(&headers)?;
    }
    session::begin(&state, &row).await?;
    let row = if has_body || size == 0 {
        let held = session::hold(&state, &row.app, &row.id).await?;
        append_to(&state, held, Piece { body, checksum }).await?
    } else {
        row
    };
    let location = format!("/api/v1/apps/{}/uploads/{}", row.app, row.id);
    let location = [(LOCATION, location)];
    Ok((StatusCode::CREATED, location, tus::position(&row)).into_response())
}

fn row(state: &State, asker: Asker, metadata: &str, size: u64) -> Result<Session, Problem> {
    let now = clock::unix_millis();
    Ok(Session {
        id: Uuid::now_v7().to_string(),
        app: asker.app,
        metadata: metadata.to_owned(),
        size: i64::try_from(size).map_err(Problem::internal)?,
        received: 0,
        sha256: None,
        package_id: None,
        token_id: asker.grant.id,
        token_name: asker.grant.name,
        request_id: asker.request_id,
        created_at: now,
        expires_at: now + state.settings.sessions.life(),
    })
}

/// The offset to go on from. Whoever asks is going to write, so the one who writes now is asked to let go first.
async fn offset(
    Extracted(state): Extracted<State>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    let held = session::hold(&state, &address.app, &address.id).await?;
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
    Extracted(state): Extracted<State>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    tus::check_media_type(&headers)?;
    let offset = tus::number(&headers, "upload-offset")?;
    let checksum = tus::checksum(&headers)?;
    let announced = body.size_hint().exact().unwrap_or(0);
    state.staging.check_room(announced)?;
    let held = session::hold(&state, &address.app, &address.id).await?;
    let (received, size) = (
        held.row.received.unsigned_abs(),
        held.row.size.unsigned_abs(),
    );
    if offset != received {
        return Err(offset_differs(received));
    }
    if announced > size - received {
        return Err(beyond_the_end(size));
    }
    let row = append_to(&state, held, Piece { body, checksum }).await?;
    Ok((StatusCode::NO_CONTENT, tus::position(&row)).into_response())
}

/// In a task of its own: when the client leaves, what has arrived is still made durable and noted.
async fn append_to(state: &State, held: Held, piece: Piece) -> Result<Session, Problem> {
    let tasks = &state.process.tasks;
    let state = state.clone();
    let appending = tasks.spawn(async move { held.append(&state, piece).await });
    appending.await.map_err(Problem::internal)?
}

/// Ends an upload: its bytes go. The package that a complete one became stays.
async fn end(
    Extracted(state): Extracted<State>,
    asker: Asker,
    ApiPath(address): ApiPath<Address>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    asker.permit(Scope::Upload)?;
    tus::check_version(&headers)?;
    let held = session::hold(&state, &address.app, &address.id).await?;
    held.end(&state).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For clients behind something that only lets POST through.
async fn by_another_method(
    state: Extracted<State>,
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
}

async fn show(
    Extracted(state): Extracted<State>,
    asker: Asker,
    query: Result<ApiQuery<Nothing>, Problem>,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<Progress>, Problem> {
    asker.permit_reading()?;
    query?;
    let row = session::find(&state, &address.app, &address.id).await?;
    let mut progress = Progress {
        offset: row.received,
        size: row.size,
        state: "uploading".to_owned(),
        package: None,
        release: None,
        reason: None,
    };
    if let Some(id) = &row.package_id {
        let mut connection = state.database.read().await?;
        let package = rows::by_id(&mut connection, id).await?;
        let package = package.ok_or_else(|| Problem::internal("a session's package is gone"))?;
        drop(connection);
        let uploaded = progress::current(&state, &package).await?;
        progress.state.clone_from(&uploaded.package.state);
        progress.reason.clone_from(&uploaded.package.reason);
        progress.package = Some(uploaded.package);
        progress.release = uploaded.release;
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

fn beyond_the_end(size: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("this upload was announced with {size} bytes: begin a new one for a larger file"),
    )
}
