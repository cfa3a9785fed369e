//! What joins a channel, what left it, and when it was rolled back.

use sqlx::{AnyConnection, Result, query, query_as, query_scalar};

use super::releases::{Release, columns, select};
use crate::rules::channel::Rollback;

/// The channels of an app, by name.
pub(crate) async fn names(db: &mut AnyConnection, app: &str) -> Result<Vec<String>> {
    query_scalar("SELECT DISTINCT channel FROM release_channels WHERE app = $1 ORDER BY channel")
        .bind(app)
        .fetch_all(db)
        .await
}

/// The releases in a channel that are higher than `release`, highest first.
pub(crate) async fn higher(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
) -> Result<Vec<Release>> {
    query_as(select!(
        "WHERE id IN (SELECT release_id FROM release_channels WHERE app = $1 AND channel = $2)
             AND state <> 'deleted' AND version_key > (SELECT version_key FROM releases WHERE id = $3)
         ORDER BY version_key DESC"
    ))
    .bind(release.app.as_str())
    .bind(channel)
    .bind(&release.id)
    .fetch_all(db)
    .await
}

/// Notes that a release is out of a channel since that was rolled back to another.
pub(crate) async fn leave(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
    rolled_back_to: &str,
    now: i64,
) -> Result<()> {
    query("DELETE FROM release_channels WHERE app = $1 AND channel = $2 AND release_id = $3")
        .bind(release.app.as_str())
        .bind(channel)
        .bind(&release.id)
        .execute(&mut *db)
        .await?;
    query(
        "INSERT INTO channel_departures (app, channel, release_id, rolled_back_to, left_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (app, channel, release_id) DO UPDATE
         SET rolled_back_to = excluded.rolled_back_to, left_at = excluded.left_at",
    )
    .bind(release.app.as_str())
    .bind(channel)
    .bind(&release.id)
    .bind(rolled_back_to)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets that a release left a channel.
pub(crate) async fn forget_departure(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
) -> Result<()> {
    query("DELETE FROM channel_departures WHERE app = $1 AND channel = $2 AND release_id = $3")
        .bind(release.app.as_str())
        .bind(channel)
        .bind(&release.id)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets what was rolled back in a channel that is deleted: one of its name is another.
pub(crate) async fn forget(db: &mut AnyConnection, app: &str, channel: &str) -> Result<()> {
    for sql in [
        "DELETE FROM channel_departures WHERE app = $1 AND channel = $2",
        "DELETE FROM rollbacks WHERE app = $1 AND channel = $2",
    ] {
        query(sql).bind(app).bind(channel).execute(&mut *db).await?;
    }
    Ok(())
}

/// The channels that a release left, each with the version that it was rolled back to.
pub(crate) async fn departures(
    db: &mut AnyConnection,
    release_id: &str,
) -> Result<Vec<(String, String)>> {
    query_as(
        "SELECT d.channel, r.version FROM channel_departures d JOIN releases r ON r.id = d.rolled_back_to
         WHERE d.release_id = $1 ORDER BY d.channel",
    )
    .bind(release_id)
    .fetch_all(db)
    .await
}

/// The versions that are out of a channel since it was rolled back to `release`, highest first.
pub(crate) async fn left_for(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
) -> Result<Vec<String>> {
    query_scalar(
        "SELECT r.version FROM channel_departures d JOIN releases r ON r.id = d.release_id
         WHERE d.app = $1 AND d.channel = $2 AND d.rolled_back_to = $3 ORDER BY r.version_key DESC",
    )
    .bind(release.app.as_str())
    .bind(channel)
    .bind(&release.id)
    .fetch_all(db)
    .await
}

/// The last roll-back of a channel, when it was to a lower version than `release`.
pub(crate) async fn rollback_below(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
) -> Result<Option<Rollback>> {
    let row: Option<(String, i64, i64)> = query_as(
        "SELECT b.release_id, b.seq, b.rolled_back_at FROM rollbacks b JOIN releases r ON r.id = b.release_id
         WHERE b.app = $1 AND b.channel = $2 AND r.version_key < (SELECT version_key FROM releases WHERE id = $3)",
    )
    .bind(release.app.as_str())
    .bind(channel)
    .bind(&release.id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(release_id, seq, rolled_back_at)| Rollback {
        release_id,
        seq,
        rolled_back_at,
    }))
}

pub(crate) async fn set_rollback(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
    (seq, now): (i64, i64),
) -> Result<()> {
    query(
        "INSERT INTO rollbacks (app, channel, release_id, seq, rolled_back_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (app, channel) DO UPDATE
         SET release_id = excluded.release_id, seq = excluded.seq, rolled_back_at = excluded.rolled_back_at",
    )
    .bind(release.app.as_str())
    .bind(channel)
    .bind(&release.id)
    .bind(seq)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
