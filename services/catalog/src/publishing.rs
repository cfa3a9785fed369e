//! The jobs: make an app's key; sign, verify and publish a release.
//!
//! Every step asks a peer for something that is safe to repeat and then writes what it got in one transaction, so the
//! work may end anywhere and begin again. A step is never reported done before it is durable. Which one is next, and what
//! comes of an answer that is none, is for the rules: [`crate::rules::publishing`].

use anyhow::{Context as _, anyhow, bail};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use slipway_peers::client::CallError;
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::feed;
use crate::gate::{self, Verdict};
use crate::rules::publishing::{self as rules, Facts, Said, Step, Unsigned};
use crate::rules::state::State as Stage;
use crate::state::CatalogState;
use crate::store::apps::App;
use crate::store::jobs::{self, Work};
use crate::store::packages::Package;
use crate::store::releases::Release;
use crate::store::{apps, packages, releases};
use crate::switch;

/// Milliseconds that a release waits for the first download instance to have it before it looks again.
const STAGED_WAIT_MILLIS: u64 = 2000;

/// How a run of a job ended.
pub(crate) enum Ended {
    /// It, or a step of it, is done.
    Done,
    /// A peer is away: try again later; the words are for the developer.
    Waits(String),
}

/// Runs a job once. Whatever goes wrong on our side is tried again too: nothing is lost by it.
pub(crate) async fn run(state: &CatalogState, work: &Work) -> Ended {
    let job = &work.row.subject;
    let outcome = match job.kind.as_str() {
        "key" => make_key(state, &job.subject).await,
        "release" => match switch::words(&state.settings.now()) {
            Some(words) => Ok(Ended::Waits(words)),
            None => publish(state, work).await,
        },
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
    if rules::fails_when_given_up(&release.state) {
        log_failure(&release, reason);
        let (change, now) = ((&release.state, &Stage::Failed), clock::unix_millis());
        releases::advance(db, &release.id, change, Some(reason), now).await?;
    }
    Ok(())
}

/// The key of an app, as signing answers it.
#[derive(Deserialize)]
struct Key {
    key_id: String,
    public_key: String,
}

impl Key {
    fn of(app: App) -> Option<Self> {
        let (key_id, public_key) = app.key_id.zip(app.public_key)?;
        Some(Self { key_id, public_key })
    }
}

/// Asks signing for the app's key, unless it is known. It is asked for a key once: users know the one that was given out, so
/// another one never takes its place.
async fn make_key(state: &CatalogState, app: &str) -> anyhow::Result<Ended> {
    let mut connection = state.database.read().await?;
    let known = apps::get(&mut connection, app).await?;
    drop(connection);
    if known.is_none_or(|app| Key::of(app).is_some()) {
        return Ok(Ended::Done);
    }
    let (client, path) = (&state.peers.client, "/internal/keys");
    let wanted = json!({"app": app});
    let asked = client.call("signing", Method::POST, path, Some(&wanted));
    let Key { key_id, public_key } = match asked.await {
        Ok(key) => key,
        Err(error) => {
            let reason = rules::waiting("signing", said(&error).as_ref());
            log_waiting(error);
            return Ok(Ended::Waits(reason));
        }
    };
    let mut transaction = state.change().await?;
    apps::set_key(&mut transaction, app, &key_id, &public_key).await?;
    transaction.commit().await?;
    Ok(Ended::Done)
}

/// A release that the job carries on, as the database has it.
struct Carried {
    release: Release,
    packages: Vec<Package>,
    key: Option<Key>,
}

impl Carried {
    async fn read(state: &CatalogState, id: &str) -> anyhow::Result<Option<Self>> {
        let mut connection = state.database.read().await?;
        let Some(release) = releases::by_id(&mut connection, id).await? else {
            return Ok(None);
        };
        let packages = packages::of_release(&mut connection, &release.id).await?;
        let app = apps::get(&mut connection, release.app.as_str()).await?;
        let app = app.context("the release's app is not there")?;
        Ok(Some(Self {
            key: Key::of(app),
            release,
            packages,
        }))
    }

    /// `staged`: the number of the release's change that a download instance was seen to hold.
    fn next(&self, staged: Option<i64>) -> Step {
        let packages: Vec<_> = self.packages.iter().map(Package::proof).collect();
        rules::next(&Facts {
            state: &self.release.state,
            has_key: self.key.is_some(),
            packages: &packages,
            is_staged: staged == Some(self.release.seq),
        })
    }

    fn key(&self) -> anyhow::Result<&Key> {
        self.key.as_ref().context("the app has no key")
    }
}

/// Carries a release as far as it goes.
async fn publish(state: &CatalogState, work: &Work) -> anyhow::Result<Ended> {
    let id = &work.row.subject.subject;
    let mut staged = None;
    loop {
        let Some(carried) = Carried::read(state, id).await? else {
            return Ok(Ended::Done);
        };
        let release = &carried.release;
        let ended = match carried.next(staged) {
            Step::MakeKey => make_key(state, release.app.as_str()).await?,
            Step::Sign(at) => sign(state, work, &carried, at).await?,
            Step::Stage => advance(state, work, release, Stage::Verifying, None).await?,
            Step::AwaitDownload if is_staged(state, release.seq).await? => {
                staged = Some(release.seq);
                Ended::Done
            }
            Step::AwaitDownload => Ended::Waits(rules::NOT_STAGED.to_owned()),
            Step::Prove(at) => prove(state, work, &carried, at).await?,
            Step::Publish => advance(state, work, release, Stage::Published, None).await?,
            Step::Nothing => return Ok(Ended::Done),
            Step::Unknown => bail!("the release's state {:?} is not known here", release.state),
        };
        if let Ended::Waits(reason) = ended {
            if release.reason.as_deref() != Some(&reason) {
                let mut transaction = state.change().await?;
                releases::set_reason(&mut transaction, id, &reason).await?;
                state.commit(transaction).await?;
            }
            return Ok(Ended::Waits(reason));
        }
    }
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

/// A package gets its signature.
async fn sign(
    state: &CatalogState,
    work: &Work,
    carried: &Carried,
    at: usize,
) -> anyhow::Result<Ended> {
    let (release, package) = (&carried.release, &carried.packages[at]);
    let key_id = &carried.key()?.key_id;
    let mut is_second = false;
    loop {
        let asked = ask_for_signature(state, release, package, key_id).await;
        let error = match asked {
            Ok(signature) => {
                let mut transaction = state.change().await?;
                packages::set_signature(&mut transaction, &package.id, &signature).await?;
                work.went_forward(&mut transaction).await?;
                transaction.commit().await?;
                return Ok(Ended::Done);
            }
            Err(error) => error,
        };
        match rules::unsigned(
            package.file.filename.as_str(),
            said(&error).as_ref(),
            is_second,
        ) {
            Unsigned::AskAgain => {
                is_second = true;
                tracing::warn!(package = package.id, %error, "signing is asked to read again");
            }
            Unsigned::Fails(reason) => return fail(state, work, release, &reason).await,
            Unsigned::Waits(reason) => {
                log_waiting(error);
                return Ok(Ended::Waits(reason));
            }
        }
    }
}

async fn ask_for_signature(
    state: &CatalogState,
    release: &Release,
    package: &Package,
    key_id: &str,
) -> Result<String, CallError> {
    let wanted = json!({
        "app": release.app,
        "version": release.version,
        "filename": package.file.filename,
        "sha256": package.file.sha256,
        "size": package.file.size,
        "key_id": key_id,
        "now": clock::unix_millis(),
    });
    let (client, path) = (&state.peers.client, "/internal/signatures");
    let asked = client.call("signing", Method::POST, path, Some(&wanted));
    asked.await.map(|Signature { signature }| signature)
}

/// The gate: what a download instance would serve of a package is read to its end and proven.
async fn prove(
    state: &CatalogState,
    work: &Work,
    carried: &Carried,
    at: usize,
) -> anyhow::Result<Ended> {
    let (release, package) = (&carried.release, &carried.packages[at]);
    match gate::check(state, release, package, &carried.key()?.public_key).await {
        Ok(()) => {
            let mut transaction = state.change().await?;
            packages::set_proven(&mut transaction, package).await?;
            work.went_forward(&mut transaction).await?;
            transaction.commit().await?;
            Ok(Ended::Done)
        }
        Err(Verdict::Waits(reason) | Verdict::Doubted(reason)) => Ok(Ended::Waits(reason)),
        Err(Verdict::Refuted(reason)) => {
            let reason = format!(
                "{} did not pass verification: {reason}",
                package.file.filename
            );
            fail(state, work, release, &reason).await
        }
    }
}

/// Waits a moment for a download instance to have the release as staged.
async fn is_staged(state: &CatalogState, seq: i64) -> sqlx::Result<bool> {
    let deadline =
        tokio::time::Instant::now() + std::time::Duration::from_millis(STAGED_WAIT_MILLIS);
    let look = || async { Ok(feed::applied_by_a_download(state, seq).await?.then_some(())) };
    Ok(state.signals.wait_for(deadline, look).await?.is_some())
}

async fn fail(
    state: &CatalogState,
    work: &Work,
    release: &Release,
    reason: &str,
) -> anyhow::Result<Ended> {
    log_failure(release, reason);
    advance(state, work, release, Stage::Failed, Some(reason)).await
}

fn log_failure(release: &Release, reason: &str) {
    let (app, version) = (release.app.as_str(), release.version.as_str());
    tracing::warn!(app, version, reason, "a release failed");
}

async fn advance(
    state: &CatalogState,
    work: &Work,
    release: &Release,
    to: Stage,
    reason: Option<&str>,
) -> anyhow::Result<Ended> {
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
    Ok(Ended::Done)
}

/// What the rules judge of a call that brought no answer; `None` when nobody has said anything.
fn said(error: &CallError) -> Option<Said<'_>> {
    let (code, detail, is_final) = match error {
        CallError::Refused { code, detail, .. } => (code, detail, true),
        CallError::Failed { code, detail, .. } => (code, detail, false),
        _ => return None,
    };
    Some(Said {
        code: code.clone(),
        detail,
        is_final,
        is_of_the_call: error.not_taken().is_some(),
    })
}

fn log_waiting(error: CallError) {
    let error = format!("{:#}", anyhow::Error::new(error));
    tracing::info!(service = "signing", error, "a job waits for a peer");
}
