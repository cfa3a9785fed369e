//! What the catalog says of apps, tokens and releases.

use std::collections::BTreeMap;

use slipway_contract::feed::{App, PackageRow};
use slipway_contract::grant::Grant;
use slipway_contract::quota::Quota;
use slipway_contract::{Digest, FileName, Version, Word};
use slipway_database::version_keys;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use super::{Range, json};

/// A version that the catalog has a release of.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) version: Word<Version>,
    /// The digest of each file.
    pub(crate) files: BTreeMap<FileName, Digest>,
    /// Nothing may be added any more.
    pub(crate) closed: bool,
    /// It was deleted, and its version stays taken.
    pub(crate) deleted: bool,
}

#[derive(FromRow)]
struct ReleaseRow {
    app: String,
    #[sqlx(try_from = "String")]
    version: Word<Version>,
    files: String,
    closed: i64,
    deleted: i64,
}

impl ReleaseRow {
    /// A row that cannot be read is an error: taken for one without files it would let others' names in.
    fn into_release(self) -> Result<Release> {
        Ok(Release {
            files: json::read(&self.files)?,
            version: self.version,
            closed: self.closed != 0,
            deleted: self.deleted != 0,
        })
    }
}

/// Removes all rows, for those of another epoch.
pub(crate) async fn clear(db: &mut AnyConnection) -> Result<()> {
    for table in [
        "DELETE FROM copy_apps",
        "DELETE FROM copy_tokens",
        "DELETE FROM copy_releases",
        "DELETE FROM copy_packages",
    ] {
        query(table).execute(&mut *db).await?;
    }
    Ok(())
}

pub(crate) async fn put_app(db: &mut AnyConnection, app: &App, seq: i64) -> Result<()> {
    let quota = if app.quota.is_none() {
        String::new()
    } else {
        json::write(&app.quota)?
    };
    query(
        "INSERT INTO copy_apps (slug, seq, deleted, quota) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slug) DO UPDATE SET seq = excluded.seq, deleted = excluded.deleted, quota = excluded.quota
         WHERE excluded.seq > copy_apps.seq",
    )
    .bind(&app.slug)
    .bind(seq)
    .bind(i64::from(app.deleted))
    .bind(quota)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether an app was deleted; `None` when there is none.
pub(crate) async fn is_deleted(db: &mut AnyConnection, slug: &str) -> Result<Option<bool>> {
    let found: Option<i64> = query_scalar("SELECT deleted FROM copy_apps WHERE slug = $1")
        .bind(slug)
        .fetch_optional(db)
        .await?;
    Ok(found.map(|deleted| deleted != 0))
}

/// What an app may hold.
pub(crate) async fn quota(db: &mut AnyConnection, slug: &str) -> Result<Quota> {
    let quota: Option<String> = query_scalar("SELECT quota FROM copy_apps WHERE slug = $1")
        .bind(slug)
        .fetch_optional(db)
        .await?;
    match quota.filter(|quota| !quota.is_empty()) {
        None => Ok(Quota::default()),
        Some(quota) => json::read(&quota),
    }
}

pub(crate) async fn deleted_apps(db: &mut AnyConnection) -> Result<Vec<String>> {
    query_scalar("SELECT slug FROM copy_apps WHERE deleted = 1")
        .fetch_all(db)
        .await
}

pub(crate) async fn put_token(
    db: &mut AnyConnection,
    hash: &str,
    grant: &Grant,
    seq: i64,
) -> Result<()> {
    query(
        "INSERT INTO copy_tokens (hash, permits, seq) VALUES ($1, $2, $3)
         ON CONFLICT (hash) DO UPDATE SET permits = excluded.permits, seq = excluded.seq
         WHERE excluded.seq > copy_tokens.seq",
    )
    .bind(hash)
    .bind(json::write(grant)?)
    .bind(seq)
    .execute(db)
    .await?;
    Ok(())
}

/// Every token's hash, and what it permits, JSON.
pub(crate) async fn tokens(db: &mut AnyConnection) -> Result<Vec<(String, String)>> {
    query_as("SELECT hash, permits FROM copy_tokens")
        .fetch_all(db)
        .await
}

/// What a token permits.
pub(crate) async fn token(db: &mut AnyConnection, hash: &str) -> Result<Option<Grant>> {
    let permits: Option<String> = query_scalar("SELECT permits FROM copy_tokens WHERE hash = $1")
        .bind(hash)
        .fetch_optional(db)
        .await?;
    permits.as_deref().map(json::read).transpose()
}

pub(crate) async fn put_release(
    db: &mut AnyConnection,
    (app, version_key): (&str, &str),
    release: &Release,
    seq: i64,
) -> Result<()> {
    query(
        "INSERT INTO copy_releases (app, version_key, version, files, closed, seq, deleted)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (app, version_key) DO UPDATE SET version = excluded.version, files = excluded.files,
             closed = excluded.closed, seq = excluded.seq, deleted = excluded.deleted
         WHERE excluded.seq > copy_releases.seq",
    )
    .bind(app)
    .bind(version_key)
    .bind(release.version.as_str())
    .bind(json::write(&release.files)?)
    .bind(i64::from(release.closed))
    .bind(seq)
    .bind(i64::from(release.deleted))
    .execute(db)
    .await?;
    Ok(())
}

/// Whether no key lacks its build, as those that 0.3.0 and earlier write.
pub(crate) async fn keys_are_complete(db: &mut AnyConnection) -> Result<bool> {
    version_keys::are_complete(db, "copy_releases").await
}

/// Completes the keys that lack their build. Of two rows of a version, one of which an earlier version of this service
/// has written, the newer stays.
pub(crate) async fn complete_keys(db: &mut AnyConnection) -> Result<()> {
    for found in version_keys::incomplete(db, "copy_releases").await? {
        let Some(key) = Version::complete_key(&found.version, &found.version_key) else {
            continue;
        };
        for sql in [
            "DELETE FROM copy_releases WHERE version_key = $3 AND EXISTS (
                 SELECT 1 FROM copy_releases newer WHERE newer.app = copy_releases.app AND newer.version = $1
                     AND newer.version_key = $2 AND newer.seq > copy_releases.seq)",
            "DELETE FROM copy_releases WHERE version = $1 AND version_key = $2 AND EXISTS (
                 SELECT 1 FROM copy_releases there WHERE there.app = copy_releases.app AND there.version_key = $3)",
            "UPDATE copy_releases SET version_key = $3 WHERE version = $1 AND version_key = $2",
        ] {
            query(sql)
                .bind(&found.version)
                .bind(&found.version_key)
                .bind(&key)
                .execute(&mut *db)
                .await?;
        }
    }
    Ok(())
}

pub(crate) async fn release(
    db: &mut AnyConnection,
    app: &str,
    version_key: &str,
) -> Result<Option<Release>> {
    let row: Option<ReleaseRow> = query_as(
        "SELECT app, version, files, closed, deleted FROM copy_releases WHERE app = $1 AND version_key = $2",
    )
    .bind(app)
    .bind(version_key)
    .fetch_optional(db)
    .await?;
    row.map(ReleaseRow::into_release).transpose()
}

/// Writes what the catalog has of a package, unless what is there is as new; `false` then.
pub(crate) async fn put_package(
    db: &mut AnyConnection,
    package: &PackageRow,
    seq: i64,
) -> Result<bool> {
    let done = query(
        "INSERT INTO copy_packages (id, app, sha256, gone, seq) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET app = excluded.app, sha256 = excluded.sha256, gone = excluded.gone,
             seq = excluded.seq
         WHERE excluded.seq > copy_packages.seq",
    )
    .bind(&package.id)
    .bind(&package.app)
    .bind(&package.sha256)
    .bind(i64::from(package.gone))
    .bind(seq)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the catalog has said that a package of the app is gone.
pub(crate) async fn is_gone(db: &mut AnyConnection, app: &str, id: &str) -> Result<bool> {
    let gone: Option<i64> =
        query_scalar("SELECT gone FROM copy_packages WHERE id = $1 AND app = $2")
            .bind(id)
            .bind(app)
            .fetch_optional(db)
            .await?;
    Ok(gone.is_some_and(|gone| gone != 0))
}

/// Every release with its app.
pub(crate) async fn releases(db: &mut AnyConnection) -> Result<Vec<(String, Release)>> {
    let rows: Vec<ReleaseRow> =
        query_as("SELECT app, version, files, closed, deleted FROM copy_releases")
            .fetch_all(db)
            .await?;
    let releases = rows.into_iter();
    releases
        .map(|row| Ok((row.app.clone(), row.into_release()?)))
        .collect()
}

/// The digests of the files of all releases, as far as they begin with `digits`. A row that cannot be read is an error:
/// nobody may take it for one without files.
pub(crate) async fn files(db: &mut AnyConnection, digits: &str) -> Result<Vec<String>> {
    let rows: Vec<String> = query_scalar("SELECT files FROM copy_releases WHERE files LIKE $1")
        .bind(format!("%\"{digits}%"))
        .fetch_all(db)
        .await?;
    let mut digests = Vec::new();
    for row in rows {
        let files: BTreeMap<FileName, Digest> = json::read(&row)?;
        let all = files.values().map(Digest::as_hex);
        digests.extend(all.filter(|digest| digest.starts_with(digits)));
    }
    Ok(digests)
}

/// The digests in `digests` of packages that the catalog has.
pub(crate) async fn packages(db: &mut AnyConnection, digests: &Range) -> Result<Vec<String>> {
    query_scalar("SELECT sha256 FROM copy_packages WHERE sha256 >= $1 AND sha256 < $2 AND gone = 0")
        .bind(&digests.start)
        .bind(&digests.end)
        .fetch_all(db)
        .await
}
