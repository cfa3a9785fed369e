//! How far a stored package is: what an answer waits for, and what it says when the wait is over.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::json;
use slipway_service::api::{Package, Uploaded};
use slipway_service::{Problem, clock};
use tokio::time::Instant;

use crate::State;
use crate::outbox::AWAY;
use crate::store::{outbox, packages};
use crate::storing::Stored;

/// How often it is looked for what other instances have done; what this one does is seen at once.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The longest that one call to the catalog waits: below the time-outs of its client.
const LONGEST_CALL: Duration = Duration::from_secs(25);
/// What a developer is told before the catalog has a package.
const ON_ITS_WAY: &str = "it is being handed over to the catalog";
/// Time for an answer that needs no waiting.
const ANSWER: Duration = Duration::from_secs(2);

/// The answer to an upload: the package and its release when they are where they were wished to be before `wait` is
/// over, else 202. Nothing is lost when the client does not wait for it: the package is stored already.
pub(crate) async fn answer(
    state: &State,
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
            (stored.status, [(LOCATION, location)], Json(uploaded)).into_response()
        }
        Reached::Waits(uploaded) => {
            let body = json!({
                "state": uploaded.package.state,
                "reason": uploaded.package.reason,
                "package": uploaded.package,
                "release": uploaded.release,
            });
            (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
        }
    })
}

enum Reached {
    Done(Uploaded),
    Waits(Uploaded),
}

async fn reach(state: &State, stored: &Stored, deadline: Instant) -> Result<Reached, Problem> {
    let (package, left_behind) = handed_over(state, stored, deadline).await?;
    if let Some(entry) = left_behind {
        // What the catalog says now is of the time before the wish.
        let reason = entry.last_error.as_deref().unwrap_or(ON_ITS_WAY);
        return Ok(Reached::Waits(own(&package, "stored", reason)));
    }
    let entry = package.refused_entry.as_deref();
    if package.refused_code.is_some() && entry.is_none_or(|entry| entry == stored.entry) {
        return Err(refusal(&package));
    }
    let wished = stored.channel.is_some();
    let mut away_since = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = if wished { left } else { Duration::ZERO };
        if let Ok(uploaded) = ask(state, &package, wait.min(LONGEST_CALL)).await {
            away_since = None;
            if is_settled(&uploaded, wished)? {
                return Ok(Reached::Done(uploaded));
            }
            if left.is_zero() {
                return Ok(Reached::Waits(with_reason(uploaded)));
            }
        } else {
            let since = *away_since.get_or_insert_with(Instant::now);
            if left.is_zero() || since.elapsed() >= grace(state) {
                return Ok(Reached::Waits(own(&package, "stored", AWAY)));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Waits until the catalog has the wish or has refused it, until it is known not to answer, or until `deadline`; then
/// the entry is still there.
async fn handed_over(
    state: &State,
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

/// Whether the release is where it was wished to be; `release_failed` when it will not get there.
fn is_settled(uploaded: &Uploaded, wished: bool) -> Result<bool, Problem> {
    let Some(release) = uploaded.release.as_ref().filter(|_| wished) else {
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
    state: &State,
    package: &packages::Package,
) -> Result<Uploaded, Problem> {
    if package.state == "refused" {
        let reason = package.refused_detail.as_deref().unwrap_or_default();
        return Ok(own(package, "refused", reason));
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
            if uploaded.package.reason.is_none() {
                uploaded.package.reason.clone_from(&package.refused_detail);
            }
            Ok(with_reason(uploaded))
        }
        Err(_) => Ok(own(package, "stored", AWAY)),
    }
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

/// Asks the catalog, which waits up to `wait` for the release.
async fn ask(
    state: &State,
    package: &packages::Package,
    wait: Duration,
) -> anyhow::Result<Uploaded> {
    let id = package.known_as.as_deref().unwrap_or(&package.id);
    let path = format!("/internal/packages/{id}?wait={}", wait.as_secs());
    let client = &state.process.client;
    let call = client.call::<Uploaded>("catalog", Method::GET, &path, None::<&()>);
    let mut uploaded = tokio::time::timeout(wait + ANSWER, call).await??;
    uploaded.package.id.clone_from(&package.id);
    Ok(uploaded)
}

fn grace(state: &State) -> Duration {
    Duration::from_millis(state.settings.outbox.grace_millis)
}

/// The catalog's refusal, as it said it.
fn refusal(package: &packages::Package) -> Problem {
    let status = package
        .refused_status
        .and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let code = package.refused_code.as_deref().unwrap_or_default();
    let known = REFUSALS.iter().find(|known| **known == code);
    Problem::new(
        status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
        known.copied().unwrap_or("package_refused"),
        package.refused_detail.clone().unwrap_or_default(),
    )
}

/// Codes with which the catalog refuses a delivery.
const REFUSALS: [&str; 10] = [
    "app_unknown",
    "channel_invalid",
    "package_taken",
    "package_unknown",
    "release_not_published",
    "release_published",
    "release_unknown",
    "token_refused",
    "version_exists",
    "version_invalid",
];
