//! Apps and their public keys.

use slipway_contract::feed;
use sqlx::AnyConnection;

#[derive(sqlx::FromRow)]
pub(crate) struct App {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) public_key: Option<String>,
    /// 1 when it was deleted.
    pub(crate) deleted: i64,
}

impl App {
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted != 0
    }
}

pub(crate) async fn find(connection: &mut AnyConnection, slug: &str) -> sqlx::Result<Option<App>> {
    sqlx::query_as("SELECT slug, name, public_key, deleted FROM apps WHERE slug = $1")
        .bind(slug)
        .fetch_optional(connection)
        .await
}

/// Slug and name of apps that have something published, by name.
pub(crate) async fn published(
    connection: &mut AnyConnection,
    limit: i64,
) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT slug, name FROM apps
         WHERE deleted = 0 AND EXISTS (SELECT 1 FROM releases WHERE releases.app = apps.slug AND releases.visibility = 'published')
         ORDER BY name, slug LIMIT $1",
    )
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// The key of each app that has one.
pub(crate) async fn keys(connection: &mut AnyConnection) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT slug, public_key FROM apps WHERE public_key IS NOT NULL")
        .fetch_all(connection)
        .await
}

/// Those that were deleted.
pub(crate) async fn deleted(connection: &mut AnyConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT slug FROM apps WHERE deleted = 1")
        .fetch_all(connection)
        .await
}

/// Writes the app unless what is there is as new.
pub(crate) async fn put(
    connection: &mut AnyConnection,
    app: &feed::App,
    seq: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO apps (slug, name, public_key, seq, deleted) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (slug) DO UPDATE
         SET name = excluded.name, public_key = excluded.public_key, seq = excluded.seq, deleted = excluded.deleted
         WHERE apps.seq < excluded.seq",
    )
    .bind(&app.slug)
    .bind(&app.name)
    .bind(&app.public_key)
    .bind(seq)
    .bind(i64::from(app.deleted))
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn clear(connection: &mut AnyConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM apps").execute(connection).await?;
    Ok(())
}
