//! Work to do, as it is queued and counted. Its leases are the queue's.

use slipway_database::queue;
use sqlx::{AnyConnection, FromRow, Result, query, query_as};

/// What a job is about.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Job {
    pub(crate) kind: String,
    pub(crate) subject: String,
}

/// A leased job and its place.
pub(crate) type Work = queue::Work<Job>;

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
