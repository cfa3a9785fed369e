//! Packages, with or without a release.

use serde_json::Value;
use slipway_contract::package::File;
use slipway_contract::{Digest, feed};
use slipway_database::columns::{FileColumns, Parsed, undecodable};
use sqlx::{AnyConnection, FromRow, Result, query, query_as};

use crate::rules::delivery::{Delivered, Identity};
use crate::rules::publishing;

#[derive(Clone, Debug, FromRow)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) app: String,
    pub(crate) release_id: Option<String>,
    #[sqlx(flatten, try_from = "FileColumns")]
    pub(crate) file: File,
    blocks: Option<Parsed<Digest>>,
    facts: String,
    pub(crate) signature: Option<String>,
    /// The signature with which a download instance has proven to serve it.
    proven: Option<String>,
}

/// `SELECT` of what is read, with what follows the table.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, app, release_id, filename, sha256, blocks, size, kind, platform, arch, facts, signature, proven
             FROM packages ",
            $rest
        )
    };
}

impl Package {
    /// What it has of what it needs before users get it.
    pub(crate) fn proof(&self) -> publishing::Package<'_> {
        publishing::Package {
            signature: self.signature.as_deref(),
            proven: self.proven.as_deref(),
        }
    }

    /// What inspection read.
    pub(crate) fn facts(&self) -> Result<Value> {
        serde_json::from_str(&self.facts).map_err(undecodable)
    }

    /// What makes it the one that it is.
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity {
            app: &self.app,
            file: &self.file,
            blocks: self.blocks(),
        }
    }

    /// Of the list of its blocks; `None` until upload has made one.
    pub(crate) fn blocks(&self) -> Option<Digest> {
        self.blocks.map(|Parsed(digest)| digest)
    }

    pub(crate) fn into_change(self) -> Result<feed::Package> {
        Ok(feed::Package {
            facts: self.facts()?,
            blocks: self.blocks(),
            file: self.file,
            signature: self.signature.unwrap_or_default(),
            id: self.id,
        })
    }
}

pub(crate) async fn insert(
    db: &mut AnyConnection,
    delivery: &Delivered,
    release_id: Option<&str>,
    now: i64,
) -> Result<()> {
    let file = &delivery.file;
    query(
        "INSERT INTO packages (id, app, release_id, filename, sha256, size, kind, platform, arch, facts, created_at, blocks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&delivery.id)
    .bind(delivery.app.as_str())
    .bind(release_id)
    .bind(file.filename.as_str())
    .bind(file.sha256.as_hex())
    .bind(file.size)
    .bind(file.kind.as_str())
    .bind(file.platform.as_str())
    .bind(file.arch.as_str())
    .bind(&delivery.facts)
    .bind(now)
    .bind(delivery.blocks.map(|blocks| blocks.as_hex()))
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn by_id(db: &mut AnyConnection, id: &str) -> Result<Option<Package>> {
    query_as(select!("WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await
}

pub(crate) async fn of_release(db: &mut AnyConnection, release_id: &str) -> Result<Vec<Package>> {
    query_as(select!("WHERE release_id = $1 ORDER BY filename"))
        .bind(release_id)
        .fetch_all(db)
        .await
}

/// The packages of an app that are in no release.
pub(crate) async fn on_their_own(db: &mut AnyConnection, app: &str) -> Result<Vec<Package>> {
    query_as(select!("WHERE app = $1 AND release_id IS NULL ORDER BY id"))
        .bind(app)
        .fetch_all(db)
        .await
}

/// Every package of these bytes.
pub(crate) async fn of_bytes(db: &mut AnyConnection, sha256: &Digest) -> Result<Vec<Package>> {
    query_as(select!("WHERE sha256 = $1 ORDER BY id"))
        .bind(sha256.as_hex())
        .fetch_all(db)
        .await
}

/// Gives a package its list of blocks, if it has none.
pub(crate) async fn set_blocks(db: &mut AnyConnection, id: &str, blocks: &Digest) -> Result<()> {
    query("UPDATE packages SET blocks = $2 WHERE id = $1 AND blocks IS NULL")
        .bind(id)
        .bind(blocks.as_hex())
        .execute(db)
        .await?;
    Ok(())
}

/// Gives a package on its own to a release; `false` when another has it.
pub(crate) async fn assign(db: &mut AnyConnection, id: &str, release_id: &str) -> Result<bool> {
    let done = query("UPDATE packages SET release_id = $2 WHERE id = $1 AND release_id IS NULL")
        .bind(id)
        .bind(release_id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the gate has proven a package as it is here.
pub(crate) async fn set_proven(db: &mut AnyConnection, package: &Package) -> Result<()> {
    query("UPDATE packages SET proven = $2 WHERE id = $1")
        .bind(&package.id)
        .bind(&package.signature)
        .execute(db)
        .await?;
    Ok(())
}

/// Makes a package of a draft one on its own.
pub(crate) async fn leave_out(db: &mut AnyConnection, id: &str) -> Result<()> {
    query("UPDATE packages SET release_id = NULL WHERE id = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes a package and what is kept of it.
pub(crate) async fn remove(db: &mut AnyConnection, id: &str) -> Result<()> {
    for sql in [
        "DELETE FROM wishes WHERE package_id = $1",
        "DELETE FROM package_tokens WHERE package_id = $1",
        "DELETE FROM package_identities WHERE package_id = $1",
        "DELETE FROM package_warnings WHERE package_id = $1",
        "DELETE FROM packages WHERE id = $1",
    ] {
        query(sql).bind(id).execute(&mut *db).await?;
    }
    Ok(())
}

/// Forgets the signatures of a release that failed, so that a bad one is asked for anew, and what was proven with them.
pub(crate) async fn forget_signatures(db: &mut AnyConnection, release_id: &str) -> Result<()> {
    query("UPDATE packages SET signature = NULL, proven = NULL WHERE release_id = $1")
        .bind(release_id)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn set_signature(db: &mut AnyConnection, id: &str, signature: &str) -> Result<()> {
    query("UPDATE packages SET signature = $2 WHERE id = $1")
        .bind(id)
        .bind(signature)
        .execute(db)
        .await?;
    Ok(())
}
