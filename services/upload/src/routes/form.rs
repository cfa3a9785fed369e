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
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use multer::{Field, Multipart};
use slipway_contract::grant::Scope;
use slipway_openapi::parameters::{AppPath, Prefer};
use slipway_openapi::{Documents, PROBLEM, ProblemDocument};
use slipway_runtime::Problem;
use slipway_runtime::http::json::ApiQuery;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::uploading::{AcceptedPackage, Query, UploadedPackage, in_time, store, wait};
use crate::error::{Error, Method};
use crate::incoming::Incoming;
use crate::parameters::{self, RawParameters};
use crate::permission::{Asker, By};
use crate::rules::body;
use crate::rules::form::{self, FORM_BYTES, Fields, Part};
use crate::rules::quota::Announced;
use crate::staging::Staged;
use crate::state::UploadState;
use crate::{channel, digests, envelope, quota, session};

pub(super) fn router() -> OpenApiRouter<UploadState> {
    // What a client means that puts the bytes here is told, and is no operation.
    OpenApiRouter::new()
        .routes(routes!(create))
        .route("/api/v1/apps/{app}/packages", put(without_name))
}

/// What a client means that puts the bytes here: their name is missing.
async fn without_name(asker: Asker) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    Err(Method::NameMissing { app: asker.app }.into())
}

/// The parts of a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read part by part, by [`Form`]")]
struct PackageForm {
    /// The package: the part that has a file name, or is named so.
    #[schema(value_type = slipway_openapi::Bytes)]
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

/// Stores the file of a form as a package: as PUT does, with the same answers.
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
) -> Result<Response, Error> {
    asker.permit(Scope::Upload)?;
    let ApiQuery(query) = query?;
    query.check_notes()?;
    if query.channel.is_some() {
        asker.permit(Scope::Release)?;
    }
    envelope::check_form(&headers)?;
    digests::refuse_of_form(&headers)?;
    let media_type = headers.get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let boundary = form::boundary(media_type.unwrap_or_default())?;
    let announced = body.size_hint().exact().unwrap_or(0);
    let least = announced.saturating_sub(FORM_BYTES);
    body::check_size(state.settings.now().limits.package_bytes, least)?;
    let mut connection = state.database.read().await?;
    session::check_room(&state, &mut connection, announced).await?;
    let whole = Announced {
        bytes: (least > 0).then_some((least, announced)),
        ..Announced::default()
    };
    quota::check_announced(&mut connection, &asker.app, &whole).await?;
    drop(connection);
    let mut arriving = Arriving::new(body);
    let form = Form {
        state: &state,
        asker: &asker,
        of_file: arriving.of_file.clone(),
        fields: Fields::new(query.raw(String::new())),
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

/// A form as far as it is read.
struct Form<'a> {
    state: &'a UploadState,
    asker: &'a Asker,
    /// Bytes of the file that have come.
    of_file: Arc<AtomicU64>,
    fields: Fields,
    file: Option<Staged>,
}

impl Form<'_> {
    /// The file, durable, and what was said of it.
    async fn read(mut self, mut parts: Multipart<'_>) -> Result<(Staged, RawParameters), Error> {
        while let Some(part) = parts.next_field().await.map_err(unreadable)? {
            let name = part.name().unwrap_or_default().to_owned();
            let of_file = form::file_name(part.headers(), part.file_name())?;
            match self.fields.part(&name, of_file)? {
                Part::Field(name) => self.set(&name, text(part, &name).await?)?,
                Part::File(of_file) => {
                    self.fields.set_name_of_file(of_file);
                    self.take(part).await?;
                }
            }
        }
        let file = self.file.ok_or(form::Refusal::NoFile)?;
        Ok((file, self.fields.complete()))
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Error> {
        if name == "channel" {
            self.asker.permit(Scope::Release)?;
        }
        Ok(self.fields.set(name, value)?)
    }

    /// Writes the part that is the file.
    async fn take(&mut self, mut part: Field<'_>) -> Result<(), Error> {
        if self.file.is_some() {
            return Err(form::Refusal::TwoFiles.into());
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
            return Err(form::Refusal::Length(staged.length()).into());
        }
        body::check_digest(expected.sha256, staged.digest())?;
        self.file = Some(staged);
        Ok(())
    }

    /// Refuses before the file comes what is wrong in the fields before it, and a channel that is not there; the name may
    /// still come.
    async fn check_words(&self) -> Result<(), Error> {
        match self.fields.so_far().parse() {
            Ok(parameters) => channel::check(self.state, &self.asker.app, &parameters).await,
            Err(parameters::Refusal::Name(_)) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// A parameter's value.
async fn text(mut part: Field<'_>, name: &str) -> Result<String, Error> {
    envelope::check_part(part.headers())?;
    let mut value = Vec::new();
    while let Some(bytes) = part.chunk().await.map_err(unreadable)? {
        form::append(&mut value, &bytes, name)?;
    }
    Ok(form::text(value, name)?)
}

/// Why a form could not be read on.
fn unreadable(error: multer::Error) -> Error {
    if let multer::Error::StreamReadFailed(cause) = error {
        return match cause.downcast::<Stopped>().as_deref() {
            Ok(Stopped::TooMuch) => form::Refusal::TooMuch.into(),
            _ => body::Refusal::Cut.into(),
        };
    }
    form::Refusal::Unreadable.into()
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
    async fn end(mut self) -> Result<(), Error> {
        while let Some(bytes) = self.next().await {
            match bytes {
                Ok(_) => {}
                Err(Stopped::Cut) => return Err(body::Refusal::Cut.into()),
                Err(Stopped::TooMuch) => return Err(form::Refusal::TooMuch.into()),
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
