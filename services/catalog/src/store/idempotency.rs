//! What was done under an `Idempotency-Key`.

use sqlx::{AnyConnection, Result, query, query_scalar};

/// Remembers what was done under a key; `None` when the key is new, else the request that it was used for.
pub(crate) async fn remember(
    db: &mut AnyConnection,
    token_id: &str,
    key: &str,
    request: &str,
    now: i64,
) -> Result<Option<String>> {
    let done = query(
        "INSERT INTO idempotency (token_id, key, request, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (token_id, key) DO NOTHING",
    )
    .bind(token_id)
    .bind(key)
    .bind(request)
    .bind(now)
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(None);
    }
    query_scalar("SELECT request FROM idempotency WHERE token_id = $1 AND key = $2")
        .bind(token_id)
        .bind(key)
        .fetch_optional(db)
        .await
}

pub(crate) async fn forget(db: &mut AnyConnection, before: i64) -> Result<()> {
    query("DELETE FROM idempotency WHERE created_at < $1")
        .bind(before)
        .execute(db)
        .await?;
    Ok(())
}
