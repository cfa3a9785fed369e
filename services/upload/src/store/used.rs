//! What an app holds.

use slipway_contract::Digest;
use slipway_contract::quota::{Quota, Used};
use sqlx::{AnyConnection, Result, query, query_scalar};

/// What an app holds as this service knows it: its packages, those too that the catalog has not been told of. Only what
/// `quota` limits is counted, the rest is 0.
pub(crate) async fn by_app(db: &mut AnyConnection, app: &str, quota: &Quota) -> Result<Used> {
    let bytes = "SELECT cast(coalesce(sum(size), 0) AS bigint) FROM (
         SELECT DISTINCT sha256, size FROM packages WHERE app = $1 AND state NOT IN ('refused', 'removed')) AS files";
    // Those that the catalog has, and those that it is going to be asked for.
    let releases = "SELECT count(*) FROM (
         SELECT version_key FROM copy_releases WHERE app = $1 AND deleted = 0
         UNION SELECT p.version_key FROM packages p JOIN outbox o ON o.package_id = p.id
             WHERE p.app = $1 AND p.version IS NOT NULL AND o.channel IS NOT NULL
                 AND p.version_key NOT LIKE 'replaced:%') AS versions";
    // The feed tells of releases alone.
    let drafts = "SELECT count(DISTINCT p.version_key) FROM packages p
         WHERE p.app = $1 AND p.version IS NOT NULL AND p.state IN ('stored', 'delivered')
             AND p.version_key NOT LIKE 'replaced:%'
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.package_id = p.id AND o.channel IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM copy_releases r WHERE r.app = p.app AND r.version_key = p.version_key)";
    let mut used = Used::default();
    for (limit, count, sql) in [
        (quota.bytes, &mut used.bytes, bytes),
        (quota.releases, &mut used.releases, releases),
        (quota.drafts, &mut used.drafts, drafts),
    ] {
        if limit.is_some() {
            *count = query_scalar(sql).bind(app).fetch_one(&mut *db).await?;
        }
    }
    Ok(used)
}

/// Bytes of the app's open uploads in pieces, those to come too.
pub(crate) async fn by_sessions(db: &mut AnyConnection, app: &str, now: i64) -> Result<i64> {
    query_scalar(
        "SELECT cast(coalesce(sum(size), 0) AS bigint) FROM sessions
         WHERE app = $1 AND package_id IS NULL AND expires_at > $2",
    )
    .bind(app)
    .bind(now)
    .fetch_one(db)
    .await
}

/// Keeps every other package of the app from being taken in until the transaction ends. In a table of its own: rows that
/// others lock too, in another order, would let the two wait for each other.
pub(crate) async fn lock(db: &mut AnyConnection, app: &str) -> Result<()> {
    query("INSERT INTO quota_locks (app) VALUES ($1) ON CONFLICT (app) DO UPDATE SET app = excluded.app")
        .bind(app)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether the app has these bytes, or, as long as nobody knows which they are, some of about this size.
pub(crate) async fn may_have(
    db: &mut AnyConnection,
    app: &str,
    digest: Option<&Digest>,
    (least, most): (i64, i64),
) -> Result<bool> {
    let found: Option<String> = query_scalar(
        "SELECT id FROM packages WHERE app = $1 AND state NOT IN ('refused', 'removed')
             AND size >= $2 AND size <= $4 AND ($3 = '' OR sha256 = $3) LIMIT 1",
    )
    .bind(app)
    .bind(least)
    .bind(digest.map(Digest::as_hex).unwrap_or_default())
    .bind(most)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Whether some package of the app has the version, in a draft or in a release.
pub(crate) async fn has_version(
    db: &mut AnyConnection,
    app: &str,
    version_key: &str,
) -> Result<bool> {
    let found: Option<String> = query_scalar(
        "SELECT version_key FROM packages WHERE app = $1 AND version_key = $2 AND state IN ('stored', 'delivered')
         UNION SELECT version_key FROM copy_releases WHERE app = $1 AND version_key = $2 LIMIT 1",
    )
    .bind(app)
    .bind(version_key)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// The digests of packages that are refused or removed, whose bytes nobody else of ours refers to: the sweep takes them,
/// if they are still there.
pub(crate) async fn ended(db: &mut AnyConnection) -> Result<Vec<String>> {
    query_scalar(
        "SELECT DISTINCT sha256 FROM packages p WHERE state IN ('refused', 'removed')
             AND NOT EXISTS (SELECT 1 FROM packages o
                 WHERE o.sha256 = p.sha256 AND o.state NOT IN ('refused', 'removed'))
             AND NOT EXISTS (SELECT 1 FROM copy_packages c WHERE c.sha256 = p.sha256 AND c.gone = 0)",
    )
    .fetch_all(db)
    .await
}
