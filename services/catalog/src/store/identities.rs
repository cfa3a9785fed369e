//! What the packages of an app say of themselves, for comparing a new one with those before.

use serde_json::Value;
use sqlx::{AnyConnection, Error, Result, query, query_as, query_scalar};

use super::packages::Package;
use crate::rules::history::{Comparable, Earlier};

/// Packages of an earlier version whose facts are read at once: an icon may be in them.
const AT_ONCE: i64 = 100;

/// Filename, version, identifier, version code, signer, and 1 when its release was begun to be published.
type Row = (
    String,
    Option<String>,
    String,
    Option<i64>,
    Option<String>,
    i64,
);

fn earlier((filename, version, identifier, version_code, signer_sha256, released): Row) -> Earlier {
    Earlier {
        filename,
        version,
        identifier,
        version_code,
        signer_sha256,
        is_released: released != 0,
    }
}

pub(crate) async fn insert(db: &mut AnyConnection, package: &Package) -> Result<()> {
    let facts = package.facts()?;
    write(db, (&package.id, &package.app), &facts).await
}

async fn write(db: &mut AnyConnection, (id, app): (&str, &str), facts: &Value) -> Result<()> {
    query(
        "INSERT INTO package_identities (package_id, app, identifier, version_code, signer_sha256)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (package_id) DO NOTHING",
    )
    .bind(id)
    .bind(app)
    .bind(facts["identifier"].as_str())
    .bind(facts["version_code"].as_i64())
    .bind(facts["signer_sha256"].as_str())
    .execute(db)
    .await?;
    Ok(())
}

/// Reads the packages of an app that an earlier version took, before this one or beside it.
pub(crate) async fn complete(db: &mut AnyConnection, app: &str) -> Result<()> {
    loop {
        let rows: Vec<(String, String)> = query_as(
            "SELECT id, facts FROM packages WHERE app = $1
                 AND NOT EXISTS (SELECT 1 FROM package_identities i WHERE i.package_id = packages.id)
             LIMIT $2",
        )
        .bind(app)
        .bind(AT_ONCE)
        .fetch_all(&mut *db)
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for (id, facts) in rows {
            let facts =
                serde_json::from_str(&facts).map_err(|error| Error::Decode(error.into()))?;
            write(db, (&id, app), &facts).await?;
        }
    }
}

/// The package to compare with: of a release that was begun to be published, if there is one, else one that came before;
/// of those of the closest lower version, else of the closest higher one.
pub(crate) async fn closest(
    db: &mut AnyConnection,
    package: &Package,
    comparable: Comparable<'_>,
) -> Result<Option<Earlier>> {
    let row = query_as(
        "SELECT p.filename, r.version, i.identifier, i.version_code, i.signer_sha256,
             cast(CASE WHEN r.state IN ('signing', 'verifying', 'published', 'yanked') THEN 1 ELSE 0 END AS bigint)
                 AS is_released
         FROM package_identities i JOIN packages p ON p.id = i.package_id LEFT JOIN releases r ON r.id = p.release_id
             LEFT JOIN releases own ON own.id = $4
         WHERE i.app = $1 AND p.platform = $2 AND p.id <> $3 AND (r.id IS NULL OR own.id IS NULL OR r.id <> own.id)
             AND (r.state IN ('signing', 'verifying', 'published', 'yanked') OR ($7 = 0 AND p.id < $3))
             AND i.identifier IS NOT NULL AND ($5 = '' OR i.identifier = $5) AND ($6 = '' OR p.kind = $6)
         ORDER BY CASE WHEN r.state IN ('signing', 'verifying', 'published', 'yanked') THEN 0 ELSE 1 END,
             CASE WHEN r.version_key > own.version_key THEN 1 ELSE 0 END,
             CASE WHEN r.version_key > own.version_key THEN r.version_key ELSE '' END,
             coalesce(r.version_key, '') DESC, p.id DESC
         LIMIT 1",
    )
    .bind(&package.app)
    .bind(package.file.platform.as_str())
    .bind(&package.id)
    .bind(package.release_id.as_deref().unwrap_or_default())
    .bind(comparable.identifier)
    .bind(comparable.kind)
    .bind(i64::from(comparable.released))
    .fetch_optional(db)
    .await?;
    Ok(row.map(earlier))
}

/// A package of a lower version for the same architecture whose version code is not below that of `package`. The same bytes, sent before on their
/// own, are no other package.
pub(crate) async fn not_below(
    db: &mut AnyConnection,
    package: &Package,
    comparable: Comparable<'_>,
    code: i64,
) -> Result<Option<Earlier>> {
    let row = query_as(
        "SELECT p.filename, r.version, i.identifier, i.version_code, i.signer_sha256,
             cast(CASE WHEN r.state IN ('signing', 'verifying', 'published', 'yanked') THEN 1 ELSE 0 END AS bigint)
                 AS is_released
         FROM package_identities i JOIN packages p ON p.id = i.package_id LEFT JOIN releases r ON r.id = p.release_id
             LEFT JOIN releases own ON own.id = $4
         WHERE i.app = $1 AND p.platform = $2 AND p.id <> $3 AND (r.id IS NULL OR own.id IS NULL OR r.id <> own.id)
             AND (r.state IN ('signing', 'verifying', 'published', 'yanked') OR ($8 = 0 AND p.id < $3 AND p.sha256 <> $9))
             AND i.identifier = $5 AND p.arch = $6 AND i.version_code >= $7
             AND (own.version_key IS NULL OR r.version_key IS NULL OR r.version_key < own.version_key)
         ORDER BY i.version_code DESC, p.id DESC
         LIMIT 1",
    )
    .bind(&package.app)
    .bind(package.file.platform.as_str())
    .bind(&package.id)
    .bind(package.release_id.as_deref().unwrap_or_default())
    .bind(comparable.identifier)
    .bind(package.file.arch.as_str())
    .bind(code)
    .bind(i64::from(comparable.released))
    .bind(package.file.sha256.as_hex())
    .fetch_optional(db)
    .await?;
    Ok(row.map(earlier))
}

/// What is odd about a package beside those before it, and in its release.
pub(crate) async fn warnings(db: &mut AnyConnection, package_id: &str) -> Result<Vec<String>> {
    let text: Option<String> =
        query_scalar("SELECT warnings FROM package_warnings WHERE package_id = $1")
            .bind(package_id)
            .fetch_optional(db)
            .await?;
    match text {
        Some(text) => serde_json::from_str(&text).map_err(|error| Error::Decode(error.into())),
        None => Ok(Vec::new()),
    }
}

pub(crate) async fn set_warnings(
    db: &mut AnyConnection,
    package_id: &str,
    warnings: &[String],
) -> Result<()> {
    if warnings.is_empty() {
        query("DELETE FROM package_warnings WHERE package_id = $1")
            .bind(package_id)
            .execute(db)
            .await?;
        return Ok(());
    }
    query(
        "INSERT INTO package_warnings (package_id, warnings) VALUES ($1, $2)
         ON CONFLICT (package_id) DO UPDATE SET warnings = excluded.warnings",
    )
    .bind(package_id)
    .bind(Value::from(warnings).to_string())
    .execute(db)
    .await?;
    Ok(())
}
