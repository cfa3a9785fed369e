//! Revisions, and the documents of each.

use slipway_configuration::Documents;
use slipway_configuration::history::{Made, Plan};
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use super::unreadable;

/// A revision without its documents.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Row {
    pub(crate) revision: i64,
    pub(crate) made_at: i64,
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
    pub(crate) action: String,
    pub(crate) reason: String,
    pub(crate) before: i64,
}

const COLUMNS: &str = "SELECT revision, made_at, token_id, token_name, request_id, action, reason, before FROM configuration_revisions";

/// The id of the database, by which revisions of another one are told apart.
pub(crate) async fn epoch(db: &mut AnyConnection) -> Result<String> {
    query_scalar("SELECT id FROM slipway_database")
        .fetch_one(db)
        .await
}

/// The newest revision.
pub(crate) async fn head(db: &mut AnyConnection) -> Result<i64> {
    query_scalar("SELECT revision FROM configuration_head")
        .fetch_one(db)
        .await
}

/// The newest revision and the highest that was seen, in a transaction that lets no other writer in before its end.
pub(crate) async fn lock(db: &mut AnyConnection) -> Result<(i64, i64)> {
    query_as("UPDATE configuration_head SET seen = seen RETURNING revision, seen")
        .fetch_one(db)
        .await
}

/// Notes a revision that an instance has applied.
pub(crate) async fn note_seen(db: &mut AnyConnection, revision: i64) -> Result<()> {
    query("UPDATE configuration_head SET seen = $1 WHERE seen < $1")
        .bind(revision)
        .execute(db)
        .await?;
    Ok(())
}

/// All documents as they were at a revision.
pub(crate) async fn documents(db: &mut AnyConnection, revision: i64) -> Result<Documents> {
    let rows: Vec<(String, Option<String>)> = query_as(
        "SELECT name, content FROM configuration_documents one WHERE revision = (
             SELECT MAX(revision) FROM configuration_documents other WHERE other.name = one.name AND other.revision <= $1)",
    )
    .bind(revision)
    .fetch_all(db)
    .await?;
    let mut documents = Documents::new();
    for (name, content) in rows {
        let Some(content) = content else { continue };
        let name = name
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        documents.insert(name, serde_json::from_str(&content).map_err(unreadable)?);
    }
    Ok(documents)
}

/// Writes a revision and makes it the newest.
pub(crate) async fn insert(db: &mut AnyConnection, row: &Row, plan: &Plan) -> Result<()> {
    let sql = "INSERT INTO configuration_revisions
         (revision, made_at, token_id, token_name, request_id, action, reason, before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    query(sql)
        .bind(row.revision)
        .bind(row.made_at)
        .bind(&row.token_id)
        .bind(&row.token_name)
        .bind(&row.request_id)
        .bind(&row.action)
        .bind(&row.reason)
        .bind(row.before)
        .execute(&mut *db)
        .await?;
    for (name, content) in &plan.changed {
        let content = content.as_ref().map(serde_json::to_string).transpose();
        query("INSERT INTO configuration_documents (name, revision, content) VALUES ($1, $2, $3)")
            .bind(name.to_string())
            .bind(row.revision)
            .bind(content.map_err(unreadable)?)
            .execute(&mut *db)
            .await?;
    }
    query("UPDATE configuration_head SET revision = $1, seen = $1")
        .bind(row.revision)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn get(db: &mut AnyConnection, revision: i64) -> Result<Option<Row>> {
    query_as(sqlx::AssertSqlSafe(format!(
        "{COLUMNS} WHERE revision = $1"
    )))
    .bind(revision)
    .fetch_optional(db)
    .await
}

/// The revision that was made on top of another.
pub(crate) async fn after(db: &mut AnyConnection, before: i64) -> Result<Option<Row>> {
    query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE before = $1")))
        .bind(before)
        .fetch_optional(db)
        .await
}

/// The newest first, from below `cursor` on.
pub(crate) async fn list(db: &mut AnyConnection, cursor: i64, limit: i64) -> Result<Vec<Row>> {
    let sql = format!("{COLUMNS} WHERE revision < $1 ORDER BY revision DESC LIMIT $2");
    query_as(sqlx::AssertSqlSafe(sql))
        .bind(cursor)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// When each was made, in their order.
pub(crate) async fn made(db: &mut AnyConnection) -> Result<Vec<Made>> {
    let rows: Vec<(i64, i64)> =
        query_as("SELECT revision, made_at FROM configuration_revisions ORDER BY revision")
            .fetch_all(db)
            .await?;
    let made = rows.into_iter().map(|(revision, at)| Made {
        revision: revision.unsigned_abs(),
        at,
    });
    Ok(made.collect())
}

/// Forgets what is before a revision; the documents of that one stay.
pub(crate) async fn forget_before(db: &mut AnyConnection, revision: i64) -> Result<()> {
    query(
        "DELETE FROM configuration_documents WHERE revision < $1 AND EXISTS (
             SELECT 1 FROM configuration_documents later WHERE later.name = configuration_documents.name
                 AND later.revision > configuration_documents.revision AND later.revision <= $1)",
    )
    .bind(revision)
    .execute(&mut *db)
    .await?;
    query("DELETE FROM configuration_revisions WHERE revision < $1")
        .bind(revision)
        .execute(db)
        .await?;
    Ok(())
}
