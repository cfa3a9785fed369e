//! Work to do, leased in the row.

use slipway_service::clock::Moment;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use crate::crashes::Crashes;

/// A job as it is.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) attempts: i64,
    crashes: i64,
    alone_crashes: i64,
    next_at: i64,
    /// Of a lease that ran out, as the next two are; the instance and the number of its worker.
    pub(crate) lease_owner: Option<String>,
    lease_until: Option<i64>,
    lease_alone: i64,
}

impl Job {
    pub(crate) fn crashes(&self) -> Crashes {
        Crashes {
            beside: self.crashes,
            alone: self.alone_crashes,
        }
    }

    /// The instance whose lease ran out before `now`. A lease from a time when a clock was wrong tells nothing of its
    /// holder.
    pub(crate) fn lost_by(&self, now: i64) -> Option<&str> {
        let ran_out = self.lease_until.is_some_and(|until| until < now);
        let owner = self.lease_owner.as_deref().filter(|_| ran_out)?;
        Some(owner.split('/').next().unwrap_or(owner))
    }

    /// Whether that lease was alone in its process.
    pub(crate) fn was_alone(&self) -> bool {
        self.lease_alone != 0
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct Counts {
    pub(crate) pending: i64,
    pub(crate) failed: i64,
    pub(crate) oldest_millis: i64,
}

/// Queues work, or wakes it when it is queued already.
pub(crate) async fn queue(
    db: &mut AnyConnection,
    kind: &str,
    subject: &str,
    now: i64,
) -> Result<()> {
    query(
        "INSERT INTO jobs (id, kind, subject, attempts, crashes, next_at) VALUES ($1, $2, $3, 0, 0, $4)
         ON CONFLICT (id) DO UPDATE SET next_at = excluded.next_at, attempts = 0, crashes = 0, alone_crashes = 0,
             failed_at = NULL",
    )
    .bind(format!("{kind}/{subject}"))
    .bind(kind)
    .bind(subject)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// The job that is due the longest.
pub(crate) async fn due(db: &mut AnyConnection, moment: Moment) -> Result<Option<Job>> {
    query_as(
        "SELECT * FROM jobs
         WHERE failed_at IS NULL AND (next_at <= $1 OR next_at > $2)
             AND (lease_until IS NULL OR lease_until < $1 OR lease_until > $3)
         ORDER BY next_at LIMIT 1",
    )
    .bind(moment.now)
    .bind(moment.furthest_pause)
    .bind(moment.furthest_lease)
    .fetch_optional(db)
    .await
}

/// Leases a job that is due, unless another instance has changed it meanwhile; `None` then.
pub(crate) async fn lease(
    db: &mut AnyConnection,
    job: Job,
    owner: &str,
    alone: bool,
    until: i64,
) -> Result<Option<Job>> {
    query_as(
        "UPDATE jobs SET lease_owner = $1, lease_until = $2, lease_alone = $3, attempts = attempts + 1
         WHERE id = $4 AND attempts = $5 AND next_at = $6 AND coalesce(lease_owner, '') = $7 AND failed_at IS NULL
         RETURNING *",
    )
    .bind(owner)
    .bind(until)
    .bind(i64::from(alone))
    .bind(job.id)
    .bind(job.attempts)
    .bind(job.next_at)
    .bind(job.lease_owner.unwrap_or_default())
    .fetch_optional(db)
    .await
}

/// Ends a lease whose process died, unless another instance has done so.
pub(crate) async fn crashed(
    db: &mut AnyConnection,
    job: &Job,
    crashes: Crashes,
    next_at: i64,
) -> Result<bool> {
    let done = query(
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL, crashes = $1, alone_crashes = $2, next_at = $3
         WHERE id = $4 AND attempts = $5 AND lease_owner = $6 AND failed_at IS NULL",
    )
    .bind(crashes.beside)
    .bind(crashes.alone)
    .bind(next_at)
    .bind(&job.id)
    .bind(job.attempts)
    .bind(&job.lease_owner)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes a step forward: what ended processes before is behind the job.
pub(crate) async fn went_forward(db: &mut AnyConnection, id: &str) -> Result<()> {
    query("UPDATE jobs SET crashes = 0, alone_crashes = 0, lease_alone = 0 WHERE id = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Renews a lease; `false` when somebody else has it.
pub(crate) async fn renew(
    db: &mut AnyConnection,
    id: &str,
    owner: &str,
    until: i64,
) -> Result<bool> {
    let done = query("UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease_owner = $2")
        .bind(id)
        .bind(owner)
        .bind(until)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts a job back until `next_at`, after a run that ended: so it did not end its process.
pub(crate) async fn put_back(
    db: &mut AnyConnection,
    id: &str,
    owner: &str,
    next_at: i64,
    error: &str,
) -> Result<()> {
    query(
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL, next_at = $3, last_error = $4, crashes = 0,
             alone_crashes = 0
         WHERE id = $1 AND lease_owner = $2",
    )
    .bind(id)
    .bind(owner)
    .bind(next_at)
    .bind(error)
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a job back in the middle of a run, at the end of its process: nothing is known of what the run would have done.
pub(crate) async fn hand_back(
    db: &mut AnyConnection,
    id: &str,
    owner: &str,
    now: i64,
) -> Result<()> {
    query(
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL, next_at = $3, last_error = 'its worker ended'
         WHERE id = $1 AND lease_owner = $2",
    )
    .bind(id)
    .bind(owner)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a job that is done. One that was queued again during the work, which set its attempts back, stays for the
/// next lease: a release that failed and was retried at once must not lose its job.
pub(crate) async fn done(db: &mut AnyConnection, job: &Job, owner: &str) -> Result<()> {
    query("DELETE FROM jobs WHERE id = $1 AND lease_owner = $2 AND attempts = $3")
        .bind(&job.id)
        .bind(owner)
        .bind(job.attempts)
        .execute(&mut *db)
        .await?;
    query(
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2",
    )
    .bind(&job.id)
    .bind(owner)
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a job up whose lease was ended; it stays for the operator to see.
pub(crate) async fn fail(db: &mut AnyConnection, id: &str, error: &str, now: i64) -> Result<()> {
    query("UPDATE jobs SET failed_at = $3, last_error = $2 WHERE id = $1 AND lease_owner IS NULL")
        .bind(id)
        .bind(error)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Makes every job due that waits for somebody: whom it waits for may be there. One that ended its process alone waits for
/// nobody.
pub(crate) async fn wake_all(db: &mut AnyConnection, now: i64) -> Result<()> {
    query("UPDATE jobs SET next_at = $1 WHERE next_at > $1 AND failed_at IS NULL AND alone_crashes = 0")
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a job waits for somebody.
pub(crate) async fn some_wait(db: &mut AnyConnection, now: i64) -> Result<bool> {
    let waiting: Option<String> =
        query_scalar("SELECT id FROM jobs WHERE next_at > $1 AND failed_at IS NULL AND alone_crashes = 0 LIMIT 1")
            .bind(now)
            .fetch_optional(db)
            .await?;
    Ok(waiting.is_some())
}

pub(crate) async fn count(db: &mut AnyConnection, now: i64) -> Result<Counts> {
    query_as(
        "SELECT cast(coalesce(sum(CASE WHEN failed_at IS NULL THEN 1 ELSE 0 END), 0) AS bigint) AS pending,
                cast(coalesce(sum(CASE WHEN failed_at IS NULL THEN 0 ELSE 1 END), 0) AS bigint) AS failed,
                cast(coalesce(max(CASE WHEN failed_at IS NULL AND next_at < $1 THEN $1 - next_at ELSE 0 END), 0) AS bigint)
                    AS oldest_millis
         FROM jobs",
    )
    .bind(now)
    .fetch_one(db)
    .await
}
