//! What the feed tells upload of packages. The row of one that is gone stays, to say so.
//!
//! A change of a package takes two numbers, and its app's row has the second: so the head is always the number of a row
//! that everybody is told, also by a catalog or to a follower that knows no packages yet.

use slipway_contract::feed::PackageRow;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

#[derive(FromRow)]
struct Told {
    id: String,
    app: String,
    sha256: String,
    gone: i64,
}

/// Puts a new package into the feed; `false` when it is gone already. The numbers are taken first: until the transaction
/// ends nobody else can say that it is gone.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    id: &str,
    app: &str,
    sha256: &str,
) -> Result<bool> {
    let seq = super::feed::next(db).await?;
    let done = query(
        "INSERT INTO package_rows (id, app, sha256, gone, seq) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(app)
    .bind(sha256)
    .bind(seq)
    .execute(&mut *db)
    .await?;
    super::apps::touch(db, app).await?;
    Ok(done.rows_affected() == 1)
}

/// Says that a package is gone, or never to come when there is no row of it; the number of the change. `sha256` is empty
/// when nobody knows it.
pub(crate) async fn end(db: &mut AnyConnection, id: &str, app: &str, sha256: &str) -> Result<i64> {
    let seq = super::feed::next(db).await?;
    query(
        "INSERT INTO package_rows (id, app, sha256, gone, seq) VALUES ($1, $2, $3, 1, $4)
         ON CONFLICT (id) DO UPDATE SET gone = 1, seq = excluded.seq",
    )
    .bind(id)
    .bind(app)
    .bind(sha256)
    .bind(seq)
    .execute(&mut *db)
    .await?;
    super::apps::touch(db, app).await
}

/// Whether a package was there, or was to come, and is gone.
pub(crate) async fn is_gone(db: &mut AnyConnection, id: &str) -> Result<bool> {
    let gone: Option<i64> = query_scalar("SELECT gone FROM package_rows WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(gone.is_some_and(|gone| gone != 0))
}

pub(crate) async fn change(db: &mut AnyConnection, id: &str) -> Result<PackageRow> {
    let told: Told = query_as("SELECT id, app, sha256, gone FROM package_rows WHERE id = $1")
        .bind(id)
        .fetch_one(db)
        .await?;
    Ok(PackageRow {
        id: told.id,
        app: told.app,
        sha256: told.sha256,
        gone: told.gone != 0,
    })
}
