//! `/api/v1/apps/{app}/packages`: a package in one request, and where it is.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use slipway_service::http::json::{ApiPath, ApiQuery};
use slipway_service::http::prefer;
use slipway_service::token::Scope;
use slipway_service::{Problem, api};
use tokio::time::timeout;

use crate::checksum::Checksum;
use crate::incoming::{Incoming, check_size, package_empty, truncated};
use crate::parameters::{Parameters, RawParameters};
use crate::permission::{self, Asker};
use crate::quota::{self, Announced};
use crate::staging::Staged;
use crate::store::{copy, packages as rows};
use crate::storing::{self, By};
use crate::{UploadState, channel, digests, envelope, progress, removing, session};

/// Bytes of notes in an address.
const MAX_NOTES_BYTES: usize = 4096;

pub(super) fn router() -> Router<UploadState> {
    // One route: a name is what is put, an id is what is asked for.
    let one = get(show).put(put).post(by_another_method).delete(remove);
    Router::new().route("/api/v1/apps/{app}/packages/{name}", one)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    version: Option<String>,
    pub(super) channel: Option<String>,
    platform: Option<String>,
    arch: Option<String>,
    kind: Option<String>,
    notes: Option<String>,
    strict: Option<String>,
    create: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    app: String,
    name: String,
}

/// Stores the body as a package. Everything that can be refused without it is refused before its first byte is read.
async fn put(
    State(state): State<UploadState>,
    asker: Asker,
    address: Result<ApiPath<Address>, Problem>,
    query: Result<ApiQuery<Query>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    let ApiQuery(query) = query?;
    query.check_notes()?;
    if query.channel.is_some() {
        asker.permit(Scope::Release)?;
    }
    let ApiPath(address) = address?;
    envelope::check_package(&headers)?;
    let expected = digests::announced(&headers)?;
    let mut parameters = query.raw(address.name).parse()?;
    parameters.sha256 = expected.sha256;
    let announced = body.size_hint().exact();
    if announced == Some(0) {
        return Err(package_empty());
    }
    check_size(&state, announced.unwrap_or(0))?;
    storing::check_name(&parameters)?;
    let mut connection = state.database.read().await?;
    session::check_room(&state, &mut connection, announced.unwrap_or(0)).await?;
    if let Some(version) = &parameters.version {
        let place = (version, &parameters.filename);
        let who = (&*address.app, &*asker.grant.id);
        storing::check_place(&mut connection, who, place, parameters.sha256.as_ref()).await?;
    }
    let announced = Announced {
        bytes: announced.map(|bytes| (bytes, bytes)),
        ..Announced::of(&parameters)
    };
    quota::check_announced(&mut connection, &address.app, &announced).await?;
    drop(connection);
    channel::check(&state, &asker.app, &parameters).await?;
    let wait = wait(&state, &headers);
    let by = By::from(asker);
    let receiving = receive(&state, body, expected.others);
    let staged = in_time(&state, &by, receiving).await?;
    store(&state, staged, parameters, by, wait).await
}

/// Makes a package of what has arrived, and answers when it is where it is to be or `wait` is over.
pub(super) async fn store(
    state: &UploadState,
    staged: Staged,
    parameters: Parameters,
    by: By,
    wait: Duration,
) -> Result<Response, Problem> {
    // A task of its own: a client that leaves now cannot leave half of it undone.
    let storing = {
        let state = state.clone();
        async move { storing::store(&state, staged.into(), &parameters, &by, None).await }
    };
    let stored = state.process.tasks.spawn(storing).await;
    let stored = stored.map_err(Problem::internal)??;
    progress::answer(state, stored, wait).await
}

impl Query {
    pub(super) fn raw(self, filename: String) -> RawParameters {
        RawParameters {
            filename,
            version: self.version,
            channel: self.channel,
            platform: self.platform,
            arch: self.arch,
            kind: self.kind,
            sha256: None,
            notes: self.notes,
            strict: self.strict,
            create: self.create,
        }
    }

    /// Refuses notes that are too long for an address: something on the way may cut it, or refuse it without a word.
    pub(super) fn check_notes(&self) -> Result<(), Problem> {
        if self
            .notes
            .as_ref()
            .is_none_or(|notes| notes.len() <= MAX_NOTES_BYTES)
        {
            return Ok(());
        }
        Err(Problem::unprocessable(
            "notes_too_long",
            "notes in an address are 4,096 bytes at most: shorten them, send them as the field notes of a form to …/packages, or publish a draft with POST …/releases",
        ))
    }
}

/// What `receiving` gives, unless the body takes longer than one may, or its token ends on the way.
pub(super) async fn in_time<T>(
    state: &UploadState,
    by: &By,
    receiving: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    tokio::select! {
        received = timeout(state.settings.limits.body_time(), receiving) => received.map_err(|_| {
            session::too_slow("nothing of it is kept; send it in pieces, as tus does")
        })?,
        problem = permission::until_refused(state, by) => Err(problem),
    }
}

/// Writes the body to a staged file, which is durable when this returns and gone when it fails.
async fn receive(
    state: &UploadState,
    mut body: Body,
    checksums: Vec<Checksum>,
) -> Result<Staged, Problem> {
    let mut incoming = Incoming::start(state, checksums)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| truncated())?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if !incoming.append(bytes).await? {
            break;
        }
    }
    incoming.finish().await
}

/// What a client means that sends a form, or the bytes, here.
async fn by_another_method(asker: Asker, uri: Uri) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    let address = uri
        .path_and_query()
        .map_or(uri.path(), PathAndQuery::as_str);
    Err(Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!(
            "use PUT for the bytes of a package: curl -T FILE -H 'Authorization: Bearer slw_…' 'SERVER{address}'. A form is sent by POST to …/packages without a name"
        ),
    )
    .with_header("allow", "DELETE, GET, HEAD, PUT"))
}

/// How long the answer waits for the release.
pub(super) fn wait(state: &UploadState, headers: &HeaderMap) -> Duration {
    let limits = &state.settings.limits;
    let seconds = prefer::wait(headers).unwrap_or(limits.wait_seconds);
    Duration::from_secs(seconds.min(limits.longest_wait_seconds))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Where a package is and, in words, why it is not further; with the catalog or without it.
async fn show(
    State(state): State<UploadState>,
    asker: Asker,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<api::Package>, Problem> {
    asker.permit_reading()?;
    let package = find(&state, &address).await?;
    let uploaded = progress::current(&state, &package).await?;
    Ok(Json(uploaded.package))
}

/// Deletes a package that is not on its way to be released: 204 when the catalog has agreed, and again.
async fn remove(
    State(state): State<UploadState>,
    asker: Asker,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(address): ApiPath<Address>,
) -> Result<StatusCode, Problem> {
    asker
        .permit(Scope::Upload)
        .or_else(|_| asker.permit(Scope::Release))?;
    let package = match find(&state, &address).await {
        // Its row here is gone too: the same again says the same.
        Err(gone) if gone.status == StatusCode::GONE => return Ok(StatusCode::NO_CONTENT),
        found => found?,
    };
    // A task of its own: a client that leaves now cannot leave half of it undone.
    let removing = {
        let state = state.clone();
        async move { removing::remove(&state, &asker, &package).await }
    };
    let removed = state.process.tasks.spawn(removing).await;
    removed.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(state: &UploadState, address: &Address) -> Result<rows::Package, Problem> {
    let mut connection = state.database.read().await?;
    let package = rows::by_id(&mut connection, &address.name).await?;
    if let Some(package) = package.filter(|package| package.app == address.app) {
        return Ok(package);
    }
    if copy::is_gone(&mut connection, &address.app, &address.name).await? {
        return Err(progress::gone());
    }
    Err(package_unknown())
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
