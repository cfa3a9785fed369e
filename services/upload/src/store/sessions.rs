//! Uploads in pieces.

use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use super::Range;

/// An upload in pieces.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) app: String,
    pub(crate) metadata: String,
    pub(crate) size: i64,
    pub(crate) received: i64,
    pub(crate) sha256: Option<String>,
    pub(crate) package_id: Option<String>,
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
}

const COLUMNS: &str = "id, app, metadata, size, received, sha256, package_id, token_id, token_name, request_id, created_at, expires_at";

/// `expires_at` of a session whose token was revoked: nobody can go on with it.
const ENDED: i64 = 0;

/// Inserts a session unless its token has `limit` open ones; `false` then. Two at once may pass the limit by one.
pub(crate) async fn insert(db: &mut AnyConnection, session: &Session, limit: i64) -> Result<bool> {
    let done = query(
        "INSERT INTO sessions (id, app, metadata, size, received, token_id, token_name, request_id, created_at, expires_at)
         SELECT $1, $2, $3, $4, 0, $5, $6, $7, $8, $9
         WHERE (SELECT count(*) FROM sessions WHERE token_id = $5 AND package_id IS NULL AND expires_at > $8) < $10",
    )
    .bind(&session.id)
    .bind(&session.app)
    .bind(&session.metadata)
    .bind(session.size)
    .bind(&session.token_id)
    .bind(&session.token_name)
    .bind(&session.request_id)
    .bind(session.created_at)
    .bind(session.expires_at)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A session of an app and a token.
pub(crate) async fn by_id(
    db: &mut AnyConnection,
    (app, token_id): (&str, &str),
    id: &str,
) -> Result<Option<Session>> {
    query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM sessions WHERE id = $1 AND app = $2 AND token_id = $3"
    )))
    .bind(id)
    .bind(app)
    .bind(token_id)
    .fetch_optional(db)
    .await
}

/// Those of an app and a token that have not expired, by age, after the id `after`.
pub(crate) async fn list(
    db: &mut AnyConnection,
    (app, token_id): (&str, &str),
    (after, limit): (&str, i64),
    now: i64,
) -> Result<Vec<Session>> {
    query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM sessions WHERE app = $1 AND token_id = $2 AND id > $3 AND expires_at > $4 ORDER BY id LIMIT $5"
    )))
    .bind(app)
    .bind(token_id)
    .bind(after)
    .bind(now)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Bytes that open sessions were announced with and have not got yet.
pub(crate) async fn announced(db: &mut AnyConnection, now: i64) -> Result<i64> {
    query_scalar(
        "SELECT cast(coalesce(sum(size - received), 0) AS bigint) FROM sessions
         WHERE package_id IS NULL AND expires_at > $1",
    )
    .bind(now)
    .fetch_one(db)
    .await
}

/// Ends what a revoked token has begun: the sweep takes it.
pub(crate) async fn end_all_of(db: &mut AnyConnection, token_id: &str) -> Result<()> {
    query("UPDATE sessions SET expires_at = $2 WHERE token_id = $1")
        .bind(token_id)
        .bind(ENDED)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends what was begun for an app that was deleted.
pub(crate) async fn end_all_for(db: &mut AnyConnection, app: &str) -> Result<()> {
    query("UPDATE sessions SET expires_at = $2 WHERE app = $1")
        .bind(app)
        .bind(ENDED)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn exists(db: &mut AnyConnection, id: &str) -> Result<bool> {
    let found: Option<String> = query_scalar("SELECT id FROM sessions WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// Says who writes now; whoever did stops when it sees this.
pub(crate) async fn claim(db: &mut AnyConnection, id: &str, writer: &str) -> Result<()> {
    query("UPDATE sessions SET writer = $2 WHERE id = $1")
        .bind(id)
        .bind(writer)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn writer(db: &mut AnyConnection, id: &str) -> Result<Option<String>> {
    let writer: Option<Option<String>> = query_scalar("SELECT writer FROM sessions WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(writer.flatten())
}

/// Notes that the first `received` bytes are durable, and that the session lives on, unless its token was revoked.
pub(crate) async fn advance(
    db: &mut AnyConnection,
    id: &str,
    received: i64,
    expires_at: i64,
) -> Result<()> {
    query(
        "UPDATE sessions SET received = $2, expires_at = CASE WHEN expires_at = $4 THEN expires_at ELSE $3 END
         WHERE id = $1 AND received <= $2",
    )
    .bind(id)
    .bind(received)
    .bind(expires_at)
    .bind(ENDED)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that all bytes are durable.
pub(crate) async fn complete(db: &mut AnyConnection, id: &str, sha256: &str) -> Result<()> {
    query("UPDATE sessions SET received = size, sha256 = $2 WHERE id = $1")
        .bind(id)
        .bind(sha256)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes the package that a session became.
pub(crate) async fn became(db: &mut AnyConnection, id: &str, package_id: &str) -> Result<()> {
    query("UPDATE sessions SET package_id = $2 WHERE id = $1")
        .bind(id)
        .bind(package_id)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn remove(db: &mut AnyConnection, id: &str) -> Result<()> {
    query("DELETE FROM sessions WHERE id = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn expired(db: &mut AnyConnection, now: i64) -> Result<Vec<String>> {
    query_scalar("SELECT id FROM sessions WHERE expires_at <= $1")
        .bind(now)
        .fetch_all(db)
        .await
}

/// Removes a session if it is still expired; `false` when it lives on.
pub(crate) async fn remove_expired(db: &mut AnyConnection, id: &str, now: i64) -> Result<bool> {
    let done = query("DELETE FROM sessions WHERE id = $1 AND expires_at <= $2")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn count_open(db: &mut AnyConnection, now: i64) -> Result<i64> {
    query_scalar("SELECT count(*) FROM sessions WHERE package_id IS NULL AND expires_at > $1")
        .bind(now)
        .fetch_one(db)
        .await
}

/// The digests in `digests` of uploads whose bytes are all there.
pub(crate) async fn digests(db: &mut AnyConnection, digests: &Range) -> Result<Vec<String>> {
    query_scalar("SELECT sha256 FROM sessions WHERE sha256 >= $1 AND sha256 < $2")
        .bind(&digests.start)
        .bind(&digests.end)
        .fetch_all(db)
        .await
}
