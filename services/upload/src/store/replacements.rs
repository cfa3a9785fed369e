//! Packages in whose place another was put, until the catalog has that one or has refused it.

use sqlx::{AnyConnection, Result, query, query_scalar};

/// Takes the place of `there` away from it; `false` when another was faster.
pub(crate) async fn vacate(db: &mut AnyConnection, there: &str, version_key: &str) -> Result<bool> {
    let done = query(
        "UPDATE packages SET version_key = 'replaced:' || id WHERE id = $1 AND version_key = $2",
    )
    .bind(there)
    .bind(version_key)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that `package` has the place of `there`, and so of those whose place that had, as far as the catalog was not told
/// of them: each of them may come to it later.
pub(crate) async fn insert(db: &mut AnyConnection, package: &str, there: &str) -> Result<()> {
    query(
        "INSERT INTO replacements (package_id, replaced)
         SELECT $1, $2
         UNION SELECT $1, r.replaced FROM replacements r JOIN packages p ON p.id = r.replaced
         WHERE r.package_id = $2 AND p.state = 'stored'",
    )
    .bind(package)
    .bind(there)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn of_package(db: &mut AnyConnection, package: &str) -> Result<Vec<String>> {
    query_scalar("SELECT replaced FROM replacements WHERE package_id = $1 ORDER BY replaced")
        .bind(package)
        .fetch_all(db)
        .await
}

/// Gives the newest of them the place of a package that was refused, unless somebody has it.
pub(crate) async fn give_back(db: &mut AnyConnection, package: &str) -> Result<()> {
    query(
        "UPDATE packages SET version_key = (SELECT p.version_key FROM packages p WHERE p.id = $1)
         WHERE state <> 'refused'
           AND id = (SELECT max(r.replaced) FROM replacements r WHERE r.package_id = $1)
           AND version_key = 'replaced:' || id
           AND (SELECT p.state FROM packages p WHERE p.id = $1) = 'refused'
           AND NOT EXISTS (
               SELECT o.id FROM packages o JOIN packages p ON p.id = $1
               WHERE o.app = p.app AND o.version_key = p.version_key AND o.filename = p.filename AND o.state <> 'refused')",
    )
    .bind(package)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut AnyConnection, package: &str) -> Result<()> {
    query("DELETE FROM replacements WHERE package_id = $1")
        .bind(package)
        .execute(db)
        .await?;
    Ok(())
}
