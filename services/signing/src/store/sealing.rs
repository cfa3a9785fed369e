//! What shows that the key-encryption key is the one that sealed this database.

use sqlx::{AnyConnection, Result, query, query_scalar};

/// Adds the proof unless there is one.
pub(crate) async fn insert(db: &mut AnyConnection, proof: &[u8]) -> Result<()> {
    query("INSERT INTO sealing (id, proof) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
        .bind(proof)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn proof(db: &mut AnyConnection) -> Result<Option<Vec<u8>>> {
    query_scalar("SELECT proof FROM sealing WHERE id = 1")
        .fetch_optional(db)
        .await
}
