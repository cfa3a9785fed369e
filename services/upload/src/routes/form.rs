//! `POST /api/v1/apps/{app}/packages`: a package as a form (`multipart/form-data`, RFC 7578), as plugins of build systems
//! send it.
//!
//! The file is the part that has a file name, or is named `file`; the other parts are the parameters of PUT, before or
//! after it. Nothing of the file is held in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::response::Response;
use axum::routing::put;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use multer::{Field, Multipart};
use percent_encoding::percent_decode_str;
use slipway_openapi::parameters::{AppPath, Prefer};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_service::Problem;
use slipway_service::http::json::ApiQuery;
use slipway_service::token::Scope;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::packages::{AcceptedPackage, Query, UploadedPackage, in_time, store, wait};
use crate::incoming::{Incoming, check_size, truncated};
use crate::parameters::RawParameters;
use crate::permission::Asker;
use crate::quota::{self, Announced};
use crate::staging::Staged;
use crate::storing::By;
use crate::{UploadState, channel, digests, envelope, session};

/// Bytes of a form beside its file, which are held in memory: parameters are short.
const FORM_BYTES: u64 = 1 << 20;
/// Bytes of one parameter.
const FIELD_BYTES: usize = 64 << 10;

pub(super) fn router() -> OpenApiRouter<UploadState> {
    // What a client means that puts the bytes here is told, and is no operation.
    OpenApiRouter::new()
        .routes(routes!(create))
        .route("/api/v1/apps/{app}/packages", put(without_name))
}

/// What a client means that puts the bytes here: their name is missing.
async fn without_name(asker: Asker) -> Result<Response, Problem> {
    asker.permit(Scope::Upload)?;
    let app = &asker.app;
    Err(Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!(
            "the file's name is missing: PUT the bytes to /api/v1/apps/{app}/packages/NAME, or POST a form here"
        ),
    )
    .with_header("allow", "POST"))
}

/// Stores the file of a form as a package: as PUT does, with the same answers.
/// The parts of a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read part by part, by [`Form`]")]
struct PackageForm {
    /// The package: the part that has a file name, or is named so.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// Its name, instead of that of the part.
    filename: Option<slipway_contract::FileName>,
    version: Option<slipway_contract::Version>,
    channel: Option<slipway_contract::Slug>,
    platform: Option<String>,
    arch: Option<String>,
    kind: Option<String>,
    /// What the file has to be, in hex.
    sha256: Option<slipway_contract::Digest>,
    #[schema(max_length = 65536)]
    notes: Option<String>,
    #[schema(pattern = "^(true|false)$")]
    strict: Option<String>,
    #[schema(pattern = "^channel$")]
    create: Option<String>,
}

#[utoipa::path(
    post,
    path = "/api/v1/apps/{app}/packages",
    operation_id = "upload_package_as_form",
    tag = "packages",
    summary = "Upload a package as a form",
    description = "As `PUT`, from what sends forms: `curl -F file=@notes.apk -F version=1.2.3 -F channel=stable`. One part is the file: that which has a file name, or is named `file`. The other parts are fields, before the file or after it; what is a field may as well stand in the query. The answers are those of `PUT`. Digests in the headers of the request would be of the form, and are refused; `sha256` is of the file. Scope: `upload` and, with a channel, `release`.",
    params(AppPath, Query, Prefer),
    request_body(content = PackageForm, content_type = "multipart/form-data"),
    responses(
        Documents,
        (status = 200, description = "A retry: these bytes were there before under this name and version. The body is as in 201.", body = UploadedPackage),
        (status = 201, description = "Stored and known to the catalog; with a channel: published.", body = UploadedPackage),
        (status = 202, description = "Stored durably. The catalog or signing is away, or the wait is over: it goes on by itself, and `reason` says what it waits for.", body = AcceptedPackage, headers(("Location" = String, description = "Where its state is told."))),
        (status = 400, description = "`parameter_unknown`, `query_invalid`, `path_refused`. `form_invalid`: it cannot be read to its end, has no file or two, or says something twice; nothing is kept. `digest_invalid`: a digest stands in the headers of the request. `part_refused`, `condition_refused`, `header_invalid`: as of `PUT`. `body_unreadable`: the body ended too early, and nothing is kept.", body = ProblemDocument, content_type = PROBLEM),
        (status = 403, description = "`scope_missing`, `token_of_another_app`: nothing is kept. `token_refused`: the token was revoked, or may not release any more, when the catalog took the intent to publish; the package is kept as a draft, whose `reason` says so. `quota_exceeded`: the app would hold more than it may; `quota` names what (`bytes`, `releases`, `drafts`), `limit` and `used` how much.", body = ProblemDocument, content_type = PROBLEM),
        (status = 404, description = "`app_unknown`: there is no such app. `channel_unknown`: there is no such channel, and `create=channel` was not said; the words name the nearest.", body = ProblemDocument, content_type = PROBLEM),
        (status = 408, description = "`body_too_slow`: the body took longer than it may, and nothing is kept.", body = ProblemDocument, content_type = PROBLEM),
        (status = 409, description = "`version_exists`: this version has other bytes under this name, or a name that differs only in case or composition. `release_published`: a published version takes no further file. `release_deleted`: the version was deleted, and stays taken.", body = ProblemDocument, content_type = PROBLEM),
        (status = 411, description = "`length_required`: over HTTP/1.0 a body needs `Content-Length`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 413, description = "`body_too_large`: the package is larger than the server takes. Nothing was kept.", body = ProblemDocument, content_type = PROBLEM),
        (status = 415, description = "`media_type`: it is no `multipart/form-data`, or its file is a form itself. `coding_refused`: the form or its file is coded, and that is not undone here.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "Refused, and nothing is kept. `package_empty`: it has no bytes. `digest_mismatch`: the bytes are not those that a header announces. `archive_refused`, with the member `rule`: it would harm whoever unpacks it. `platform_required`: neither it nor its name nor `platform` says what it runs on. `package_damaged`: it begins as a known kind, or its name ends as one, and is not that to its end, or an APK was changed after it was signed; the words say what is missing. `platform_mismatch`: the bytes say otherwise. `name_refused`: no file may have this name: one with `..`, a separator, control, direction or unseen characters, a dot at its beginning or a dot or space at its end, or one that the platform serves itself (`SHA256SUMS`, and what ends in .minisig, .sig, .plist, .zsync, .idsig or .blocks). `version_missing`: the package carries no version, so name one. `version_invalid`, `channel_invalid`, `platform_unknown`, `arch_unknown`, `kind_unknown`. `token_refused`: the catalog does not know the token, or it was never good for this. `package_refused`: the catalog refused it, for the reason given. `release_failed`: it was stored, and its release failed with the reason given. `strict_refused`: it was to be refused when something is odd; `warnings` lists what is. `parameter_invalid`, `notes_without_release`, `notes_too_long`, `text_refused`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 429, description = "Too much at once: come back after `Retry-After`.", body = ProblemDocument, content_type = PROBLEM, headers(("Retry-After" = i64, description = "Seconds."))),
        (status = 507, description = "`disk_full`: there is no room. Downloads go on.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn create(
    State(state): State<UploadState>,
    asker: Asker,
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
    envelope::check_form(&headers)?;
    digests::refuse_of_form(&headers)?;
    let boundary = boundary(&headers)?;
    let announced = body.size_hint().exact().unwrap_or(0);
    check_size(&state, announced.saturating_sub(FORM_BYTES))?;
    let mut connection = state.database.read().await?;
    session::check_room(&state, &mut connection, announced).await?;
    let whole = Announced {
        bytes: (announced > FORM_BYTES).then(|| (announced - FORM_BYTES, announced)),
        ..Announced::default()
    };
    quota::check_announced(&mut connection, &asker.app, &whole).await?;
    drop(connection);
    let mut arriving = Arriving::new(body);
    let form = Form {
        state: &state,
        asker: &asker,
        of_file: arriving.of_file.clone(),
        raw: query.raw(String::new()),
        file: None,
    };
    let parts = Multipart::new(&mut arriving, boundary);
    let by = By::from(asker.clone());
    let (staged, raw) = in_time(&state, &by, form.read(parts)).await?;
    in_time(&state, &by, arriving.end()).await?;
    let parameters = raw.parse()?;
    channel::check(&state, &asker.app, &parameters).await?;
    let wait = wait(&state, &headers);
    store(&state, staged, parameters, by, wait).await
}

fn boundary(headers: &HeaderMap) -> Result<String, Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    multer::parse_boundary(kind.unwrap_or_default()).map_err(|error| match error {
        multer::Error::NoBoundary => form_invalid("its Content-Type names no boundary"),
        _ => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            "send a form (multipart/form-data) here, or the bytes alone by PUT to …/packages/NAME, as `curl -T FILE` does",
        ),
    })
}

/// A form as far as it is read.
struct Form<'a> {
    state: &'a UploadState,
    asker: &'a Asker,
    /// Bytes of the file that have come.
    of_file: Arc<AtomicU64>,
    raw: RawParameters,
    file: Option<Staged>,
}

impl Form<'_> {
    /// The file, durable, and what was said of it.
    async fn read(mut self, mut parts: Multipart<'_>) -> Result<(Staged, RawParameters), Problem> {
        // A name in a field counts more than that in the file's part, wherever it comes.
        let mut filename = None;
        while let Some(part) = parts.next_field().await.map_err(unreadable)? {
            let name = part.name().unwrap_or_default().to_owned();
            let of_file = file_name(&part)?;
            let is_parameter = name == "filename" || self.raw.parameter(&name).is_some();
            match of_file {
                Some(_) if is_parameter => return Err(no_file(&name)),
                None if name == "filename" => set(&name, &mut filename, text(part).await?)?,
                None if is_parameter => self.set(&name, text(part).await?)?,
                None if name != "file" => return Err(unknown(&name)),
                of_file => {
                    self.raw.filename = of_file.unwrap_or_default();
                    self.take(part).await?;
                }
            }
        }
        self.raw.filename = filename.unwrap_or(self.raw.filename);
        let file = self.file.ok_or_else(|| {
            form_invalid(
                "it has no file: send one as the part `file`, as `curl -F file=@FILE` does",
            )
        })?;
        Ok((file, self.raw))
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Problem> {
        if name == "channel" {
            self.asker.permit(Scope::Release)?;
        }
        match self.raw.parameter(name) {
            Some(place) => set(name, place, value),
            None => Err(unknown(name)),
        }
    }

    /// Writes the part that is the file.
    async fn take(&mut self, mut part: Field<'_>) -> Result<(), Problem> {
        if self.file.is_some() {
            return Err(form_invalid("it has two files: send one package at a time"));
        }
        envelope::check_part(part.headers())?;
        self.check_words().await?;
        let mut expected = digests::announced(part.headers())?;
        let mut incoming = Incoming::start(self.state, expected.others.drain(..))?;
        while let Some(bytes) = part.chunk().await.map_err(unreadable)? {
            self.of_file
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if !incoming.append(bytes).await? {
                break;
            }
        }
        let staged = incoming.finish().await?;
        let came = staged.length().to_string();
        let mut lengths = part.headers().get_all(CONTENT_LENGTH).iter();
        if lengths.any(|length| length != came.as_str()) {
            return Err(form_invalid(&format!(
                "its file has {came} bytes and not its Content-Length: send all of it, and one length",
            )));
        }
        if expected
            .sha256
            .is_some_and(|sha256| sha256 != staged.digest())
        {
            return Err(Problem::unprocessable(
                "digest_mismatch",
                "the file of the form does not have the digest that its part announces: send it again",
            ));
        }
        self.file = Some(staged);
        Ok(())
    }

    /// Refuses before the file comes what is wrong in the fields before it, and a channel that is not there; the name may
    /// still come.
    async fn check_words(&self) -> Result<(), Problem> {
        let mut raw = self.raw.clone();
        if raw.filename.is_empty() {
            "file".clone_into(&mut raw.filename);
        }
        match raw.parse() {
            Ok(parameters) => channel::check(self.state, &self.asker.app, &parameters).await,
            Err(problem) if problem.code == "name_refused" => Ok(()),
            Err(problem) => Err(problem),
        }
    }
}

fn set(name: &str, place: &mut Option<String>, value: String) -> Result<(), Problem> {
    if place.replace(value).is_some() {
        return Err(form_invalid(&format!("it says {name} twice: say it once")));
    }
    Ok(())
}

/// A parameter's value.
async fn text(mut part: Field<'_>) -> Result<String, Problem> {
    envelope::check_part(part.headers())?;
    let name = part.name().unwrap_or_default().to_owned();
    let mut value = Vec::new();
    while let Some(bytes) = part.chunk().await.map_err(unreadable)? {
        value.extend_from_slice(&bytes);
        if value.len() > FIELD_BYTES {
            return Err(form_invalid(&format!("its field {name} is too long")));
        }
    }
    String::from_utf8(value).map_err(|_| form_invalid(&format!("its field {name} is not UTF-8")))
}

/// The file name of a part: the coded `filename*` (RFC 8187) that some libraries send, and it counts more (RFC 6266, 4.3),
/// or `filename`.
fn file_name(part: &Field<'_>) -> Result<Option<String>, Problem> {
    let disposition = part.headers().get(CONTENT_DISPOSITION);
    let disposition = disposition.map_or(&b""[..], HeaderValue::as_bytes);
    let disposition = str::from_utf8(disposition)
        .map_err(|_| name_refused("it is not UTF-8: send it as UTF-8, or as the field filename"))?;
    if let Some(value) = parameter(disposition, "filename*") {
        let name = decode(value).ok_or_else(|| {
            name_refused("its filename* cannot be read: send UTF-8''NAME, percent-encoded")
        })?;
        return Ok(Some(name));
    }
    let name = part.file_name();
    if name.is_some_and(|name| name.contains("=?") && name.contains("?=")) {
        return Err(name_refused(
            "raw of mail (RFC 2047) are not decoded: send it as UTF-8, or as the field filename",
        ));
    }
    Ok(name.map(str::to_owned))
}

/// The value of a parameter, as it is written.
fn parameter<'a>(disposition: &'a str, wanted: &str) -> Option<&'a str> {
    let (mut is_quoted, mut before) = (false, ' ');
    let parameters = disposition.split(|c| {
        is_quoted ^= c == '"' && before != '\\';
        before = c;
        c == ';' && !is_quoted
    });
    let mut pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(value.trim())
}

/// `UTF-8'LANGUAGE'NAME`; some libraries quote it.
fn decode(value: &str) -> Option<String> {
    let mut parts = value.trim_matches('"').splitn(3, '\'');
    let (charset, _, name) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let name = percent_decode_str(name).decode_utf8().ok()?;
    Some(name.into_owned())
}

fn name_refused(why: &str) -> Problem {
    Problem::unprocessable(
        "name_refused",
        format!("the name of the file is not taken: {why}"),
    )
}

fn unknown(name: &str) -> Problem {
    Problem::bad_request(
        "parameter_unknown",
        format!(
            "unknown field `{}`, expected `file` or one of `filename`, `version`, `channel`, `platform`, `arch`, `kind`, `sha256`, `notes`, `strict`, `create`: check the spelling or leave it out",
            name.escape_default()
        ),
    )
}

fn no_file(name: &str) -> Problem {
    form_invalid(&format!(
        "its field {name} comes as a file: send it as text, as `curl -F {name}=VALUE` does"
    ))
}

fn form_invalid(why: &str) -> Problem {
    Problem::bad_request("form_invalid", format!("the form is not taken: {why}"))
}

/// Why a form could not be read on.
fn unreadable(error: multer::Error) -> Problem {
    if let multer::Error::StreamReadFailed(cause) = error {
        return match cause.downcast::<Stopped>().as_deref() {
            Ok(Stopped::TooMuch) => too_much(),
            _ => truncated(),
        };
    }
    form_invalid("it cannot be read to its end: check what made it, and send it again")
}

fn too_much() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("beside its file a form may have {FORM_BYTES} bytes: send fewer"),
    )
}

/// The body of a form, one piece at a time: the parser reads on for as long as something is ready, and would hold all that
/// comes faster than it is written.
struct Arriving {
    body: Body,
    taken: u64,
    of_file: Arc<AtomicU64>,
    rests: bool,
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the body ended early")]
    Cut,
    #[error("too many bytes beside the file")]
    TooMuch,
}

impl Arriving {
    fn new(body: Body) -> Self {
        Self {
            body,
            taken: 0,
            of_file: Arc::default(),
            rests: false,
        }
    }

    /// Reads what comes after the form, which means nothing (RFC 2046, 5.1.1), to know that the body is whole.
    async fn end(mut self) -> Result<(), Problem> {
        while let Some(bytes) = self.next().await {
            match bytes {
                Ok(_) => {}
                Err(Stopped::Cut) => return Err(truncated()),
                Err(Stopped::TooMuch) => return Err(too_much()),
            }
        }
        Ok(())
    }
}

impl Stream for Arriving {
    type Item = Result<Bytes, Stopped>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            let bytes = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(Stopped::Cut))),
                Some(Ok(frame)) => frame.into_data(),
            };
            let Ok(bytes) = bytes else { continue };
            self.rests = true;
            self.taken += bytes.len() as u64;
            let beside = self.taken - self.of_file.load(Ordering::Relaxed);
            // What was taken last may be of the file and not yet be told from the rest.
            if beside.saturating_sub(bytes.len() as u64) > FORM_BYTES {
                return Poll::Ready(Some(Err(Stopped::TooMuch)));
            }
            return Poll::Ready(Some(Ok(bytes)));
        }
    }
}
