//! The jobs: make an app's key; sign, verify and publish a release.
//!
//! Every step asks a peer for something that is safe to repeat and then writes what it got in one transaction, so the
//! work may end anywhere and begin again. A step is never reported done before it is durable.

use anyhow::{anyhow, bail};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use slipway_peers::client::CallError;
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::feed;
use crate::gate::{self, Verdict};
use crate::rules::state::State as Stage;
use crate::state::CatalogState;
use crate::store::jobs::{self, Work};
use crate::store::{apps, packages, releases};

/// Milliseconds that a release waits for the first download instance to have it before it looks again.
const STAGED_WAIT_MILLIS: u64 = 2000;

/// Codes of signing whose words say what somebody must put back, set right or make room for: they are the reason that a
/// release waits.
const SAID_BY_SIGNING: [&str; 5] = [
    "disk_full",
    "key_missing",
    "statement_damaged",
    "blob_missing",
    "clock_wrong",
];
/// Signing has stated other bytes under this name: no time changes that.
const STATED_ALREADY: &str = "statement_differs";
/// Signing has read other bytes than were uploaded.
const OTHER_BYTES: &str = "digest_mismatch";

/// How a run of a job ended.
pub(crate) enum Ended {
    Done,
    /// A peer is away: try again later; the words are for the developer.
    Waits(String),
}

/// Runs a job once. Whatever goes wrong on our side is tried again too: nothing is lost by it.
pub(crate) async fn run(state: &CatalogState, work: &Work) -> Ended {
    let job = &work.row.subject;
    let outcome = match job.kind.as_str() {
        "key" => make_key(state, &job.subject).await,
        "release" => publish(state, work).await,
        kind => Err(anyhow!("a job of the kind {kind}, which is not known")),
    };
    match outcome {
        Ok(ended) => ended,
        Err(error) => {
            tracing::warn!(
                job = work.row.id,
                error = format!("{error:#}"),
                "a job failed and is tried again"
            );
            Ended::Waits("something went wrong here, and it is tried again".to_owned())
        }
    }
}

/// Marks the job's release as failed, in the transaction that gives the job up.
pub(crate) async fn give_up(
    db: &mut AnyConnection,
    job: &jobs::Job,
    reason: &str,
) -> sqlx::Result<()> {
    if job.kind != "release" {
        return Ok(());
    }
    let Some(release) = releases::by_id(db, &job.subject).await? else {
        return Ok(());
    };
    // One in a state that is not known here is left to who knows it.
    if matches!(release.state, Stage::Signing | Stage::Verifying) {
        log_failure(&release, reason);
        let (change, now) = ((&release.state, &Stage::Failed), clock::unix_millis());
        releases::advance(db, &release.id, change, Some(reason), now).await?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Key {
    key_id: String,
    public_key: String,
}

async fn make_key(state: &CatalogState, app: &str) -> anyhow::Result<Ended> {
    Ok(match key_of(state, app).await? {
        Ok(_) => Ended::Done,
        Err(reason) => Ended::Waits(reason),
    })
}

/// The id of the app's key, or what is waited for. Signing is asked for a key once: users know the one that was given
/// out, so another one never takes its place.
async fn key_of(state: &CatalogState, app: &str) -> anyhow::Result<Result<String, String>> {
    let mut connection = state.database.read().await?;
    let known = apps::get(&mut connection, app).await?;
    drop(connection);
    if let Some(key_id) = known.and_then(|app| app.key_id) {
        return Ok(Ok(key_id));
    }
    let asked: Result<Key, _> = state
        .peers
        .client
        .call(
            "signing",
            Method::POST,
            "/internal/keys",
            Some(&json!({"app": app})),
        )
        .await;
    let key = match asked {
        Ok(key) => key,
        Err(error) => return Ok(Err(waits_for("signing", error))),
    };
    let mut transaction = state.change().await?;
    apps::set_key(&mut transaction, app, &key.key_id, &key.public_key).await?;
    transaction.commit().await?;
    Ok(Ok(key.key_id))
}

/// Carries a release as far as it goes.
async fn publish(state: &CatalogState, work: &Work) -> anyhow::Result<Ended> {
    let id = &work.row.subject.subject;
    loop {
        let mut connection = state.database.read().await?;
        let Some(release) = releases::by_id(&mut connection, id).await? else {
            return Ok(Ended::Done);
        };
        drop(connection);
        let step = match &release.state {
            Stage::Signing => sign(state, work, &release).await?,
            Stage::Verifying => verify(state, work, &release).await?,
            // Left to who knows it.
            Stage::Unknown(state) => bail!("the release's state {state:?} is not known here"),
            _ => return Ok(Ended::Done),
        };
        match step {
            Step::Went => state.signals.raise(),
            Step::Waits(reason) => {
                if release.reason.as_deref() != Some(&reason) {
                    let mut transaction = state.change().await?;
                    releases::set_reason(&mut transaction, id, &reason).await?;
                    state.commit(transaction).await?;
                }
                return Ok(Ended::Waits(reason));
            }
        }
    }
}

enum Step {
    /// The release is in another state now.
    Went,
    Waits(String),
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

/// `signing`: every package gets its signature, then the release is staged.
async fn sign(
    state: &CatalogState,
    work: &Work,
    release: &releases::Release,
) -> anyhow::Result<Step> {
    let mut connection = state.database.read().await?;
    let packages = packages::of_release(&mut connection, &release.id).await?;
    drop(connection);
    let key_id = match key_of(state, &release.app).await? {
        Ok(key_id) => key_id,
        Err(reason) => return Ok(Step::Waits(reason)),
    };
    let unsigned = |package: &&packages::Package| package.signature.is_none();
    for package in packages.iter().filter(unsigned) {
        match ask_for_signature(state, release, package, &key_id).await {
            Ok(signature) => {
                let mut transaction = state.change().await?;
                packages::set_signature(&mut transaction, &package.id, &signature).await?;
                work.went_forward(&mut transaction).await?;
                transaction.commit().await?;
            }
            Err(CallError::Refused { code, detail, .. })
                if code == STATED_ALREADY || code == OTHER_BYTES =>
            {
                let reason = format!("{} was not signed: {detail}", package.filename);
                fail(state, work, release, &reason).await?;
                return Ok(Step::Went);
            }
            Err(error) => return Ok(Step::Waits(waits_for("signing", error))),
        }
    }
    advance(state, work, release, Stage::Verifying, None).await?;
    Ok(Step::Went)
}

/// The signature of a package. That its bytes are wrong is believed when they are so at a second reading, by another
/// instance if there is one: one bad read of a disk is no reason to give a release up.
async fn ask_for_signature(
    state: &CatalogState,
    release: &releases::Release,
    package: &packages::Package,
    key_id: &str,
) -> Result<String, CallError> {
    let ask = || async {
        let wanted = json!({
            "app": release.app,
            "version": release.version,
            "filename": package.filename,
            "sha256": package.sha256,
            "size": package.size,
            "key_id": key_id,
            "now": clock::unix_millis(),
        });
        let (client, path) = (&state.peers.client, "/internal/signatures");
        let asked = client.call("signing", Method::POST, path, Some(&wanted));
        asked.await.map(|Signature { signature }| signature)
    };
    match ask().await {
        Err(CallError::Refused { code, detail, .. }) if code == OTHER_BYTES => {
            tracing::warn!(
                package = package.id,
                detail,
                "signing is asked to read again"
            );
            ask().await
        }
        answer => answer,
    }
}

/// `verifying`: the gate. What a download instance would serve is read to its end and proven, then it is published.
async fn verify(
    state: &CatalogState,
    work: &Work,
    release: &releases::Release,
) -> anyhow::Result<Step> {
    if !staged(state, release.seq).await? {
        return Ok(Step::Waits(
            "waits for a download instance, which must serve it before it is published".to_owned(),
        ));
    }
    let mut connection = state.database.read().await?;
    let packages = packages::of_release(&mut connection, &release.id).await?;
    let app = apps::get(&mut connection, &release.app).await?;
    drop(connection);
    let key = app.and_then(|app| app.public_key).unwrap_or_default();
    for package in packages.iter().filter(|package| !package.is_proven()) {
        match gate::check(state, release, package, &key).await {
            Ok(()) => {
                let mut transaction = state.change().await?;
                packages::set_proven(&mut transaction, package).await?;
                work.went_forward(&mut transaction).await?;
                transaction.commit().await?;
            }
            Err(Verdict::Waits(reason) | Verdict::Doubted(reason)) => {
                return Ok(Step::Waits(reason));
            }
            Err(Verdict::Refuted(reason)) => {
                let reason = format!("{} did not pass verification: {reason}", package.filename);
                fail(state, work, release, &reason).await?;
                return Ok(Step::Went);
            }
        }
    }
    advance(state, work, release, Stage::Published, None).await?;
    Ok(Step::Went)
}

/// Waits a moment for a download instance to have the release as staged.
async fn staged(state: &CatalogState, seq: i64) -> sqlx::Result<bool> {
    let deadline =
        tokio::time::Instant::now() + std::time::Duration::from_millis(STAGED_WAIT_MILLIS);
    let look = || async { Ok(feed::applied_by_a_download(state, seq).await?.then_some(())) };
    Ok(state.signals.wait_for(deadline, look).await?.is_some())
}

async fn fail(
    state: &CatalogState,
    work: &Work,
    release: &releases::Release,
    reason: &str,
) -> anyhow::Result<()> {
    log_failure(release, reason);
    advance(state, work, release, Stage::Failed, Some(reason)).await
}

fn log_failure(release: &releases::Release, reason: &str) {
    let (app, version) = (&release.app, &release.version);
    tracing::warn!(app, version, reason, "a release failed");
}

async fn advance(
    state: &CatalogState,
    work: &Work,
    release: &releases::Release,
    to: Stage,
    reason: Option<&str>,
) -> anyhow::Result<()> {
    let mut transaction = state.change().await?;
    releases::advance(
        &mut transaction,
        &release.id,
        (&release.state, &to),
        reason,
        clock::unix_millis(),
    )
    .await?;
    work.went_forward(&mut transaction).await?;
    state.commit(transaction).await?;
    Ok(())
}

/// What a job waits for, in words for the developer.
fn waits_for(service: &str, error: CallError) -> String {
    let reason = match &error {
        CallError::Failed { code, detail, .. } | CallError::Refused { code, detail, .. }
            if SAID_BY_SIGNING.contains(&code.as_str()) =>
        {
            detail.clone()
        }
        // Another version of it, perhaps: what is not known to be for good is none of the release's fault.
        _ => match error.not_taken() {
            Some(detail) => {
                format!("waits for the {service} service, which does not take it now: {detail}")
            }
            None => format!(
                "waits for the {service} service, which does not answer now; it goes on by itself"
            ),
        },
    };
    tracing::info!(
        service,
        error = format!("{:#}", anyhow::Error::new(error)),
        "a job waits for a peer"
    );
    reason
}
