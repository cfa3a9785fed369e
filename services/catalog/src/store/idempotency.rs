//! What was done under an `Idempotency-Key`.

use sqlx::{AnyConnection, FromRow, Result, query, query_as};

/// A key of a token's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) token_id: &'a str,
    pub(crate) key: &'a str,
}

/// What a key was used for before.
#[derive(Debug, FromRow)]
pub(crate) struct Before {
    /// SHA-256 in hex of the request.
    pub(crate) request: String,
    /// What it was answered from, in JSON; `None` of an earlier version.
    pub(crate) answer: Option<String>,
}

/// Remembers what is done under a key; `None` when the key is new.
pub(crate) async fn remember(
    db: &mut AnyConnection,
    key: Key<'_>,
    request: &str,
    now: i64,
) -> Result<Option<Before>> {
    let done = query(
        "INSERT INTO idempotency (token_id, key, request, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (token_id, key) DO NOTHING",
    )
    .bind(key.token_id)
    .bind(key.key)
    .bind(request)
    .bind(now)
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(None);
    }
    query_as("SELECT request, answer FROM idempotency WHERE token_id = $1 AND key = $2")
        .bind(key.token_id)
        .bind(key.key)
        .fetch_optional(db)
        .await
}

/// Keeps what the request under a key is answered from.
pub(crate) async fn answer(db: &mut AnyConnection, key: Key<'_>, answer: &str) -> Result<()> {
    query("UPDATE idempotency SET answer = $3 WHERE token_id = $1 AND key = $2")
        .bind(key.token_id)
        .bind(key.key)
        .bind(answer)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut AnyConnection, before: i64) -> Result<()> {
    query("DELETE FROM idempotency WHERE created_at < $1")
        .bind(before)
        .execute(db)
        .await?;
    Ok(())
}
