//! How often each file was downloaded.

use sqlx::AnyConnection;

#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct Downloads {
    pub(crate) filename: String,
    /// In hex.
    pub(crate) sha256: String,
    pub(crate) count: i64,
}

pub(crate) async fn add(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
    filename: &str,
    count: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO downloads (app, version, filename, count) VALUES ($1, $2, $3, $4)
         ON CONFLICT (app, version, filename) DO UPDATE SET count = downloads.count + excluded.count",
    )
    .bind(app)
    .bind(version)
    .bind(filename)
    .bind(count)
    .execute(connection)
    .await?;
    Ok(())
}

/// The counts of a release's files, those never downloaded as well.
pub(crate) async fn of_release(
    connection: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<Vec<Downloads>> {
    sqlx::query_as(
        "SELECT packages.filename, packages.sha256, coalesce(downloads.count, 0) AS count
         FROM packages LEFT JOIN downloads
           ON downloads.app = packages.app AND downloads.version = packages.version
          AND downloads.filename = packages.filename
         WHERE packages.app = $1 AND packages.version = $2
         ORDER BY packages.filename",
    )
    .bind(app)
    .bind(version)
    .fetch_all(connection)
    .await
}
