//! Releases and the channels they were released to.

use slipway_contract::{Version, Visibility, Word, feed};
use slipway_database::version_keys;
use sqlx::AnyConnection;

use crate::audience::Audience;

#[derive(sqlx::FromRow)]
pub(crate) struct Release {
    pub(crate) version: String,
    #[sqlx(try_from = "String")]
    pub(crate) visibility: Word<Visibility>,
    pub(crate) notes: Option<String>,
    pub(crate) published_at: Option<i64>,
}

pub(crate) async fn find(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<Option<Release>> {
    sqlx::query_as(
        "SELECT version, visibility, notes, published_at FROM releases WHERE app = $1 AND version = $2",
    )
    .bind(app)
    .bind(version)
    .fetch_optional(connection)
    .await
}

/// Every channel that a release within audience, or one that was yanked, was released to; sorted.
pub(crate) async fn channels(
    connection: &mut AnyConnection,
    audience: Audience,
    app: &str,
) -> sqlx::Result<Vec<String>> {
    let [one, other] = audience.served();
    sqlx::query_scalar(
        "SELECT DISTINCT channels.channel
         FROM channels JOIN releases ON releases.app = channels.app AND releases.version = channels.version
         WHERE channels.app = $1 AND releases.visibility IN ($2, $3, 'yanked')
         ORDER BY channels.channel",
    )
    .bind(app)
    .bind(one)
    .bind(other)
    .fetch_all(connection)
    .await
}

/// App, version and visibility of every release.
pub(crate) async fn all(
    connection: &mut AnyConnection,
) -> sqlx::Result<Vec<(String, String, String)>> {
    sqlx::query_as("SELECT app, version, visibility FROM releases")
        .fetch_all(connection)
        .await
}

/// App and version of every release in a channel, and that.
pub(crate) async fn in_channels(
    connection: &mut AnyConnection,
) -> sqlx::Result<Vec<(String, String, String)>> {
    sqlx::query_as("SELECT app, version, channel FROM channels")
        .fetch_all(connection)
        .await
}

/// Writes the release and its channels, and says whether it did: what is there may be as new.
pub(crate) async fn put(
    connection: &mut AnyConnection,
    release: &feed::Release,
    version: &Version,
    seq: i64,
) -> sqlx::Result<bool> {
    let written = sqlx::query(
        "INSERT INTO releases (app, version, version_key, visibility, notes, published_at, reason, seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (app, version) DO UPDATE
         SET version_key = excluded.version_key, visibility = excluded.visibility, notes = excluded.notes, published_at = excluded.published_at,
             reason = excluded.reason, seq = excluded.seq
         WHERE releases.seq < excluded.seq",
    )
    .bind(release.app.as_str())
    .bind(release.version.as_str())
    .bind(version.order_key())
    .bind(release.visibility.as_str())
    .bind(&release.notes)
    .bind(release.published_at)
    .bind(&release.reason)
    .bind(seq)
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM channels WHERE app = $1 AND version = $2")
        .bind(release.app.as_str())
        .bind(release.version.as_str())
        .execute(&mut *connection)
        .await?;
    for channel in &release.channels {
        sqlx::query("INSERT INTO channels (app, channel, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(release.app.as_str())
            .bind(channel.as_str())
            .bind(release.version.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

/// Whether no key lacks its build, as those that 0.3.0 and earlier write.
pub(crate) async fn keys_are_complete(connection: &mut AnyConnection) -> sqlx::Result<bool> {
    version_keys::are_complete(connection, "releases").await
}

/// Completes the keys that lack their build.
pub(crate) async fn complete_keys(connection: &mut AnyConnection) -> sqlx::Result<()> {
    for found in version_keys::incomplete(connection, "releases").await? {
        let Some(key) = Version::complete_key(&found.version, &found.version_key) else {
            continue;
        };
        sqlx::query("UPDATE releases SET version_key = $3 WHERE version = $1 AND version_key = $2")
            .bind(&found.version)
            .bind(&found.version_key)
            .bind(key)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(crate) async fn clear(connection: &mut AnyConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM channels")
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM releases")
        .execute(connection)
        .await?;
    Ok(())
}
