//! The notes that tokens gave with their packages of a draft.

use sqlx::{AnyConnection, Result, query, query_scalar};

/// Keeps them until the draft is published; none of a release that is no draft.
pub(crate) async fn set(
    db: &mut AnyConnection,
    (release_id, token_id): (&str, &str),
    notes: &str,
) -> Result<()> {
    query(
        "INSERT INTO draft_notes (release_id, token_id, notes)
         SELECT id, $2, $3 FROM releases WHERE id = $1 AND state IN ('draft', 'failed')
         ON CONFLICT (release_id, token_id) DO UPDATE SET notes = excluded.notes",
    )
    .bind(release_id)
    .bind(token_id)
    .bind(notes)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn of_token(
    db: &mut AnyConnection,
    (release_id, token_id): (&str, &str),
) -> Result<Option<String>> {
    query_scalar("SELECT notes FROM draft_notes WHERE release_id = $1 AND token_id = $2")
        .bind(release_id)
        .bind(token_id)
        .fetch_optional(db)
        .await
}

/// Those of a release that is no draft any more.
pub(crate) async fn forget(db: &mut AnyConnection, release_id: &str) -> Result<()> {
    query("DELETE FROM draft_notes WHERE release_id = $1")
        .bind(release_id)
        .execute(db)
        .await?;
    Ok(())
}
