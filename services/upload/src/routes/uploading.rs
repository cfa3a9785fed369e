//! What an upload in one request takes and is answered, as bytes or as a form.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use slipway_contract::public;
use slipway_runtime::http::prefer;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::parameters::{self, Parameters, RawParameters};
use crate::permission::{self, By};
use crate::progress::{self, Reached};
use crate::rules::body;
use crate::staging::Staged;
use crate::state::UploadState;
use crate::storing::{self, Placed, Stored};

/// Bytes of notes in an address.
const MAX_NOTES_BYTES: usize = 4096;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Joins the draft of this version.
    #[param(value_type = Option<slipway_contract::Version>)]
    version: Option<String>,
    /// Publishes the draft to this channel. One that does not exist is refused, unless it is `stable` or `beta` or
    /// `create` says so.
    #[param(value_type = Option<slipway_contract::Slug>)]
    pub(super) channel: Option<String>,
    /// What it runs on: `android`, `ios`, `macos`, `windows`, `linux`, `harmony`, or `any`, which offers it to
    /// everybody. What uname, dpkg, rpm, Go, Node, Python, Apple, Windows and .NET call them is taken too, in any case
    /// (`Darwin`, `win32`, `osx-arm64`); the canonical word is answered. It may not contradict the bytes; a file that
    /// does not say it, such as a zip, needs it (422 `platform_required`).
    #[param(example = "linux")]
    platform: Option<String>,
    /// What the bytes do not say; it may not contradict them: `x86_64`, `aarch64`, `armv7`, `x86`, `universal`, or
    /// another one's own name. What uname, dpkg, rpm, Go, Node, Android, Apple, Windows, MSI and .NET call them is
    /// taken too, in any case (`amd64`, `arm64-v8a`, `armhf`, `ia32`).
    #[param(example = "aarch64")]
    arch: Option<String>,
    /// `other`: the bytes are taken as they are, also when they are not whole or not what their name says. Nothing is
    /// read out of them, and they count for no platform: they are served at their own address and shown on the page,
    /// and never given by `latest`. An archive that would harm whoever unpacks it is refused all the same.
    #[param(pattern = "^other$", example = "other")]
    kind: Option<String>,
    /// Notes of the release, while it is a draft: at most 4,096 bytes in an address. A release has those of the token
    /// that publishes it.
    #[param(max_length = 4096)]
    notes: Option<String>,
    /// `true`: what is odd is refused instead of told in `warnings`.
    #[param(value_type = Option<bool>, default = false)]
    strict: Option<String>,
    /// `channel`: makes the channel when it does not exist.
    #[param(pattern = "^channel$", example = "channel")]
    create: Option<String>,
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
    pub(super) fn check_notes(&self) -> Result<(), parameters::Refusal> {
        if self
            .notes
            .as_ref()
            .is_none_or(|notes| notes.len() <= MAX_NOTES_BYTES)
        {
            return Ok(());
        }
        Err(parameters::Refusal::NotesTooLongForAddress)
    }
}

/// What an upload is answered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`answer`] writes")]
#[schema(as = UploadAnswer)]
pub(super) struct UploadedPackage {
    package: public::Package,
    /// Absent for a package on its own.
    #[schema(nullable = false)]
    release: Option<public::Release>,
    /// SHA-256 in hex of the bytes whose place it took in the draft; absent when there were none.
    #[schema(pattern = "^[0-9a-f]{64}$", nullable = false)]
    replaced: Option<String>,
}

/// What an upload is answered that goes on by itself.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what [`answer`] writes")]
#[schema(as = AcceptedUpload)]
pub(super) struct AcceptedPackage {
    /// That of the package.
    #[schema(schema_with = slipway_contract::schema::package_state)]
    state: String,
    /// What it waits for, in words.
    #[schema(required = true)]
    reason: Option<String>,
    package: public::Package,
    #[schema(required = true)]
    release: Option<public::Release>,
    /// SHA-256 in hex of the bytes whose place it took in the draft; absent when there were none.
    #[schema(pattern = "^[0-9a-f]{64}$", nullable = false)]
    replaced: Option<String>,
}

/// How long the answer waits for the release.
pub(super) fn wait(state: &UploadState, headers: &HeaderMap) -> Duration {
    let settings = state.settings.now();
    let limits = &settings.limits;
    let seconds = prefer::wait(headers).unwrap_or(limits.wait_seconds);
    Duration::from_secs(seconds.min(limits.longest_wait_seconds))
}

/// What `receiving` gives, unless the body takes longer than one may, or its token ends on the way.
pub(super) async fn in_time<T>(
    state: &UploadState,
    by: &By,
    receiving: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        received = timeout(state.settings.now().limits.body_time(), receiving) => {
            received.map_err(|_| body::Refusal::Late)?
        }
        error = permission::until_refused(state, by) => Err(error),
    }
}

/// Makes a package of what has arrived, and answers when it is where it is to be or `wait` is over.
pub(super) async fn store(
    state: &UploadState,
    staged: Staged,
    parameters: Parameters,
    by: By,
    wait: Duration,
) -> Result<Response, Error> {
    // A task of its own: a client that leaves now cannot leave half of it undone.
    let storing = {
        let state = state.clone();
        async move { storing::store(&state, staged.into(), &parameters, &by, None).await }
    };
    let stored = state.process.tasks.spawn(storing).await;
    let stored = stored.map_err(Error::internal)??;
    let reached = progress::reached(state, &stored, wait).await?;
    Ok(answer(&stored, reached))
}

/// The package and its release when they are where they were to be, else 202 and why they are not.
fn answer(stored: &Stored, reached: Reached) -> Response {
    let package = stored.package();
    let location = format!("/api/v1/apps/{}/packages/{}", package.app, package.id);
    let (status, mut body) = match reached {
        Reached::Done(uploaded) => {
            let status = match stored.placed {
                Placed::New(_) => StatusCode::CREATED,
                Placed::There(_) | Placed::Replaced { .. } => StatusCode::OK,
            };
            (status, json!(uploaded))
        }
        Reached::Waits(uploaded) => {
            let body = json!({
                "state": uploaded.package.state,
                "reason": uploaded.package.reason,
                "package": uploaded.package,
                "release": uploaded.release,
            });
            (StatusCode::ACCEPTED, body)
        }
    };
    if let Placed::Replaced { before, .. } = &stored.placed {
        body["replaced"] = json!(before);
    }
    (status, [(LOCATION, location)], Json(body)).into_response()
}
