//! `/api/v1/apps/{app}/packages`: a package in one request, and where it is.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::State as Extracted;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use slipway_packages::Digest;
use slipway_service::http::json::{ApiPath, ApiQuery};
use slipway_service::token::Scope;
use slipway_service::{Problem, api};
use tokio::time::timeout;
use uuid::Uuid;

use crate::State;
use crate::permission::Asker;
use crate::staging::{Fate, Staged, disk_problem, persist};
use crate::store::packages as rows;
use crate::storing::{self, By};
use crate::wish::{Wish, Words};
use crate::writer::Writer;
use crate::{progress, session};

pub(super) fn router() -> Router<State> {
    // One route: a name is what is put, an id is what is asked for.
    Router::new().route("/api/v1/apps/{app}/packages/{name}", get(show).put(put))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    version: Option<String>,
    channel: Option<String>,
    platform: Option<String>,
    arch: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    app: String,
    name: String,
}

/// Stores the body as a package. Everything that can be refused without it is refused before its first byte is read.
async fn put(
    Extracted(state): Extracted<State>,
    asker: Asker,
    address: Result<ApiPath<Address>, Problem>,
    query: Result<ApiQuery<Query>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    let ApiQuery(query) = query?;
    if query.channel.is_some() {
        asker.permit(Scope::Release)?;
    }
    let ApiPath(address) = address?;
    let wish = wish(address.name, query, &headers)?;
    let announced = body.size_hint().exact();
    check_size(&state, announced.unwrap_or(0))?;
    let mut connection = state.database.read().await?;
    session::check_room(&state, &mut connection, announced.unwrap_or(0)).await?;
    if let Some(version) = &wish.version {
        let place = (version, &wish.filename);
        storing::check_place(&mut connection, &address.app, place, wish.sha256.as_ref()).await?;
    }
    drop(connection);
    let wait = wait(&state, &headers);
    let receiving = timeout(state.settings.limits.body_time(), receive(&state, body));
    let staged = receiving.await.map_err(|_| {
        session::too_slow("nothing of it is kept; send it in pieces, as tus does")
    })??;
    let by = By::from(asker);
    // A task of its own: a client that leaves now cannot leave half of it undone.
    let storing = {
        let state = state.clone();
        async move { storing::store(&state, staged.into(), &wish, &by, None).await }
    };
    let stored = state.process.tasks.spawn(storing).await;
    let stored = stored.map_err(Problem::internal)??;
    progress::answer(&state, stored, wait).await
}

fn wish(filename: String, query: Query, headers: &HeaderMap) -> Result<Wish, Problem> {
    let words = Words {
        filename,
        version: query.version,
        channel: query.channel,
        platform: query.platform,
        arch: query.arch,
        kind: query.kind,
        sha256: None,
    };
    let mut wish = words.parse()?;
    if let Some(header) = headers.get("repr-digest") {
        let text = header.to_str().unwrap_or_default();
        let digest = Digest::from_repr_digest(text).map_err(|error| {
            Problem::bad_request("digest_invalid", format!("Repr-Digest: {error}"))
        })?;
        wish.sha256 = Some(digest);
    }
    Ok(wish)
}

/// Writes the body to a staged file, which is durable when this returns and gone when it fails.
async fn receive(state: &State, mut body: Body) -> Result<Staged, Problem> {
    let id = Uuid::now_v7().to_string();
    let staged = state
        .staging
        .create(&id, Fate::Removed)
        .map_err(disk_problem)?;
    let writer = Writer::start(staged).map_err(disk_problem)?;
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| truncated())?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        received += bytes.len() as u64;
        check_size(state, received)?;
        if writer.append(bytes).await.is_err() {
            break;
        }
    }
    let (staged, written) = writer.finish().await.map_err(disk_problem)?;
    written.map_err(disk_problem)?;
    persist(staged).await.map_err(disk_problem)
}

pub(super) fn check_size(state: &State, bytes: u64) -> Result<(), Problem> {
    let most = state.settings.limits.package_bytes;
    if bytes <= most {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!(
            "a package may have {most} bytes here: send a smaller one, or ask the operator to raise the limit"
        ),
    ))
}

fn truncated() -> Problem {
    Problem::bad_request(
        "body_unreadable",
        "the body ended before it was complete: send it again",
    )
}

/// `Prefer: wait=N` (RFC 7240), N in seconds.
fn wait(state: &State, headers: &HeaderMap) -> Duration {
    let limits = &state.settings.limits;
    let preferred = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.trim().strip_prefix("wait="))
        .find_map(|seconds| seconds.trim().parse::<u64>().ok());
    let seconds = preferred.unwrap_or(limits.wait_seconds);
    Duration::from_secs(seconds.min(limits.longest_wait_seconds))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Where a package is and, in words, why it is not further; with the catalog or without it.
async fn show(
    Extracted(state): Extracted<State>,
    asker: Asker,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<api::Package>, Problem> {
    asker.permit_reading()?;
    let mut connection = state.database.read().await?;
    let package = rows::by_id(&mut connection, &address.name)
        .await?
        .filter(|package| package.app == address.app)
        .ok_or_else(package_unknown)?;
    drop(connection);
    let uploaded = progress::current(&state, &package).await?;
    Ok(Json(uploaded.package))
}

fn package_unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "package_unknown",
        "there is no package with this id: it is in the answer to its upload",
    )
}

impl From<Asker> for By {
    fn from(asker: Asker) -> Self {
        Self {
            app: asker.app,
            token_hash: asker.token_hash,
            token_id: asker.grant.id,
            token_name: asker.grant.name,
            request_id: asker.request_id,
        }
    }
}
