//! Pictures of releases.

use sqlx::AnyConnection;

#[derive(sqlx::FromRow)]
pub(crate) struct Icon {
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
    /// Of the package that it was read from.
    pub(crate) sha256: String,
}

/// The icon of the newest published release that has one.
pub(crate) async fn newest(
    connection: &mut AnyConnection,
    app: &str,
) -> sqlx::Result<Option<Icon>> {
    sqlx::query_as(
        "SELECT icons.media_type, icons.bytes, icons.sha256
         FROM icons JOIN releases ON releases.app = icons.app AND releases.version = icons.version
         WHERE icons.app = $1 AND releases.visibility = 'published'
         ORDER BY releases.version_key DESC LIMIT 1",
    )
    .bind(app)
    .fetch_optional(connection)
    .await
}

/// Whether there is one, without reading it.
pub(crate) async fn exists(connection: &mut AnyConnection, app: &str) -> sqlx::Result<bool> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT icons.version FROM icons JOIN releases ON releases.app = icons.app AND releases.version = icons.version
         WHERE icons.app = $1 AND releases.visibility = 'published' LIMIT 1",
    )
    .bind(app)
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
    icon: &Icon,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO icons (app, version, media_type, bytes, sha256) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(app)
    .bind(version)
    .bind(&icon.media_type)
    .bind(&icon.bytes)
    .bind(&icon.sha256)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM icons WHERE app = $1 AND version = $2")
        .bind(app)
        .bind(version)
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn clear(connection: &mut AnyConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM icons").execute(connection).await?;
    Ok(())
}
