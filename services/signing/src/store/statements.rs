//! What was signed, once for each file of a version.

use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result, query, query_as, query_scalar};

use crate::statement::{Position, Stated};

#[derive(Clone, FromRow)]
pub(crate) struct Row {
    #[sqlx(flatten)]
    pub(crate) stated: Stated,
    pub(crate) signature: Option<String>,
}

fn table(position: Position) -> &'static str {
    match position {
        Position::First => "statements",
        Position::Further => "further_statements",
    }
}

/// Adds a statement unless that name in that version is taken, and returns the one that is there.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    position: Position,
    statement: &Stated,
) -> Result<Row> {
    let sql = format!(
        "INSERT INTO {} (app, version, version_key, filename, sha256, size, key_id, stated_at, signed_size)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (app, version_key, filename) DO NOTHING",
        table(position)
    );
    query(AssertSqlSafe(sql))
        .bind(&statement.app)
        .bind(&statement.version)
        .bind(&statement.version_key)
        .bind(&statement.filename)
        .bind(&statement.sha256)
        .bind(statement.size)
        .bind(&statement.key_id)
        .bind(statement.stated_at)
        .bind(statement.signed_size)
        .execute(&mut *db)
        .await?;
    get(db, position, statement).await
}

/// Keeps the signature of a statement unless it has one, and returns the one that is there.
pub(crate) async fn keep_signature(
    db: &mut AnyConnection,
    position: Position,
    statement: &Stated,
    signature: &str,
) -> Result<Option<String>> {
    let sql = format!(
        "UPDATE {} SET signature = $4
         WHERE app = $1 AND version_key = $2 AND filename = $3 AND signature IS NULL",
        table(position)
    );
    query(AssertSqlSafe(sql))
        .bind(&statement.app)
        .bind(&statement.version_key)
        .bind(&statement.filename)
        .bind(signature)
        .execute(&mut *db)
        .await?;
    Ok(get(db, position, statement).await?.signature)
}

/// Every statement at that position, in no order.
pub(crate) async fn all(db: &mut AnyConnection, position: Position) -> Result<Vec<Stated>> {
    let sql = format!(
        "SELECT app, version, version_key, filename, sha256, size, key_id, stated_at, signed_size FROM {}",
        table(position)
    );
    query_as(AssertSqlSafe(sql)).fetch_all(db).await
}

/// When the newest was stated, in Unix milliseconds.
pub(crate) async fn newest(db: &mut AnyConnection) -> Result<Option<i64>> {
    query_scalar(
        "SELECT max(stated_at) FROM (
             SELECT stated_at FROM statements UNION ALL SELECT stated_at FROM further_statements) every",
    )
    .fetch_one(db)
    .await
}

async fn get(db: &mut AnyConnection, position: Position, statement: &Stated) -> Result<Row> {
    let sql = format!(
        "SELECT app, version, version_key, filename, sha256, size, key_id, stated_at, signed_size, signature FROM {}
         WHERE app = $1 AND version_key = $2 AND filename = $3",
        table(position)
    );
    query_as(AssertSqlSafe(sql))
        .bind(&statement.app)
        .bind(&statement.version_key)
        .bind(&statement.filename)
        .fetch_one(db)
        .await
}
