//! The workers behind releases: they lease a job in its row, renew the lease while they work, and put the job back with
//! a growing pause when a peer is away. A job whose worker was killed is taken up by the next; one that ends three
//! workers is given up.

use std::time::Duration;

use slipway_service::{clock, retry};
use tokio::task::JoinSet;

use crate::State;
use crate::publishing::{self, Ended};
use crate::restore::Unchanged;
use crate::store::{feed, idempotency, jobs};

/// How long a follower that is not heard of is remembered: it is a process that ended.
const FOLLOWER_LIFE_MILLIS: i64 = 24 * 3600 * 1000;

pub(crate) fn start(state: &State) {
    for number in 0..state.settings.jobs.workers {
        let owner = format!("{}/{number}", state.process.instance);
        let working = state.clone();
        let begin = move || work(working.clone(), owner.clone());
        state.process.spawn_to_its_end("jobs", begin);
    }
    let waking = state.clone();
    retry::wake_when_somebody_comes(&state.process, move || wake(waking.clone()));
    let tidying = state.clone();
    state
        .process
        .spawn("tidying", move || tidy(tidying.clone()));
}

/// Works under the lease owner `owner`, which nobody else is: not even the workers beside it may keep its lease.
async fn work(state: State, owner: String) {
    let shutdown = state.process.shutdown.clone();
    loop {
        let far = tokio::time::Instant::now() + Duration::from_hours(1);
        let leased = tokio::select! {
            leased = state.signals.wait_for(far, || lease(&state, &owner)) => leased,
            () = shutdown.cancelled() => return,
        };
        match leased {
            Ok(Some(job)) => {
                let written = tokio::select! {
                    written = run(&state, &job, &owner) => written,
                    () = shutdown.cancelled() => hand_back(&state, &job, &owner).await,
                };
                if let Err(error) = written {
                    tracing::warn!(
                        job = job.id,
                        error = format!("{error:#}"),
                        "the result of a job could not be written"
                    );
                }
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
async fn hand_back(state: &State, job: &jobs::Job, owner: &str) -> anyhow::Result<()> {
    let now = clock::unix_millis();
    let mut transaction = state.database.write().await?;
    jobs::put_back(&mut transaction, &job.id, owner, now, "its worker ended").await?;
    transaction.commit().await?;
    Ok(())
}

async fn lease(state: &State, owner: &str) -> sqlx::Result<Option<jobs::Job>> {
    let now = clock::unix_millis();
    {
        // Looked at without the write lock first: an idle platform writes nothing.
        let mut connection = state.database.read().await?;
        let held = feed::read(&mut connection).await?.is_held();
        if held || jobs::due(&mut connection, now).await?.is_none() {
            return Ok(None);
        }
    }
    let mut transaction = match state.change().await {
        Err(Unchanged::Held) => return Ok(None),
        Err(Unchanged::Database(error)) => return Err(error),
        Ok(transaction) => transaction,
    };
    let job = jobs::lease(
        &mut transaction,
        (&state.process.instance, owner),
        until(state, now),
        now,
    )
    .await?;
    transaction.commit().await?;
    Ok(job)
}

async fn run(state: &State, job: &jobs::Job, owner: &str) -> anyhow::Result<()> {
    if job.crashes >= state.settings.jobs.max_crashes {
        let reason = format!(
            "the work on it ended {} processes; the log has their last words",
            job.crashes
        );
        let mut transaction = state.change().await?;
        publishing::give_up(&mut transaction, job, &reason).await?;
        let now = clock::unix_millis();
        jobs::fail(&mut transaction, &job.id, owner, &reason, now).await?;
        transaction.commit().await?;
        return Ok(());
    }
    // Renewed by a task of its own: proving a large file keeps this one busy for seconds at a time.
    let mut lease = JoinSet::new();
    lease.spawn(renew(state.clone(), job.id.clone(), owner.to_owned()));
    let ended = tokio::select! {
        ended = publishing::run(state, job) => ended,
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
async fn renew(state: State, job: String, owner: String) {
    let period = Duration::from_secs(state.settings.jobs.lease_seconds) / 3;
    loop {
        tokio::time::sleep(period).await;
        if matches!(renew_once(&state, &job, &owner).await, Ok(false)) {
            return;
        }
    }
}

async fn renew_once(state: &State, job: &str, owner: &str) -> sqlx::Result<bool> {
    let mut transaction = state.database.write().await?;
    let until = until(state, clock::unix_millis());
    let kept = jobs::renew(&mut transaction, job, owner, until).await?;
    transaction.commit().await?;
    Ok(kept)
}

fn until(state: &State, now: i64) -> i64 {
    now + i64::try_from(state.settings.jobs.lease_seconds * 1000).unwrap_or(i64::MAX - now)
}

/// A job that waits for a peer is tried again as soon as somebody new is known, not at the end of its pause.
async fn wake(state: State) -> sqlx::Result<()> {
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
async fn tidy(state: State) {
    loop {
        if let Err(error) = forget(&state).await {
            tracing::warn!(%error, "old rows could not be removed; the next hour tries again");
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

async fn forget(state: &State) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    let hours = state.settings.publishing.idempotency_hours;
    let mut transaction = state.database.write().await?;
    idempotency::forget(&mut transaction, now - hours * 3600 * 1000).await?;
    feed::forget_followers(&mut transaction, now - FOLLOWER_LIFE_MILLIS).await?;
    transaction.commit().await
}
