//! How far a stored package is: what an answer waits for, and what it says when the wait is over.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::json;
use slipway_service::api::{Package, Refusal, Uploaded};
use slipway_service::internal::client::CallError;
use slipway_service::{Problem, clock};
use tokio::time::Instant;

use crate::UploadState;
use crate::outbox::AWAY;
use crate::store::{outbox, packages};
use crate::storing::Stored;

/// How often it is looked for what other instances have done; what this one does is seen at once.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The longest that one call to the catalog waits: below the time-outs of its client.
const LONGEST_CALL: Duration = Duration::from_secs(25);
/// What a developer is told before the catalog has a package.
const ON_ITS_WAY: &str = "it is being handed over to the catalog";
/// Of a package that the catalog had, or was to have, and has no more.
const GONE: &str = "package_gone";
/// Time for an answer that needs no waiting.
const ANSWER: Duration = Duration::from_secs(2);

/// The answer to an upload: the package and its release when they are where they were to be before `wait` is
/// over, else 202. Nothing is lost when the client does not wait for it: the package is stored already.
pub(crate) async fn answer(
    state: &UploadState,
    stored: Stored,
    wait: Duration,
) -> Result<Response, Problem> {
    let deadline = Instant::now() + wait;
    let reached = tokio::select! {
        reached = reach(state, &stored, deadline) => reached?,
        () = state.process.draining.cancelled() => Reached::Waits(current(state, &stored.package).await?),
    };
    let location = format!(
        "/api/v1/apps/{}/packages/{}",
        stored.package.app, stored.package.id
    );
    Ok(match reached {
        Reached::Done(uploaded) => {
            let mut body = json!(uploaded);
            if let Some(replaced) = &stored.replaced {
                body["replaced"] = json!(replaced);
            }
            (stored.status, [(LOCATION, location)], Json(body)).into_response()
        }
        Reached::Waits(uploaded) => {
            let mut body = json!({
                "state": uploaded.package.state,
                "reason": uploaded.package.reason,
                "package": uploaded.package,
                "release": uploaded.release,
            });
            if let Some(replaced) = &stored.replaced {
                body["replaced"] = json!(replaced);
            }
            (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
        }
    })
}

enum Reached {
    Done(Uploaded),
    Waits(Uploaded),
}

async fn reach(
    state: &UploadState,
    stored: &Stored,
    deadline: Instant,
) -> Result<Reached, Problem> {
    let (package, left_behind) = handed_over(state, stored, deadline).await?;
    if let Some(entry) = left_behind {
        // What the catalog says now is of the time before the intent.
        let reason = entry.last_error.as_deref().unwrap_or(ON_ITS_WAY);
        return Ok(Reached::Waits(own(&package, "stored", reason)));
    }
    check_taken(state, &package, &stored.entry).await?;
    let requested = stored.channel.is_some();
    let mut away_since = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = if requested { left } else { Duration::ZERO };
        match ask(state, &package, wait.min(LONGEST_CALL)).await {
            Ok(uploaded) => {
                away_since = None;
                if is_settled(&uploaded, requested)? {
                    return Ok(Reached::Done(uploaded));
                }
                if left.is_zero() {
                    return Ok(Reached::Waits(with_reason(uploaded)));
                }
            }
            Err(Unknown::Gone) => return Err(gone()),
            Err(Unknown::Away) => {
                let since = *away_since.get_or_insert_with(Instant::now);
                if left.is_zero() || since.elapsed() >= grace(state) {
                    return Ok(Reached::Waits(own(&package, "stored", AWAY)));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// Refuses a package that the catalog has refused or that is gone there, and the intent in `entry` that it has refused.
async fn check_taken(
    state: &UploadState,
    package: &packages::Package,
    entry: &str,
) -> Result<(), Problem> {
    if package.state == "removed" {
        return Err(gone());
    }
    let of_another = |refused: &str| refused != entry;
    if package.refused_entry.as_deref().is_some_and(of_another) {
        return Ok(());
    }
    match refused(state, package).await? {
        Some(refused) => Err(refusal(refused)),
        None => Ok(()),
    }
}

/// How the catalog has refused the package, or the last intent to publish it.
async fn refused(
    state: &UploadState,
    package: &packages::Package,
) -> Result<Option<Refusal>, Problem> {
    let (Some(code), Some(status)) = (&package.refused_code, package.refused_status) else {
        return Ok(None);
    };
    let mut connection = state.database.read().await?;
    Ok(Some(Refusal {
        status: u16::try_from(status).map_err(Problem::internal)?,
        code: code.clone(),
        detail: package.refused_detail.clone().unwrap_or_default(),
        members: packages::refusal_members(&mut connection, &package.id).await?,
    }))
}

/// Waits until the catalog has the intent or has refused it, until it is known not to answer, or until `deadline`; then
/// the entry is still there.
async fn handed_over(
    state: &UploadState,
    stored: &Stored,
    deadline: Instant,
) -> Result<(packages::Package, Option<outbox::Entry>), Problem> {
    let mut signal = state.outbox.subscribe();
    loop {
        signal.mark_unchanged();
        let mut connection = state.database.read().await?;
        let entry = outbox::by_id(&mut connection, &stored.entry).await?;
        let package = packages::by_id(&mut connection, &stored.package.id).await?;
        drop(connection);
        let package = package.ok_or_else(|| Problem::internal("a stored package is gone"))?;
        let failing = entry.as_ref().and_then(|entry| entry.failing_since);
        let grace = i64::try_from(state.settings.outbox.grace_millis).unwrap_or(i64::MAX);
        let away = failing.is_some_and(|since| clock::unix_millis() - since >= grace);
        if entry.is_none() || away || Instant::now() >= deadline {
            return Ok((package, entry));
        }
        let again = deadline.min(Instant::now() + LOOK_AGAIN);
        let _ = tokio::time::timeout_at(again, signal.changed()).await;
    }
}

/// Whether the release is where it was to be; `release_failed` when it will not get there.
fn is_settled(uploaded: &Uploaded, requested: bool) -> Result<bool, Problem> {
    let Some(release) = uploaded.release.as_ref().filter(|_| requested) else {
        return Ok(true);
    };
    match release.state.as_str() {
        "failed" => {
            let reason = release.reason.as_deref().unwrap_or("the log knows why");
            let version = &release.version;
            Err(Problem::unprocessable(
                "release_failed",
                format!(
                    "{version} could not be released: {reason}. When that is mended, send the package again or retry the release"
                ),
            ))
        }
        "draft" | "signing" | "verifying" => Ok(false),
        _ => Ok(true),
    }
}

/// Where a package is now, as far as can be told at once.
pub(crate) async fn current(
    state: &UploadState,
    package: &packages::Package,
) -> Result<Uploaded, Problem> {
    if package.state == "removed" {
        return Err(gone());
    }
    if package.state == "refused" {
        let reason = package.refused_detail.as_deref().unwrap_or_default();
        return Ok(Uploaded {
            refused: refused(state, package).await?,
            ..own(package, "refused", reason)
        });
    }
    if package.state == "stored" {
        let mut connection = state.database.read().await?;
        let entry = outbox::of_package(&mut connection, &package.id).await?;
        let reason = entry.and_then(|entry| entry.last_error);
        let reason = reason.as_deref().unwrap_or(ON_ITS_WAY);
        return Ok(own(package, "stored", reason));
    }
    match ask(state, package, Duration::ZERO).await {
        Ok(mut uploaded) => {
            // A draft that was not released may be released since.
            if matches!(&*uploaded.package.state, "draft" | "stored") {
                uploaded.refused = refused(state, package).await?;
                let reason = &mut uploaded.package.reason;
                *reason = reason.take().or_else(|| package.refused_detail.clone());
            }
            Ok(with_reason(uploaded))
        }
        Err(Unknown::Gone) => Err(gone()),
        Err(Unknown::Away) => Ok(own(package, "stored", AWAY)),
    }
}

pub(crate) fn gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        GONE,
        "the package was deleted, or another took its place in its draft: upload it again if it is wanted",
    )
}

/// A package as the API shows it while the catalog does not.
fn own(package: &packages::Package, state: &str, reason: &str) -> Uploaded {
    Uploaded {
        package: Package {
            id: package.id.clone(),
            filename: package.filename.clone(),
            sha256: package.sha256.clone(),
            size: package.size,
            kind: package.kind.clone(),
            platform: package.platform.clone(),
            arch: package.arch.clone(),
            state: state.to_owned(),
            reason: Some(reason.to_owned()),
            ..Package::of_facts(&package.facts())
        },
        release: None,
        refused: None,
    }
}

/// Says of a release on its way what happens now, when nothing hinders it.
fn with_reason(mut uploaded: Uploaded) -> Uploaded {
    let Package { state, reason, .. } = &mut uploaded.package;
    if reason.is_none() {
        *reason = match state.as_str() {
            "signing" => Some("it is being signed; it goes on by itself".to_owned()),
            "verifying" => Some("it is being verified; it goes on by itself".to_owned()),
            _ => None,
        };
    }
    uploaded
}

/// Why the catalog says nothing of a package.
enum Unknown {
    Away,
    Gone,
}

/// Asks the catalog, which waits up to `wait` for the release.
async fn ask(
    state: &UploadState,
    package: &packages::Package,
    wait: Duration,
) -> Result<Uploaded, Unknown> {
    let id = package.known_as.as_deref().unwrap_or(&package.id);
    let path = format!("/internal/packages/{id}?wait={}", wait.as_secs());
    let client = &state.peers.client;
    let call = client.call::<Uploaded>("catalog", Method::GET, &path, None::<&()>);
    let answer = tokio::time::timeout(wait + ANSWER, call).await;
    let mut uploaded = match answer {
        Ok(Ok(uploaded)) => uploaded,
        Ok(Err(CallError::Refused { code, .. })) if code == GONE => return Err(Unknown::Gone),
        Ok(Err(_)) | Err(_) => return Err(Unknown::Away),
    };
    uploaded.package.id.clone_from(&package.id);
    Ok(uploaded)
}

fn grace(state: &UploadState) -> Duration {
    Duration::from_millis(state.settings.outbox.grace_millis)
}

/// The catalog's refusal, as it said it.
fn refusal(refused: Refusal) -> Problem {
    let known = REFUSALS.iter().find(|known| **known == refused.code);
    let problem = Problem::new(
        StatusCode::from_u16(refused.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
        known.copied().unwrap_or("package_refused"),
        refused.detail,
    );
    let members = refused.members.into_iter();
    members.fold(problem, |problem, (name, value)| {
        problem.with_member(&name, value)
    })
}

/// Codes with which the catalog refuses a delivery.
const REFUSALS: [&str; 16] = [
    "app_deleted",
    "app_unknown",
    "channel_invalid",
    "channel_unknown",
    "draft_mixed",
    GONE,
    "package_taken",
    "package_unknown",
    "release_deleted",
    "release_not_published",
    "release_published",
    "release_unknown",
    "strict_refused",
    "token_refused",
    "version_exists",
    "version_invalid",
];
