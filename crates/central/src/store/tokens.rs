//! The copy of the catalog's tokens.

use slipway_contract::grant::Grant;
use sqlx::{AnyConnection, Result, query, query_as, query_scalar};

use super::unreadable;

pub(crate) async fn clear(db: &mut AnyConnection) -> Result<()> {
    query("DELETE FROM copy_tokens").execute(db).await?;
    Ok(())
}

pub(crate) async fn put(db: &mut AnyConnection, hash: &str, grant: &Grant, seq: i64) -> Result<()> {
    query(
        "INSERT INTO copy_tokens (hash, permits, seq) VALUES ($1, $2, $3)
         ON CONFLICT (hash) DO UPDATE SET permits = excluded.permits, seq = excluded.seq
         WHERE excluded.seq > copy_tokens.seq",
    )
    .bind(hash)
    .bind(serde_json::to_string(grant).map_err(unreadable)?)
    .bind(seq)
    .execute(db)
    .await?;
    Ok(())
}

/// What a token permits. One that cannot be read is an error, and permits nothing.
pub(crate) async fn get(db: &mut AnyConnection, hash: &str) -> Result<Option<Grant>> {
    let found: Option<String> = query_scalar("SELECT permits FROM copy_tokens WHERE hash = $1")
        .bind(hash)
        .fetch_optional(db)
        .await?;
    let read = |text: String| serde_json::from_str(&text).map_err(unreadable);
    found.map(read).transpose()
}

/// All, as hash and JSON.
pub(crate) async fn all(db: &mut AnyConnection) -> Result<Vec<(String, String)>> {
    query_as("SELECT hash, permits FROM copy_tokens")
        .fetch_all(db)
        .await
}
