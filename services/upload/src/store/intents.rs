//! What an intent to publish says beside its channel, as long as the catalog has to be told of it.

use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

/// What is asked for with an intent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) notes: Option<String>,
    /// Whether what is odd is refused.
    pub(crate) strict: bool,
    /// Whether a channel that does not exist is made.
    pub(crate) create_channel: bool,
}

#[derive(Clone, Debug, FromRow)]
pub(crate) struct Intent {
    pub(crate) notes: Option<String>,
    /// 0 or 1, as the next.
    pub(crate) strict: i64,
    pub(crate) create_channel: i64,
    /// Where the copy of the catalog's state was then.
    pub(crate) epoch: String,
    pub(crate) applied: i64,
}

pub(crate) async fn insert(db: &mut AnyConnection, id: &str, terms: &Terms) -> Result<()> {
    query(
        "INSERT INTO intents (intent, notes, strict, create_channel, epoch, applied)
         SELECT $1, $2, $3, $4, epoch, applied FROM copy_position WHERE id = 1",
    )
    .bind(id)
    .bind(&terms.notes)
    .bind(i64::from(terms.strict))
    .bind(i64::from(terms.create_channel))
    .execute(db)
    .await?;
    Ok(())
}

/// `None` of one that an earlier version took.
pub(crate) async fn by_id(db: &mut AnyConnection, id: &str) -> Result<Option<Intent>> {
    query_as("SELECT notes, strict, create_channel, epoch, applied FROM intents WHERE intent = $1")
        .bind(id)
        .fetch_optional(db)
        .await
}

/// Removes that of an entry of the outbox; the notes that it had.
pub(crate) async fn take(db: &mut AnyConnection, entry: &str) -> Result<Option<String>> {
    let notes: Option<Option<String>> = query_scalar(
        "DELETE FROM intents WHERE intent = (SELECT wish FROM outbox WHERE id = $1) RETURNING notes",
    )
    .bind(entry)
    .fetch_optional(db)
    .await?;
    Ok(notes.flatten())
}

pub(crate) async fn remove(db: &mut AnyConnection, id: &str) -> Result<()> {
    query("DELETE FROM intents WHERE intent = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes those whose entries went without being told.
pub(crate) async fn forget_ended(db: &mut AnyConnection) -> Result<()> {
    query("DELETE FROM intents WHERE intent NOT IN (SELECT wish FROM outbox)")
        .execute(db)
        .await?;
    Ok(())
}
