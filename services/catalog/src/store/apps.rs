//! Apps and their public keys.

use slipway_contract::quota::Quota;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result, query, query_as, query_scalar};

use super::like::Like;

#[derive(Clone, Debug, FromRow)]
pub(crate) struct App {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) key_id: Option<String>,
    pub(crate) public_key: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) deleted_at: Option<i64>,
    quota_bytes: Option<i64>,
    quota_releases: Option<i64>,
    quota_drafts: Option<i64>,
}

impl App {
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// The limits that it has in place of those of the settings.
    pub(crate) fn quota(&self) -> Quota {
        Quota {
            bytes: self.quota_bytes,
            releases: self.quota_releases,
            drafts: self.quota_drafts,
        }
    }
}

const COLUMNS: &str = "slug, name, key_id, public_key, created_at, deleted_at, quota_bytes, quota_releases, quota_drafts";

/// Adds an app; `false` when the slug is taken.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    slug: &str,
    name: &str,
    now: i64,
) -> Result<bool> {
    let seq = super::feed::next(db).await?;
    let done = query(
        "INSERT INTO apps (slug, name, created_at, seq) VALUES ($1, $2, $3, $4) ON CONFLICT (slug) DO NOTHING",
    )
    .bind(slug)
    .bind(name)
    .bind(now)
    .bind(seq)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn get(db: &mut AnyConnection, slug: &str) -> Result<Option<App>> {
    let sql = format!("SELECT {COLUMNS} FROM apps WHERE slug = $1");
    query_as(AssertSqlSafe(sql))
        .bind(slug)
        .fetch_optional(db)
        .await
}

/// Apps in the order of their slugs, those after `after`; `only` is the one app of a token, `like` what is searched
/// for in slug and name.
pub(crate) async fn list(
    db: &mut AnyConnection,
    after: &str,
    (only, like): (Option<&str>, &Like),
    limit: i64,
) -> Result<Vec<App>> {
    query_as(AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM apps
         WHERE slug > $1 AND ($2 = '' OR slug = $2) AND deleted_at IS NULL
             AND (slug LIKE $5 ESCAPE '!' OR name LIKE $4 ESCAPE '!' OR lower(name) LIKE $5 ESCAPE '!')
         ORDER BY slug LIMIT $3"
    )))
    .bind(after)
    .bind(only.unwrap_or_default())
    .bind(limit)
    .bind(&like.exact)
    .bind(&like.lower)
    .fetch_all(db)
    .await
}

/// Notes that an app was deleted; the number of the change.
pub(crate) async fn bury(db: &mut AnyConnection, slug: &str, now: i64) -> Result<i64> {
    query("UPDATE apps SET deleted_at = $2 WHERE slug = $1 AND deleted_at IS NULL")
        .bind(slug)
        .bind(now)
        .execute(&mut *db)
        .await?;
    touch(db, slug).await
}

/// The slugs of all apps that are there.
pub(crate) async fn slugs(db: &mut AnyConnection) -> Result<Vec<String>> {
    query_scalar("SELECT slug FROM apps WHERE deleted_at IS NULL ORDER BY slug")
        .fetch_all(db)
        .await
}

/// Gives an app limits of its own; the number of the change.
pub(crate) async fn limit(db: &mut AnyConnection, slug: &str, quota: Quota) -> Result<i64> {
    query(
        "UPDATE apps SET quota_bytes = $2, quota_releases = $3, quota_drafts = $4 WHERE slug = $1",
    )
    .bind(slug)
    .bind(quota.bytes)
    .bind(quota.releases)
    .bind(quota.drafts)
    .execute(&mut *db)
    .await?;
    touch(db, slug).await
}

/// Gives an app another name; the number of the change.
pub(crate) async fn rename(db: &mut AnyConnection, slug: &str, name: &str) -> Result<i64> {
    query("UPDATE apps SET name = $2 WHERE slug = $1")
        .bind(slug)
        .bind(name)
        .execute(&mut *db)
        .await?;
    touch(db, slug).await
}

/// Puts an app into the feed as it is now.
pub(crate) async fn touch(db: &mut AnyConnection, slug: &str) -> Result<i64> {
    let seq = super::feed::next(db).await?;
    query("UPDATE apps SET seq = $2 WHERE slug = $1")
        .bind(slug)
        .bind(seq)
        .execute(db)
        .await?;
    Ok(seq)
}

/// Keeps the public half of the app's key.
pub(crate) async fn set_key(
    db: &mut AnyConnection,
    slug: &str,
    key_id: &str,
    public_key: &str,
) -> Result<()> {
    let seq = super::feed::next(db).await?;
    query("UPDATE apps SET key_id = $2, public_key = $3, seq = $4 WHERE slug = $1")
        .bind(slug)
        .bind(key_id)
        .bind(public_key)
        .bind(seq)
        .execute(db)
        .await?;
    Ok(())
}
