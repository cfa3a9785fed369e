//! The workers behind releases: they lease a job in its row, renew the lease while they work, and put the job back with
//! a growing pause when a peer is away. A job whose worker was killed is taken up by the next; one that may be what ends
//! processes runs alone in one, while other instances go on, and is given up when it ended that too ([`crate::crashes`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use slipway_service::clock::Moment;
use slipway_service::process::announcements;
use slipway_service::{clock, retry};
use sqlx::AnyConnection;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::task::JoinSet;

use crate::CatalogState;
use crate::crashes::{self, Turn};
use crate::publishing::{self, Ended};
use crate::restore::Unchanged;
use crate::store::{feed, idempotency, jobs};

/// How long a follower that is not heard of is remembered: it is a process that ended.
const FOLLOWER_LIFE_MILLIS: i64 = 24 * 3600 * 1000;

/// The place of a job among those that run in this process.
enum Place {
    Beside { _held: OwnedRwLockReadGuard<()> },
    Alone(OwnedRwLockWriteGuard<()>),
}

/// A leased job and its place.
pub(crate) struct Work {
    pub(crate) job: jobs::Job,
    place: Mutex<Option<Place>>,
}

impl Work {
    /// Notes a step forward, in the transaction that makes it. A job that was alone is one among others again.
    pub(crate) async fn went_forward(&self, db: &mut AnyConnection) -> sqlx::Result<()> {
        jobs::went_forward(db, &self.job.id).await?;
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        *place = match place.take() {
            Some(Place::Alone(alone)) => Some(Place::Beside {
                _held: alone.downgrade(),
            }),
            other => other,
        };
        Ok(())
    }
}

pub(crate) fn start(state: &CatalogState) {
    let places = Arc::new(RwLock::new(()));
    for number in 0..state.settings.jobs.workers {
        let owner = format!("{}/{number}", state.process.instance);
        let (working, places) = (state.clone(), places.clone());
        let begin = move || work(working.clone(), owner.clone(), places.clone());
        state.process.spawn_to_its_end("jobs", begin);
    }
    let waking = state.clone();
    retry::wake_when_somebody_comes(&state.peers, move || wake(waking.clone()));
    let tidying = state.clone();
    state
        .process
        .spawn("tidying", move || tidy(tidying.clone()));
}

/// Works under the lease owner `owner`, which nobody else is: not even the workers beside it may keep its lease.
async fn work(state: CatalogState, owner: String, places: Arc<RwLock<()>>) {
    let shutdown = state.process.shutdown.clone();
    loop {
        let far = tokio::time::Instant::now() + Duration::from_hours(1);
        let leased = tokio::select! {
            leased = state.signals.wait_for(far, || lease(&state, &owner, &places)) => leased,
            () = shutdown.cancelled() => return,
        };
        match leased {
            Ok(Some(work)) => {
                let written = tokio::select! {
                    written = run(&state, &work, &owner) => written,
                    () = shutdown.cancelled() => hand_back(&state, &work.job, &owner).await,
                };
                if let Err(error) = written {
                    tracing::warn!(
                        job = work.job.id,
                        error = format!("{error:#}"),
                        "the result of a job could not be written"
                    );
                }
                drop(work);
                state.signals.raise();
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "the jobs could not be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// A process that ends gives its job to the next at once.
async fn hand_back(state: &CatalogState, job: &jobs::Job, owner: &str) -> anyhow::Result<()> {
    let now = clock::unix_millis();
    let mut transaction = state.database.write().await?;
    jobs::hand_back(&mut transaction, &job.id, owner, now).await?;
    transaction.commit().await?;
    Ok(())
}

/// Leases the job that is due the longest, as soon as it has its place. Whoever waits to be alone lets nobody else begin.
async fn lease(
    state: &CatalogState,
    owner: &str,
    places: &Arc<RwLock<()>>,
) -> sqlx::Result<Option<Work>> {
    let due = {
        // Looked at without the write lock first: an idle platform writes nothing.
        let mut connection = state.database.read().await?;
        let held = feed::read(&mut connection).await?.is_held();
        let due = jobs::due(&mut connection, moment(state)).await?;
        due.filter(|_| !held)
    };
    let Some(due) = due else { return Ok(None) };
    let limits = &state.settings.jobs;
    let place = match due.crashes().turn(limits) {
        Turn::Alone => Place::Alone(places.clone().write_owned().await),
        Turn::Beside | Turn::Never => Place::Beside {
            _held: places.clone().read_owned().await,
        },
    };
    let mut transaction = match state.change().await {
        Err(Unchanged::Held) => return Ok(None),
        Err(Unchanged::Database(error)) => return Err(error),
        Ok(transaction) => transaction,
    };
    let moment = moment(state);
    let Some(job) = jobs::due(&mut transaction, moment).await? else {
        return Ok(None);
    };
    if note_crash(state, &mut transaction, &job, moment.now).await? {
        transaction.commit().await?;
        state.signals.raise();
        return Ok(None);
    }
    let alone = matches!(place, Place::Alone(_));
    if alone != (job.crashes().turn(limits) == Turn::Alone) {
        // Another job than was looked at: the next look finds its place.
        return Ok(None);
    }
    let until = moment.now + lease_millis(state);
    let leased = jobs::lease(&mut transaction, job, owner, alone, until).await?;
    transaction.commit().await?;
    Ok(leased.map(|job| Work {
        job,
        place: Mutex::new(Some(place)),
    }))
}

/// Counts the end of the process that had leased the job, and gives the job up when that was once too often. `false` when
/// no process ended: one of ours was slow, or one on this machine is stopped, and lives.
async fn note_crash(
    state: &CatalogState,
    db: &mut AnyConnection,
    job: &jobs::Job,
    now: i64,
) -> sqlx::Result<bool> {
    let Some(instance) = job.lost_by(now).filter(|instance| !lives(state, instance)) else {
        return Ok(false);
    };
    let limits = &state.settings.jobs;
    let crashes = job.crashes().and_one(job.was_alone());
    let next_at = now + crashes.pause(limits);
    if !jobs::crashed(db, job, crashes, next_at).await? {
        return Ok(true);
    }
    tracing::warn!(
        job = job.id,
        instance,
        alone = job.was_alone(),
        "a process ended while it worked on this job"
    );
    if crashes.turn(limits) == Turn::Never {
        let reason = format!(
            "the work on it ended {} processes, {} of them while they did nothing else; the log has their last words",
            crashes.beside + crashes.alone,
            crashes.alone
        );
        publishing::give_up(db, job, &reason).await?;
        jobs::fail(db, &job.id, &reason, now).await?;
    }
    Ok(true)
}

/// Whether an instance is known to live, as far as this machine can tell.
fn lives(state: &CatalogState, instance: &str) -> bool {
    *state.process.instance == *instance
        || announcements(&state.process.data)
            .iter()
            .any(|other| other.instance == instance && other.lives())
}

async fn run(state: &CatalogState, work: &Work, owner: &str) -> anyhow::Result<()> {
    let job = &work.job;
    // Renewed by a task of its own: proving a large file keeps this one busy for seconds at a time.
    let mut lease = JoinSet::new();
    lease.spawn(renew(state.clone(), job.id.clone(), owner.to_owned()));
    let ended = tokio::select! {
        ended = publishing::run(state, work) => ended,
        _ = lease.join_next() => {
            tracing::warn!(job = job.id, "another worker has taken this job");
            return Ok(());
        }
    };
    drop(lease);
    let now = clock::unix_millis();
    let mut transaction = state.database.write().await?;
    match ended {
        Ended::Done => jobs::done(&mut transaction, job, owner).await?,
        Ended::Waits(reason) => {
            let next_at = now + retry::pause(job.attempts);
            jobs::put_back(&mut transaction, &job.id, owner, next_at, &reason).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Returns when the lease is lost.
async fn renew(state: CatalogState, job: String, owner: String) {
    let period = Duration::from_secs(state.settings.jobs.lease_seconds) / 3;
    loop {
        tokio::time::sleep(period).await;
        if matches!(renew_once(&state, &job, &owner).await, Ok(false)) {
            return;
        }
    }
}

async fn renew_once(state: &CatalogState, job: &str, owner: &str) -> sqlx::Result<bool> {
    let mut transaction = state.database.write().await?;
    let until = clock::unix_millis() + lease_millis(state);
    let kept = jobs::renew(&mut transaction, job, owner, until).await?;
    transaction.commit().await?;
    Ok(kept)
}

fn lease_millis(state: &CatalogState) -> i64 {
    i64::try_from(state.settings.jobs.lease_seconds * 1000).unwrap_or(i64::MAX / 2)
}

/// Now, as jobs see it.
fn moment(state: &CatalogState) -> Moment {
    let limits = &state.settings.jobs;
    let pause = crashes::longest_pause(limits).max(retry::LONGEST_PAUSE_MILLIS);
    Moment::new(clock::unix_millis(), pause, lease_millis(state))
}

/// A job that waits for a peer is tried again as soon as somebody new is known, not at the end of its pause.
async fn wake(state: CatalogState) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    let mut connection = state.database.read().await?;
    if !jobs::some_wait(&mut connection, now).await? {
        return Ok(());
    }
    drop(connection);
    let mut transaction = state.database.write().await?;
    jobs::wake_all(&mut transaction, now).await?;
    state.commit(transaction).await?;
    Ok(())
}

/// Forgets what is only remembered for a time.
async fn tidy(state: CatalogState) {
    loop {
        if let Err(error) = forget(&state).await {
            tracing::warn!(%error, "old rows could not be removed; the next hour tries again");
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

async fn forget(state: &CatalogState) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    let hours = state.settings.publishing.idempotency_hours;
    let mut transaction = state.database.write().await?;
    idempotency::forget(&mut transaction, now - hours * 3600 * 1000).await?;
    feed::forget_followers(&mut transaction, now - FOLLOWER_LIFE_MILLIS).await?;
    transaction.commit().await
}
