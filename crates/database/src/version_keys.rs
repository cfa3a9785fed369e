//! Keys by which rows are ordered by version, as earlier versions of Slipway have written them.
//!
//! Up to 0.3.0 a build was no part of a version's order, so the key of `1.0.0+41` was that of `1.0.0`. Such keys are
//! completed when a service opens its database, in one transaction, and again where rows are met that an instance of such
//! a version has written beside us. Whoever is second finds nothing to do.

use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result, query_as};

/// Which keys may lack a build: a whole one ends in `f`, and what is no key of a version holds a colon. Each table has an
/// index under this condition, so that it costs nothing to ask when there are none.
const INCOMPLETE: &str =
    "version LIKE '%+%' AND version_key NOT LIKE '%f' AND version_key NOT LIKE '%:%'";

/// A version and the key that rows have for it.
#[derive(Debug, FromRow)]
pub struct Keyed {
    pub version: String,
    pub version_key: String,
}

/// The keys in `table`, each once, that may lack a build.
pub async fn incomplete(db: &mut AnyConnection, table: &str) -> Result<Vec<Keyed>> {
    // In one order, so that two who complete them do not wait for each other.
    let sql = format!(
        "SELECT DISTINCT version, version_key FROM {table} WHERE {INCOMPLETE} ORDER BY version, version_key"
    );
    query_as(AssertSqlSafe(sql)).fetch_all(db).await
}

/// Whether `table` has none of them.
pub async fn are_complete(db: &mut AnyConnection, table: &str) -> Result<bool> {
    let sql = format!("SELECT version, version_key FROM {table} WHERE {INCOMPLETE} LIMIT 1");
    let found: Option<Keyed> = query_as(AssertSqlSafe(sql)).fetch_optional(db).await?;
    Ok(found.is_none())
}
