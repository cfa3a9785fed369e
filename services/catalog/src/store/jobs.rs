//! Work to do, leased in the row.

use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

/// A leased job.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) attempts: i64,
    pub(crate) crashes: i64,
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
         ON CONFLICT (id) DO UPDATE SET next_at = excluded.next_at, attempts = 0, crashes = 0, failed_at = NULL",
    )
    .bind(format!("{kind}/{subject}"))
    .bind(kind)
    .bind(subject)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// A job that could be leased.
pub(crate) async fn due(db: &mut AnyConnection, now: i64) -> Result<Option<String>> {
    query_scalar(
        "SELECT id FROM jobs
         WHERE failed_at IS NULL AND next_at <= $1 AND (lease_until IS NULL OR lease_until < $1) LIMIT 1",
    )
    .bind(now)
    .fetch_optional(db)
    .await
}

/// Leases the job that is due the longest. The conditions stand twice: under PostgreSQL the inner ones may have been
/// read before another instance took the same row, the outer ones are checked again on the row as it is. A lease that
/// ran out counts as a crash only when it was of another process: one of ours was slow, and lives.
pub(crate) async fn lease(
    db: &mut AnyConnection,
    (instance, owner): (&str, &str),
    until: i64,
    now: i64,
) -> Result<Option<Job>> {
    query_as(
        "UPDATE jobs SET lease_owner = $1, lease_until = $2, attempts = attempts + 1,
             crashes = crashes + CASE WHEN lease_owner IS NULL OR lease_owner LIKE $4 THEN 0 ELSE 1 END
         WHERE failed_at IS NULL AND next_at <= $3 AND (lease_until IS NULL OR lease_until < $3) AND id = (
             SELECT id FROM jobs
             WHERE failed_at IS NULL AND next_at <= $3 AND (lease_until IS NULL OR lease_until < $3)
             ORDER BY next_at LIMIT 1)
         RETURNING id, kind, subject, attempts, crashes",
    )
    .bind(owner)
    .bind(until)
    .bind(now)
    .bind(format!("{instance}/%"))
    .fetch_optional(db)
    .await
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

/// Puts a job back until `next_at`; that its worker could shows that it did not end it.
pub(crate) async fn put_back(
    db: &mut AnyConnection,
    id: &str,
    owner: &str,
    next_at: i64,
    error: &str,
) -> Result<()> {
    query(
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL, next_at = $3, last_error = $4, crashes = 0
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

/// Gives a job up; it stays for the operator to see.
pub(crate) async fn fail(
    db: &mut AnyConnection,
    id: &str,
    owner: &str,
    error: &str,
    now: i64,
) -> Result<()> {
    query(
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL, failed_at = $4, last_error = $3
         WHERE id = $1 AND lease_owner = $2",
    )
    .bind(id)
    .bind(owner)
    .bind(error)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Makes every waiting job due: somebody whom it may wait for is there.
pub(crate) async fn wake_all(db: &mut AnyConnection, now: i64) -> Result<()> {
    query("UPDATE jobs SET next_at = $1 WHERE next_at > $1 AND failed_at IS NULL")
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a job waits for a later time.
pub(crate) async fn some_wait(db: &mut AnyConnection, now: i64) -> Result<bool> {
    let waiting: Option<String> =
        query_scalar("SELECT id FROM jobs WHERE next_at > $1 AND failed_at IS NULL LIMIT 1")
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
