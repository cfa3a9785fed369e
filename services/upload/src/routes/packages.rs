//! `/api/v1/apps/{app}/packages`: a package in one request, and where it is.

use axum::Json;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use slipway_contract::grant::Scope;
use slipway_contract::public;
use slipway_openapi::parameters::{Prefer, ReprDigest};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument, Reading};
use slipway_runtime::Problem;
use slipway_runtime::http::json::{ApiPath, ApiQuery, NoQuery};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::uploading::{AcceptedPackage, Query, UploadedPackage, in_time, store, wait};
use crate::checksum::Checksum;
use crate::error::{Error, Method};
use crate::incoming::Incoming;
use crate::permission::{Asker, By};
use crate::rules::place::Asked;
use crate::rules::progress::Refusal;
use crate::rules::quota::Announced;
use crate::rules::{body, package};
use crate::staging::Staged;
use crate::state::UploadState;
use crate::store::{copy, packages as rows};
use crate::{channel, digests, envelope, progress, quota, removing, session, storing};

pub(super) fn router() -> OpenApiRouter<UploadState> {
    // One route: a name is what is put, an id is what is asked for. What a client means that sends a form here is told, and is
    // no operation.
    OpenApiRouter::new()
        .routes(routes!(show, put, remove))
        .route(
            "/api/v1/apps/{app}/packages/{name}",
            post(by_another_method),
        )
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Address {
    /// The app's slug.
    #[param(value_type = slipway_contract::Slug)]
    app: String,
    /// PUT: the file's name. GET and DELETE: the package's id.
    #[param(min_length = 1, max_length = 180)]
    name: String,
}

/// Stores the body as a package. Everything that can be refused without it is refused before its first byte is read.
#[utoipa::path(
    put,
    path = "/api/v1/apps/{app}/packages/{name}",
    operation_id = "upload_package",
    tag = "packages",
    summary = "Upload a package",
    description = "One streamed request: `curl -T notes.apk`. Without `version` and `channel` it is a package on its own; with `version` it joins the draft of that version; with both the draft is published, if this token has put all of it there; with `channel` alone the version is read out of the package. `Content-MD5`, `Digest`, `Content-Digest` and `X-Checksum-Sha256`, `-Sha512`, `-Sha1` and `-Md5` are checked when they are sent. The name is kept in composed form (NFC). Scope: `upload` and, with a channel, `release`.",
    params(Address, Query, ReprDigest, Prefer),
    request_body(content = slipway_openapi::Bytes, content_type = "application/octet-stream", description = "The bytes of the package, as they are: no form, no part of the file, no content coding."),
    responses(
        Documents,
        (status = 200, description = "These bytes were there before under this name and version; or, with the member `replaced` (SHA-256 in hex), they have taken the place of other bytes that this token had put into the draft. The body is as in 201.", body = UploadedPackage),
        (status = 201, description = "Stored and known to the catalog; with a channel: published.", body = UploadedPackage),
        (status = 202, description = "Stored durably. The catalog or signing is away, or the wait is over: it goes on by itself, and `reason` says what it waits for.", body = AcceptedPackage, headers(("Location" = String, description = "Where its state is told."))),
        (status = 400, description = "`parameter_unknown`, `query_invalid`, `path_refused`. `digest_invalid`: a digest cannot be read, or two contradict each other. `part_refused`: `Content-Range` and the like say that the body is a part of the file; tus resumes. `condition_refused`: `If-Match` and the like are not looked at. `header_invalid`. `body_unreadable`: the body ended too early, and nothing is kept.", body = ProblemDocument, content_type = PROBLEM),
        (status = 403, description = "`scope_missing`, `token_of_another_app`: nothing is kept. `token_refused`: the token was revoked, or may not release any more, when the catalog took the intent to publish; the package is kept as a draft, whose `reason` says so. `quota_exceeded`: the app would hold more than it may; `quota` names what (`bytes`, `releases`, `drafts`), `limit` and `used` how much.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`: there is no such app. `channel_unknown`: there is no such channel, and `create=channel` was not said; the words name the nearest.", body = ProblemDocument, content_type = PROBLEM),
        (status = 408, description = "`body_too_slow`: the body took longer than it may, and nothing is kept.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`version_exists`: this version has other bytes under this name, which another token put into its draft, or which are signed; or a name that differs only in case or composition. `release_published`: a published version takes no further file. `draft_mixed`: it is stored in the draft, and that is not published, because it holds files that other tokens put there; the member `files` lists all of it, ready to be sent to `POST …/releases`. `release_deleted`: the version was deleted, and stays taken.", body = ProblemDocument, content_type = PROBLEM),
        (status = 411, description = "`length_required`: over HTTP/1.0 a body needs `Content-Length`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 413, description = "`body_too_large`: the package is larger than the server takes. Nothing was kept.", body = ProblemDocument, content_type = PROBLEM),
        (status = 415, description = "`media_type`: the body is a form (multipart) or a piece of an upload, not the package alone. `coding_refused`: it is coded, and that is not undone here.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "Refused, and nothing is kept. `package_empty`: it has no bytes. `digest_mismatch`: the bytes are not those that a header announces. `archive_refused`, with the member `rule`: it would harm whoever unpacks it. `platform_required`: neither it nor its name nor `platform` says what it runs on. `package_damaged`: it begins as a known kind, or its name ends as one, and is not that to its end, or an APK was changed after it was signed; the words say what is missing. `platform_mismatch`: the bytes say otherwise. `name_refused`: no file may have this name: one with `..`, a separator, control, direction or unseen characters, a dot at its beginning or a dot or space at its end, or one that the platform serves itself (`SHA256SUMS`, and what ends in .minisig, .sig, .plist, .zsync, .idsig or .blocks). `version_missing`: the package carries no version, so name one. `version_invalid`, `channel_invalid`, `platform_unknown`, `arch_unknown`, `kind_unknown`. `token_refused`: the catalog does not know the token, or it was never good for this. `package_refused`: the catalog refused it, for the reason given. `release_failed`: it was stored, and its release failed with the reason given. `strict_refused`: it was to be refused when something is odd; `warnings` lists what is. `parameter_invalid`, `notes_without_release`, `notes_too_long`, `text_refused`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 429, description = "Too much at once: come back after `Retry-After`.", body = ProblemDocument, content_type = PROBLEM, headers(("Retry-After" = i64, description = "Seconds."))),
        (status = 507, description = "`disk_full`: there is no room. Downloads go on.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`package_gone`: it was deleted, or another upload took its place, before this was answered.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn put(
    State(state): State<UploadState>,
    asker: Asker,
    address: Result<ApiPath<Address>, Problem>,
    query: Result<ApiQuery<Query>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
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
    body::check_announced(state.settings.now().limits.package_bytes, announced)?;
    package::check_name(&parameters)?;
    let mut connection = state.database.read().await?;
    session::check_room(&state, &mut connection, announced.unwrap_or(0)).await?;
    if let Some(asked) = Asked::of(&parameters, &asker.grant.id) {
        storing::check_place(&mut connection, &address.app, &asked).await?;
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

/// Writes the body to a staged file, which is durable when this returns and gone when it fails.
async fn receive(
    state: &UploadState,
    mut body: Body,
    checksums: Vec<Checksum>,
) -> Result<Staged, Error> {
    let mut incoming = Incoming::start(state, checksums)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| body::Refusal::Cut)?;
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
async fn by_another_method(asker: Asker, uri: Uri) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    let address = uri
        .path_and_query()
        .map_or(uri.path(), PathAndQuery::as_str);
    let address = address.to_string();
    Err(Method::FormWithName { address }.into())
}

/// Where a package is and, in words, why it is not further; with the catalog or without it.
#[utoipa::path(
    get,
    path = "/api/v1/apps/{app}/packages/{name}",
    operation_id = "show_package",
    tag = "packages",
    summary = "Show a package",
    description = "Scope: `read` or `upload`.",
    params(Address),
    responses(
        Reading,
        (status = 200, description = "Its state and, in words, why it is not further. Answered whether or not the catalog is there.", body = public::Package),
        (status = 404, description = "`app_unknown`, `package_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`package_gone`: it was deleted, or another took its place in its draft.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<UploadState>,
    asker: Asker,
    _: NoQuery,
    ApiPath(address): ApiPath<Address>,
) -> Result<Json<public::Package>, Error> {
    asker.permit_reading()?;
    let package = find(&state, &address).await?;
    let uploaded = progress::current(&state, &package).await?;
    Ok(Json(uploaded.package))
}

/// Deletes a package that is not on its way to be released: 204 when the catalog has agreed, and again.
#[utoipa::path(
    delete,
    path = "/api/v1/apps/{app}/packages/{name}",
    operation_id = "delete_package",
    tag = "packages",
    summary = "Delete a package",
    description = "Deletes a package that is in a draft or on its own, and the draft with its last one; answered once the catalog has agreed. Of several tokens that sent the same bytes one takes itself out, and the package stays. The same again is answered alike. Scope: `upload` for what this token has put there, `release` for all.",
    params(Address),
    responses(
        Reading,
        (status = 204, description = "It is deleted."),
        (status = 404, description = "`app_unknown`, `package_unknown`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`release_not_draft`: the signing of its release has begun: delete the release.", body = ProblemDocument, content_type = PROBLEM),
        (status = 503, description = "`catalog_unavailable`: the catalog has not agreed; nothing is deleted. Come back after `Retry-After`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn remove(
    State(state): State<UploadState>,
    asker: Asker,
    _: NoQuery,
    ApiPath(address): ApiPath<Address>,
) -> Result<StatusCode, Error> {
    asker
        .permit(Scope::Upload)
        .or_else(|_| asker.permit(Scope::Release))?;
    let package = match find(&state, &address).await {
        // Its row here is gone too: the same again says the same.
        Err(Error::Progress(Refusal::Gone)) => return Ok(StatusCode::NO_CONTENT),
        found => found?,
    };
    // A task of its own: a client that leaves now cannot leave half of it undone.
    let removing = {
        let state = state.clone();
        async move { removing::remove(&state, &asker, &package).await }
    };
    let removed = state.process.tasks.spawn(removing).await;
    removed.map_err(Error::internal)??;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(state: &UploadState, address: &Address) -> Result<rows::Package, Error> {
    let mut connection = state.database.read().await?;
    let package = rows::by_id(&mut connection, &address.name).await?;
    if let Some(package) = package.filter(|package| package.app.as_str() == address.app) {
        return Ok(package);
    }
    if copy::is_gone(&mut connection, &address.app, &address.name).await? {
        return Err(Refusal::Gone.into());
    }
    Err(Refusal::Unknown.into())
}
