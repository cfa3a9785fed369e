//! Whose a package is: every token that sent these bytes under this name.

use sqlx::{AnyConnection, Result, query, query_as, query_scalar};

use super::audit::By;
use crate::rules::draft::Owner;

pub(crate) async fn add(db: &mut AnyConnection, package_id: &str, by: By<'_>) -> Result<()> {
    query(
        "INSERT INTO package_tokens (package_id, token_id, token_name) VALUES ($1, $2, $3)
         ON CONFLICT (package_id, token_id) DO NOTHING",
    )
    .bind(package_id)
    .bind(by.token_id)
    .bind(by.token_name)
    .execute(db)
    .await?;
    Ok(())
}

/// Those of a package, by name. Nobody is known of one that an earlier version took without a note.
pub(crate) async fn of_package(db: &mut AnyConnection, package_id: &str) -> Result<Vec<Owner>> {
    let rows: Vec<(String, String)> = query_as(
        "SELECT token_id, token_name FROM package_tokens WHERE package_id = $1 ORDER BY token_name, token_id",
    )
    .bind(package_id)
    .fetch_all(db)
    .await?;
    let owner = |(token_id, token_name)| Owner {
        token_id,
        token_name,
    };
    Ok(rows.into_iter().map(owner).collect())
}

/// Whether all packages of a release are of this token, whoever else sent them too.
pub(crate) async fn all_of(
    db: &mut AnyConnection,
    release_id: &str,
    token_id: &str,
) -> Result<bool> {
    let others: Option<String> = query_scalar(
        "SELECT id FROM packages WHERE release_id = $1 AND id NOT IN (
             SELECT package_id FROM package_tokens WHERE token_id = $2) LIMIT 1",
    )
    .bind(release_id)
    .bind(token_id)
    .fetch_optional(db)
    .await?;
    Ok(others.is_none())
}

/// One that does not want it any more.
pub(crate) async fn remove(db: &mut AnyConnection, package_id: &str, token_id: &str) -> Result<()> {
    query("DELETE FROM package_tokens WHERE package_id = $1 AND token_id = $2")
        .bind(package_id)
        .bind(token_id)
        .execute(db)
        .await?;
    Ok(())
}
