//! What apps hold, and what they may.

use slipway_contract::quota::{Quota, Used};
use sqlx::{AnyConnection, Result, query, query_scalar};

/// What an app holds; equal bytes count once.
pub(crate) async fn used(db: &mut AnyConnection, app: &str) -> Result<Used> {
    let mut counts = [0; 3];
    for (count, sql) in counts.iter_mut().zip([
        "SELECT cast(coalesce(sum(size), 0) AS bigint) FROM (
             SELECT DISTINCT sha256, size FROM packages WHERE app = $1) AS files",
        "SELECT count(*) FROM releases WHERE app = $1 AND state NOT IN ('draft', 'deleted')",
        "SELECT count(*) FROM releases WHERE app = $1 AND state = 'draft'",
    ]) {
        *count = query_scalar(sql).bind(app).fetch_one(&mut *db).await?;
    }
    let [bytes, releases, drafts] = counts;
    Ok(Used {
        bytes,
        releases,
        drafts,
    })
}

/// Bytes of drafts and packages on their own that are in no release; of one app, or of all when it is empty.
pub(crate) async fn unreleased(db: &mut AnyConnection, app: &str) -> Result<i64> {
    query_scalar(
        "SELECT cast(coalesce(sum(size), 0) AS bigint) FROM (
             SELECT DISTINCT p.sha256, p.size FROM packages p
             WHERE ($1 = '' OR p.app = $1) AND NOT EXISTS (
                 SELECT 1 FROM packages o JOIN releases r ON r.id = o.release_id
                 WHERE o.sha256 = p.sha256 AND r.state <> 'draft')) AS files",
    )
    .bind(app)
    .fetch_one(db)
    .await
}

/// Bytes of all packages; of one app, or of all when it is empty.
pub(crate) async fn bytes(db: &mut AnyConnection, app: &str) -> Result<i64> {
    query_scalar(
        "SELECT cast(coalesce(sum(size), 0) AS bigint) FROM (
             SELECT DISTINCT sha256, size FROM packages WHERE $1 = '' OR app = $1) AS files",
    )
    .bind(app)
    .fetch_one(db)
    .await
}

/// What the settings said when followers were last told.
pub(crate) async fn told(db: &mut AnyConnection) -> anyhow::Result<Option<Quota>> {
    let told: Option<String> = query_scalar("SELECT quota FROM quota_defaults WHERE id = 1")
        .fetch_optional(db)
        .await?;
    Ok(told.map(|told| serde_json::from_str(&told)).transpose()?)
}

pub(crate) async fn tell(db: &mut AnyConnection, quota: Quota) -> anyhow::Result<()> {
    query(
        "INSERT INTO quota_defaults (id, quota) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET quota = excluded.quota",
    )
    .bind(serde_json::to_string(&quota)?)
    .execute(db)
    .await?;
    Ok(())
}
