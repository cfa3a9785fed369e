//! `/d/{app}/{version}/{filename}` and its signature: what was released, for everybody who fetches or updates.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use slipway_contract::{Digest, FileName, Kind, Slug, Version, Word, shown};
use slipway_openapi::parameters::FilePath;
use slipway_openapi::{PROBLEM, ProblemDocument, Public};
use slipway_runtime::clock;
use slipway_runtime::http::json::ApiPath;
use sqlx::AnyConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audience::Audience;
use crate::blobs::Blob;
use crate::counters::Address;
use crate::disposition::attachment;
use crate::error::Error;
use crate::headers::{CACHEABLE, SANDBOX};
use crate::lookup;
use crate::range::{Sent, Validators, last_modified, modified, respond};
use crate::rules::standing;
use crate::state::DownloadState;
use crate::store::packages::{self, Package};
use crate::store::releases;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const SIGNATURE_SUFFIX: &str = ".minisig";

pub(super) fn router() -> OpenApiRouter<DownloadState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// What a program asks that fetches in pieces or anew.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
struct RangeRequest {
    /// One range of bytes.
    #[param(rename = "Range", example = "bytes=0-1023")]
    range: Option<String>,
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
    #[param(rename = "If-Range")]
    if_range: Option<String>,
}

/// The bytes, or the signature when the name ends in `.minisig`: no package's name does.
#[utoipa::path(
    get,
    path = "/d/{app}/{version}/{filename}",
    operation_id = "download_file",
    tag = "downloads",
    summary = "Fetch a file of a release, or its signature",
    description = "The bytes that were released, by range and condition (RFC 9110); HEAD answers alike. With `.minisig` behind its name, the file's signature, as text. No content coding.",
    security(()),
    params(FilePath, RangeRequest),
    responses(
        Public,
        (status = 200, description = "The bytes. Of a name that ends in `.minisig`: the signature, without range and digest.", body = slipway_openapi::Bytes, content_type = "application/octet-stream", headers(("ETag" = String, description = "Strong: the SHA-256 of the whole file."), ("Repr-Digest" = String, description = "RFC 9530: the SHA-256 of the whole file."), ("Accept-Ranges" = String), ("Last-Modified" = String), ("Cache-Control" = String, description = "`public, max-age=300`"), ("Content-Disposition" = String, description = "`attachment` with the name."))),
        (status = 206, description = "The range.", body = slipway_openapi::Bytes, content_type = "application/octet-stream", headers(("Content-Range" = String))),
        (status = 304, description = "Not modified."),
        (status = 404, description = "`app_unknown`, `release_unknown`, `not_found`: there is no such app, release or file that is published.", body = ProblemDocument, content_type = PROBLEM),
        (status = 410, description = "`yanked`: it was taken back, for the reason given. `deleted`: it was deleted, for ever.", body = ProblemDocument, content_type = PROBLEM),
        (status = 412, description = "`precondition_failed`: it is not what `If-Match` or `If-Unmodified-Since` asks for.", body = ProblemDocument, content_type = PROBLEM),
        (status = 416, description = "`range_not_satisfiable`: the file has no such bytes.", body = ProblemDocument, content_type = PROBLEM),
        (status = 500, description = "`damaged`: the bytes in the store are not those that were released. `file_missing`: they are not there. `internal`: a fault of ours. The log has it under `request_id`.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn show(
    State(state): State<DownloadState>,
    method: Method,
    ApiPath((app, version, filename)): ApiPath<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    // As it is kept: without the `v` of a tag.
    let version = match version.parse::<Version>() {
        Ok(version) => version.to_string(),
        Err(_) => version,
    };
    if let Some(signed) = filename.strip_suffix(SIGNATURE_SUFFIX) {
        let package = find(&state, &app, &version, signed).await?;
        return Ok(signature(package));
    }
    let package = find(&state, &app, &version, &filename).await?;
    let address = Address {
        app,
        version,
        filename: package.file.filename.to_string(),
    };
    send(&state, &method, &headers, &package, address).await
}

/// The file, if whoever asks may have it.
async fn find(
    state: &DownloadState,
    app: &str,
    version: &str,
    filename: &str,
) -> Result<Package, Error> {
    let mut connection = state.database.read().await?;
    if let Some(package) = find_file(&mut connection, app, version, filename).await? {
        let (visibility, reason) = (&package.visibility, package.reason.as_deref());
        if standing::is_served(state.audience, version, visibility, reason)? {
            return Ok(package);
        }
    }
    lookup::app(&mut connection, app).await?;
    let release = match version.parse::<Version>() {
        Ok(version) => releases::find(&mut connection, app, version.as_str()).await?,
        Err(_) => None,
    };
    Err(standing::missing(state.audience, version, release.as_ref()).into())
}

/// The file of this name, else that of its composed form: a Mac asks for `é` as two characters, and new names are kept
/// composed. Those of earlier versions are as they were given.
async fn find_file(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
    filename: &str,
) -> sqlx::Result<Option<Package>> {
    // Parsed first: PostgreSQL takes no NUL in a text, and no row has a name that does not parse.
    if app.parse::<Slug>().is_err() || version.parse::<Version>().is_err() {
        return Ok(None);
    }
    let composed = shown::compose(filename);
    for name in [filename, &composed] {
        if name.parse::<FileName>().is_ok()
            && let Some(package) = packages::file(connection, app, version, name).await?
        {
            return Ok(Some(package));
        }
        if composed == filename {
            break;
        }
    }
    Ok(None)
}

fn signature(package: Package) -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (CACHE_CONTROL, CACHEABLE),
        (CONTENT_SECURITY_POLICY, SANDBOX),
    ];
    let modified = modified(package.published_at, clock::unix_millis());
    let mut response = (headers, package.signature).into_response();
    response.headers_mut().extend(modified.map(last_modified));
    response
}

fn blob(package: &Package) -> anyhow::Result<Blob> {
    Ok(Blob {
        digest: package.file.sha256,
        size: u64::try_from(package.file.size)?,
        blocks: package.blocks.as_deref().map(str::parse).transpose()?,
    })
}

async fn send(
    state: &DownloadState,
    method: &Method,
    request: &HeaderMap,
    package: &Package,
    address: Address,
) -> Result<Response, Error> {
    let blob = blob(package)?;
    let (digest, size) = (blob.digest, blob.size);
    let etag = format!("\"{digest}\"");
    let validators = Validators {
        etag: &etag,
        modified: modified(package.published_at, clock::unix_millis()),
    };
    let (status, range) = match respond(method, request, &validators, size)? {
        Sent::Whole => (StatusCode::OK, 0..size),
        Sent::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Sent::NotModified => {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            describe(
                response.headers_mut(),
                &validators,
                package,
                digest,
                &address.filename,
            );
            response.headers_mut().remove(CONTENT_TYPE);
            return Ok(response);
        }
    };
    let length = range.end - range.start;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    describe(headers, &validators, package, digest, &address.filename);
    headers.insert(CONTENT_LENGTH, length.into());
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        headers.insert(
            CONTENT_RANGE,
            HeaderValue::try_from(part).map_err(Error::internal)?,
        );
    }
    if method == Method::HEAD {
        state.blobs.look_at(blob).await?;
        return Ok(response);
    }
    let counted = method == Method::GET && state.audience == Audience::Public && range.start == 0;
    let bytes = state.blobs.read(blob, range).await?;
    let mut uncounted = counted.then_some(address);
    let counters = state.counters.clone();
    let mut left = length;
    *response.body_mut() = Body::from_stream(bytes.inspect_ok(move |chunk| {
        left = left.saturating_sub(chunk.len() as u64);
        if left == 0 {
            uncounted
                .take()
                .into_iter()
                .for_each(|address| counters.add(address));
        }
    }));
    Ok(response)
}

/// What is said of a file whole or in part.
fn describe(
    headers: &mut HeaderMap,
    validators: &Validators<'_>,
    package: &Package,
    digest: Digest,
    filename: &str,
) {
    let text = |value: String| HeaderValue::try_from(value).expect("made of visible ASCII");
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(content_type(&package.file.kind)),
    );
    headers.insert(ETAG, text(validators.etag.to_owned()));
    headers.extend(validators.modified.map(last_modified));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(REPR_DIGEST, text(digest.repr_digest()));
    headers.insert(CACHE_CONTROL, CACHEABLE);
    headers.insert(CONTENT_DISPOSITION, text(attachment(filename)));
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
}

/// Media types as registered with IANA or as the platform's own installer knows them.
fn content_type(kind: &Word<Kind>) -> &'static str {
    match kind {
        Word::Known(Kind::Apk) => "application/vnd.android.package-archive",
        Word::Known(Kind::Deb) => "application/vnd.debian.binary-package",
        Word::Known(Kind::Rpm) => "application/x-rpm",
        Word::Known(Kind::AppImage) => "application/vnd.appimage",
        Word::Known(Kind::Msi) => "application/x-msi",
        Word::Known(Kind::Exe) => "application/vnd.microsoft.portable-executable",
        Word::Known(Kind::Dmg) => "application/x-apple-diskimage",
        Word::Known(Kind::Zip) => "application/zip",
        Word::Known(Kind::TarGz) => "application/gzip",
        Word::Known(Kind::TarXz) => "application/x-xz",
        Word::Known(Kind::TarZst) => "application/zstd",
        Word::Known(Kind::TarBz2) => "application/x-bzip2",
        Word::Known(Kind::SevenZip) => "application/x-7z-compressed",
        Word::Known(Kind::Jar) => "application/java-archive",
        Word::Known(Kind::Msix) => "application/msix",
        Word::Known(Kind::Snap) => "application/vnd.snap",
        Word::Known(Kind::Flatpak) => "application/vnd.flatpak",
        Word::Known(Kind::Pkg) => "application/vnd.apple.installer+xml",
        Word::Known(
            Kind::Aab
            | Kind::Ipa
            | Kind::MachO
            | Kind::Whl
            | Kind::Nupkg
            | Kind::Xapk
            | Kind::Apks
            | Kind::Apkm
            | Kind::Hap
            | Kind::Other,
        )
        | Word::Unknown(_) => "application/octet-stream",
    }
}
