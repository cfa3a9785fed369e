//! What the catalog has to be told.

use slipway_service::clock::Moment;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};
use uuid::Uuid;

use super::Range;
use super::intents::{self, Terms};

/// A row of the outbox: a package, and the channel that it is to be released to.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) package_id: String,
    pub(crate) channel: Option<String>,
    /// Who asked, and when the answer to that became true, Unix milliseconds; `None` in a row of before 0.3.0.
    pub(crate) token_id: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) acknowledged_at: Option<i64>,
    /// A UUID, new each time that it is asked for.
    #[sqlx(rename = "wish")]
    pub(crate) intent: String,
    /// Who has it now: a UUID of the lease.
    pub(crate) lease_owner: Option<String>,
    pub(crate) attempts: i64,
    pub(crate) failing_since: Option<i64>,
    pub(crate) last_error: Option<String>,
}

#[derive(Debug, FromRow)]
pub(crate) struct Counts {
    pub(crate) rows: i64,
    pub(crate) oldest_millis: i64,
}

/// The id of an entry: what a token asks for again while it waits has one place. Another token's intent has its own, because
/// each is judged by its token.
pub(crate) fn place(package_id: &str, channel: Option<&str>, token_id: &str) -> String {
    format!("{package_id}/{}/{token_id}", channel.unwrap_or_default())
}

/// Queues an intent of a token, made in a request, or makes it due when it is queued already.
pub(crate) async fn queue(
    db: &mut AnyConnection,
    (package_id, channel): (&str, Option<&str>),
    (token_id, request_id): (&str, &str),
    terms: &Terms,
    now: i64,
) -> Result<()> {
    let (id, intent) = (
        place(package_id, channel, token_id),
        Uuid::now_v7().to_string(),
    );
    // Asked for again without notes, it keeps those that it waits with.
    let notes = intents::take(db, &id).await?;
    let terms = Terms {
        notes: terms.notes.clone().or(notes),
        ..terms.clone()
    };
    intents::insert(db, &intent, &terms).await?;
    query(
        "INSERT INTO outbox (id, package_id, channel, wish, attempts, next_at, created_at, token_id, request_id, acknowledged_at)
         VALUES ($1, $2, $3, $4, 0, $5, $5, $6, $7, $5)
         ON CONFLICT (id) DO UPDATE SET wish = excluded.wish, next_at = excluded.next_at, attempts = 0,
             failing_since = NULL, last_error = NULL, request_id = excluded.request_id,
             acknowledged_at = excluded.acknowledged_at",
    )
    .bind(id)
    .bind(package_id)
    .bind(channel)
    .bind(intent)
    .bind(now)
    .bind(token_id)
    .bind(request_id)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn by_id(db: &mut AnyConnection, id: &str) -> Result<Option<Entry>> {
    query_as("SELECT * FROM outbox WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await
}

/// The oldest entry of a package.
pub(crate) async fn of_package(db: &mut AnyConnection, package_id: &str) -> Result<Option<Entry>> {
    query_as("SELECT * FROM outbox WHERE package_id = $1 ORDER BY created_at LIMIT 1")
        .bind(package_id)
        .fetch_optional(db)
        .await
}

/// Whether a token other than this one waits for the catalog to be told of a package.
pub(crate) async fn has_others(
    db: &mut AnyConnection,
    package_id: &str,
    token_id: &str,
) -> Result<bool> {
    let other: Option<String> =
        query_scalar("SELECT id FROM outbox WHERE package_id = $1 AND token_id <> $2 LIMIT 1")
            .bind(package_id)
            .bind(token_id)
            .fetch_optional(db)
            .await?;
    Ok(other.is_some())
}

/// Whether some entry could be leased. One in whose place another package was put waits until the catalog has decided on
/// that one: told first, it would be released.
pub(crate) async fn some_due(db: &mut AnyConnection, moment: Moment) -> Result<bool> {
    let due: Option<String> = query_scalar(
        "SELECT id FROM outbox WHERE (next_at <= $1 OR next_at > $2)
             AND (lease_until IS NULL OR lease_until < $1 OR lease_until > $3)
             AND NOT EXISTS (
                 SELECT 1 FROM replacements r JOIN packages p ON p.id = r.package_id
                 WHERE r.replaced = outbox.package_id AND p.state = 'stored')
         LIMIT 1",
    )
    .bind(moment.now)
    .bind(moment.furthest_pause)
    .bind(moment.furthest_lease)
    .fetch_optional(db)
    .await?;
    Ok(due.is_some())
}

/// Leases the entries that are due the longest. The conditions stand twice: under PostgreSQL the inner ones may have
/// been read before another instance took the same row, the outer ones are checked again on the row as it is.
pub(crate) async fn lease(
    db: &mut AnyConnection,
    moment: Moment,
    until: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    query_as(
        "UPDATE outbox SET lease_owner = $1, lease_until = $2, attempts = attempts + 1
         WHERE (next_at <= $3 OR next_at > $4) AND (lease_until IS NULL OR lease_until < $3 OR lease_until > $5)
             AND NOT EXISTS (
                 SELECT 1 FROM replacements r JOIN packages p ON p.id = r.package_id
                 WHERE r.replaced = outbox.package_id AND p.state = 'stored')
             AND id IN (
                 SELECT o.id FROM outbox o WHERE (o.next_at <= $3 OR o.next_at > $4)
                     AND (o.lease_until IS NULL OR o.lease_until < $3 OR o.lease_until > $5)
                     AND NOT EXISTS (
                         SELECT 1 FROM replacements r JOIN packages p ON p.id = r.package_id
                         WHERE r.replaced = o.package_id AND p.state = 'stored')
                 ORDER BY next_at LIMIT $6)
         RETURNING id, package_id, channel, token_id, request_id, acknowledged_at, wish, lease_owner, attempts, failing_since, last_error",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(until)
    .bind(moment.now)
    .bind(moment.furthest_pause)
    .bind(moment.furthest_lease)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Puts an entry back until `next_at`; at once when it was asked for again meanwhile.
pub(crate) async fn put_back(
    db: &mut AnyConnection,
    entry: &Entry,
    (now, next_at): (i64, i64),
    error: &str,
) -> Result<()> {
    query(
        "UPDATE outbox SET lease_owner = NULL, lease_until = NULL, last_error = $5,
             next_at = CASE WHEN wish = $6 THEN $4 ELSE next_at END, failing_since = coalesce(failing_since, $3)
         WHERE id = $1 AND lease_owner = $2",
    )
    .bind(&entry.id)
    .bind(&entry.lease_owner)
    .bind(now)
    .bind(next_at)
    .bind(error)
    .bind(&entry.intent)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a delivered entry; `false` when another lease has begun, or when it was asked for again meanwhile: then it
/// stays, for the next lease.
pub(crate) async fn remove(db: &mut AnyConnection, entry: &Entry) -> Result<bool> {
    let done = query("DELETE FROM outbox WHERE id = $1 AND lease_owner = $2 AND wish = $3")
        .bind(&entry.id)
        .bind(&entry.lease_owner)
        .bind(&entry.intent)
        .execute(&mut *db)
        .await?;
    query("UPDATE outbox SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2")
        .bind(&entry.id)
        .bind(&entry.lease_owner)
        .execute(&mut *db)
        .await?;
    let removed = done.rows_affected() == 1;
    if removed {
        intents::remove(db, &entry.intent).await?;
    }
    Ok(removed)
}

/// Whether an entry waits for a later time.
pub(crate) async fn some_wait(db: &mut AnyConnection, now: i64) -> Result<bool> {
    let waiting: Option<String> = query_scalar("SELECT id FROM outbox WHERE next_at > $1 LIMIT 1")
        .bind(now)
        .fetch_optional(db)
        .await?;
    Ok(waiting.is_some())
}

/// Makes every waiting entry due.
pub(crate) async fn wake_all(db: &mut AnyConnection, now: i64) -> Result<()> {
    query("UPDATE outbox SET next_at = $1 WHERE next_at > $1")
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn count(db: &mut AnyConnection, now: i64) -> Result<Counts> {
    query_as(
        "SELECT count(*) AS rows, cast(coalesce($1 - min(created_at), 0) AS bigint) AS oldest_millis FROM outbox",
    )
    .bind(now)
    .fetch_one(db)
    .await
}

/// The digests in `digests` of packages that the catalog has to be told of.
pub(crate) async fn digests(db: &mut AnyConnection, digests: &Range) -> Result<Vec<String>> {
    query_scalar(
        "SELECT packages.sha256 FROM packages JOIN outbox ON outbox.package_id = packages.id
         WHERE packages.sha256 >= $1 AND packages.sha256 < $2",
    )
    .bind(&digests.start)
    .bind(&digests.end)
    .fetch_all(db)
    .await
}

/// Removes what was to be told of packages that were removed before `before`.
pub(crate) async fn forget_removed(db: &mut AnyConnection, before: i64) -> Result<()> {
    query(
        "DELETE FROM outbox WHERE package_id IN (
             SELECT id FROM packages WHERE state = 'removed' AND ended_at <= $1)",
    )
    .bind(before)
    .execute(db)
    .await?;
    Ok(())
}
