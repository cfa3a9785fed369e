//! What the catalog has to be told, as it is queued and looked at. Its leases are the queue's.

use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};
use uuid::Uuid;

use super::Range;
use super::intents::{self, Terms};

macro_rules! columns {
    () => {
        "package_id, channel, token_id, request_id, acknowledged_at, wish, failing_since, last_error"
    };
}

/// The columns of an [`Entry`] beside its id.
pub(crate) const ENTRY: &str = columns!();

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
    let sql = concat!("SELECT id, ", columns!(), " FROM outbox WHERE id = $1");
    query_as(sql).bind(id).fetch_optional(db).await
}

/// The oldest entry of a package.
pub(crate) async fn of_package(db: &mut AnyConnection, package_id: &str) -> Result<Option<Entry>> {
    query_as(concat!(
        "SELECT id, ",
        columns!(),
        " FROM outbox WHERE package_id = $1 ORDER BY created_at LIMIT 1"
    ))
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

/// Notes since when it cannot be delivered: since the first failure after it was asked for.
pub(crate) async fn note_failure(db: &mut AnyConnection, id: &str, now: i64) -> Result<()> {
    query("UPDATE outbox SET failing_since = coalesce(failing_since, $2) WHERE id = $1")
        .bind(id)
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

/// What waits longest, as an operator knows it.
#[derive(Debug, FromRow)]
pub(crate) struct Oldest {
    pub(crate) app: String,
    pub(crate) filename: String,
    pub(crate) created_at: i64,
    pub(crate) last_error: Option<String>,
}

pub(crate) async fn oldest(db: &mut AnyConnection) -> Result<Option<Oldest>> {
    query_as(
        "SELECT packages.app, packages.filename, outbox.created_at, outbox.last_error
         FROM outbox JOIN packages ON packages.id = outbox.package_id ORDER BY outbox.created_at LIMIT 1",
    )
    .fetch_optional(db)
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
