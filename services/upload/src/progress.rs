//! How far a stored package is: what an answer waits for, and what it says when the wait is over.

use std::time::Duration;

use http::Method;
use slipway_contract::public::{Package, Refusal as Refused, Uploaded};
use slipway_contract::{PackageState, Word};
use slipway_database::columns::Parsed;
use slipway_peers::client::CallError;
use slipway_runtime::clock;
use tokio::time::Instant;

use crate::error::Error;
use crate::outbox::AWAY;
use crate::rules::progress::{GONE, Refusal, is_settled, with_reason};
use crate::state::UploadState;
use crate::store::state::State;
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

/// How far a package came before its wait was over.
pub(crate) enum Reached {
    /// It is where it was to be.
    Done(Uploaded),
    /// It is on its way. Nothing is lost when the client does not wait for it: the package is stored already.
    Waits(Uploaded),
}

/// Waits until the package and its release are where they were to be, until `wait` is over, or until this instance leaves.
pub(crate) async fn reached(
    state: &UploadState,
    stored: &Stored,
    wait: Duration,
) -> Result<Reached, Error> {
    let deadline = Instant::now() + wait;
    tokio::select! {
        reached = reach(state, stored, deadline) => reached,
        () = state.process.closing.cancelled() => Ok(Reached::Waits(current(state, stored.package()).await?)),
    }
}

async fn reach(state: &UploadState, stored: &Stored, deadline: Instant) -> Result<Reached, Error> {
    let (package, left_behind) = handed_over(state, stored, deadline).await?;
    if let Some(entry) = left_behind {
        // What the catalog says now is of the time before the intent.
        let reason = entry.last_error.as_deref().unwrap_or(ON_ITS_WAY);
        return Ok(Reached::Waits(own(&package, PackageState::Stored, reason)));
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
            Err(Unknown::Gone) => return Err(Refusal::Gone.into()),
            Err(Unknown::Away) => {
                let since = *away_since.get_or_insert_with(Instant::now);
                if left.is_zero() || since.elapsed() >= grace(state) {
                    return Ok(Reached::Waits(own(&package, PackageState::Stored, AWAY)));
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
) -> Result<(), Error> {
    if package.state == State::Removed {
        return Err(Refusal::Gone.into());
    }
    let of_another = |refused: &str| refused != entry;
    if package.refused_entry.as_deref().is_some_and(of_another) {
        return Ok(());
    }
    match refused(state, package).await? {
        Some(refused) => Err(Refusal::Refused(refused).into()),
        None => Ok(()),
    }
}

/// How the catalog has refused the package, or the last intent to publish it.
async fn refused(
    state: &UploadState,
    package: &packages::Package,
) -> Result<Option<Refused>, Error> {
    let (Some(Parsed(code)), Some(status)) = (&package.refused_code, package.refused_status) else {
        return Ok(None);
    };
    let mut connection = state.database.read().await?;
    Ok(Some(Refused {
        status: u16::try_from(status).map_err(Error::internal)?,
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
) -> Result<(packages::Package, Option<outbox::Entry>), Error> {
    let mut signal = state.outbox.subscribe();
    loop {
        signal.mark_unchanged();
        let mut connection = state.database.read().await?;
        let entry = outbox::by_id(&mut connection, &stored.entry).await?;
        let package = packages::by_id(&mut connection, &stored.package().id).await?;
        drop(connection);
        let package = package.ok_or_else(|| anyhow::anyhow!("a stored package is gone"))?;
        let failing = entry.as_ref().and_then(|entry| entry.failing_since);
        let grace = i64::try_from(state.settings.now().outbox.grace_millis).unwrap_or(i64::MAX);
        let away = failing.is_some_and(|since| clock::unix_millis() - since >= grace);
        if entry.is_none() || away || Instant::now() >= deadline {
            return Ok((package, entry));
        }
        let again = deadline.min(Instant::now() + LOOK_AGAIN);
        let _ = tokio::time::timeout_at(again, signal.changed()).await;
    }
}

/// Where a package is now, as far as can be told at once.
pub(crate) async fn current(
    state: &UploadState,
    package: &packages::Package,
) -> Result<Uploaded, Error> {
    if package.state == State::Removed {
        return Err(Refusal::Gone.into());
    }
    if package.state == State::Refused {
        let reason = package.refused_detail.as_deref().unwrap_or_default();
        return Ok(Uploaded {
            refused: refused(state, package).await?,
            ..own(package, PackageState::Refused, reason)
        });
    }
    if package.state == State::Stored {
        let mut connection = state.database.read().await?;
        let entry = outbox::of_package(&mut connection, &package.id).await?;
        let reason = entry.and_then(|entry| entry.last_error);
        let reason = reason.as_deref().unwrap_or(ON_ITS_WAY);
        return Ok(own(package, PackageState::Stored, reason));
    }
    match ask(state, package, Duration::ZERO).await {
        Ok(mut uploaded) => {
            // A draft that was not released may be released since.
            if matches!(uploaded.package.state.as_str(), "draft" | "stored") {
                uploaded.refused = refused(state, package).await?;
                let reason = &mut uploaded.package.reason;
                *reason = reason.take().or_else(|| package.refused_detail.clone());
            }
            Ok(with_reason(uploaded))
        }
        Err(Unknown::Gone) => Err(Refusal::Gone.into()),
        Err(Unknown::Away) => Ok(own(package, PackageState::Stored, AWAY)),
    }
}

/// A package as the API shows it while the catalog does not.
fn own(package: &packages::Package, state: PackageState, reason: &str) -> Uploaded {
    let (id, file) = (package.id.clone(), package.file.clone());
    Uploaded {
        package: Package {
            state: Word::Known(state),
            reason: Some(reason.to_owned()),
            ..Package::stored(id, file, &package.facts.0)
        },
        release: None,
        refused: None,
    }
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
        Ok(Err(CallError::Refused { code, .. })) if code == GONE => {
            return Err(Unknown::Gone);
        }
        Ok(Err(_)) | Err(_) => return Err(Unknown::Away),
    };
    uploaded.package.id.clone_from(&package.id);
    Ok(uploaded)
}

fn grace(state: &UploadState) -> Duration {
    Duration::from_millis(state.settings.now().outbox.grace_millis)
}
