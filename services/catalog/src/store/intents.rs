//! The intents to publish that upload delivered. Table and column are called `wishes` and `wish`, as 0.3.0 reads them.

use sqlx::{AnyConnection, Result, query, query_scalar};

/// Whether an intent was noted before.
pub(crate) async fn is_taken(
    db: &mut AnyConnection,
    (package_id, channel): (&str, &str),
    intent: &str,
) -> Result<bool> {
    let noted: Option<String> =
        query_scalar("SELECT wish FROM wishes WHERE package_id = $1 AND channel = $2")
            .bind(package_id)
            .bind(channel)
            .fetch_optional(db)
            .await?;
    Ok(noted.as_deref() == Some(intent))
}

/// Notes an intent for a package and a channel; `false` when it was noted before.
pub(crate) async fn take(
    db: &mut AnyConnection,
    (package_id, channel): (&str, &str),
    intent: &str,
) -> Result<bool> {
    let done = query(
        "INSERT INTO wishes (package_id, channel, wish) VALUES ($1, $2, $3)
         ON CONFLICT (package_id, channel) DO UPDATE SET wish = excluded.wish WHERE wishes.wish <> excluded.wish",
    )
    .bind(package_id)
    .bind(channel)
    .bind(intent)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
