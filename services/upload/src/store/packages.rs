//! Packages that are stored, and what the catalog said of them.

use serde_json::{Map, Value};
use slipway_contract::package::File;
use slipway_contract::{Code, Digest, Slug, Version, Word, internal, public};
use slipway_database::columns::{FileColumns, Parsed};
use slipway_database::version_keys;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use super::intents::Intent;
use super::json::{self, Document};
use super::outbox::Entry;
use super::state::State;
use super::{Range, replacements};

#[derive(Clone, Debug, FromRow)]
pub(crate) struct Package {
    pub(crate) id: String,
    #[sqlx(try_from = "String")]
    pub(crate) app: Slug,
    #[sqlx(flatten, try_from = "FileColumns")]
    pub(crate) file: File,
    pub(crate) version: Option<Parsed<Word<Version>>>,
    pub(crate) version_key: String,
    /// Of the list of its blocks; `None` until there is one and the catalog has it.
    pub(crate) blocks: Option<Parsed<Digest>>,
    /// What inspection read.
    #[sqlx(try_from = "String")]
    pub(crate) facts: Document,
    #[sqlx(try_from = "String")]
    pub(crate) state: State,
    pub(crate) known_as: Option<String>,
    pub(crate) refused_status: Option<i64>,
    pub(crate) refused_code: Option<Parsed<Word<Code>>>,
    pub(crate) refused_detail: Option<String>,
    /// The row of the outbox whose intent was refused; `None` when the package was.
    pub(crate) refused_entry: Option<String>,
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
    pub(crate) created_at: i64,
}

macro_rules! columns {
    () => {
        "id, app, filename, version, version_key, sha256, blocks, size, kind, platform, arch, facts, state, known_as,
         refused_status, refused_code, refused_detail, refused_entry, token_id, token_name, request_id, created_at"
    };
}

/// `SELECT` of them, with what follows the table.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM packages ", $rest)
    };
}
pub(super) use columns;

impl Package {
    /// What the catalog is told. `replaces` are those in whose place it was put; one that an earlier version took has no
    /// intent of its own, and makes its channel.
    pub(crate) fn delivery(
        self,
        entry: &Entry,
        intent: Option<Intent>,
        replaces: Vec<String>,
    ) -> internal::Delivery {
        internal::Delivery {
            facts: self.facts.0,
            id: self.id,
            app: self.app,
            file: self.file,
            blocks: self.blocks.map(|Parsed(digest)| digest),
            version: self.version.map(|Parsed(version)| version),
            channel: entry.channel.clone().map(Word::read),
            intent: entry.intent.clone(),
            token_id: self.token_id,
            token_name: self.token_name,
            requested_by: entry.token_id.clone().map(|token_id| internal::Requester {
                request_id: entry.request_id.clone().unwrap_or(self.request_id.clone()),
                token_id,
            }),
            request_id: self.request_id,
            acknowledged_at: entry.acknowledged_at,
            replaces,
            strict: intent.as_ref().is_some_and(|intent| intent.strict != 0),
            create_channel: intent
                .as_ref()
                .is_none_or(|intent| intent.create_channel != 0),
            notes: intent.as_ref().and_then(|intent| intent.notes.clone()),
            heard: intent.map(|intent| internal::Heard {
                epoch: intent.epoch,
                seq: intent.applied,
            }),
        }
    }
}

/// Inserts a row unless its version has a file of this name already; `false` then.
pub(crate) async fn insert(db: &mut AnyConnection, package: &Package) -> Result<bool> {
    let (file, version) = (&package.file, package.version.as_ref());
    let done = query(
        "INSERT INTO packages (id, app, filename, version, version_key, sha256, size, kind, platform, arch, facts,
             state, token_id, token_name, request_id, created_at, blocks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (app, version_key, filename) WHERE state <> 'refused' DO NOTHING",
    )
    .bind(&package.id)
    .bind(package.app.as_str())
    .bind(file.filename.as_str())
    .bind(version.map(|Parsed(version)| version.as_str()))
    .bind(&package.version_key)
    .bind(file.sha256.as_hex())
    .bind(file.size)
    .bind(file.kind.as_str())
    .bind(file.platform.as_str())
    .bind(file.arch.as_str())
    .bind(package.facts.0.to_string())
    .bind(package.state.as_str())
    .bind(&package.token_id)
    .bind(&package.token_name)
    .bind(&package.request_id)
    .bind(package.created_at)
    .bind(package.blocks.map(|Parsed(digest)| digest.as_hex()))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Completes the keys that lack the build of their version, as 0.3.0 and earlier write them. A row of such a version in
/// whose place there is one already names no place any more: the catalog judges its bytes.
pub(crate) async fn complete_keys(db: &mut AnyConnection) -> Result<()> {
    for found in version_keys::incomplete(db, "packages").await? {
        let Some(key) = Version::complete_key(&found.version, &found.version_key) else {
            continue;
        };
        for sql in [
            "UPDATE packages SET version_key = 'replaced:' || id
             WHERE version = $1 AND version_key = $2 AND state <> 'refused' AND EXISTS (
                 SELECT 1 FROM packages there WHERE there.app = packages.app AND there.version_key = $3
                     AND there.filename = packages.filename AND there.state <> 'refused')",
            "UPDATE packages SET version_key = $3 WHERE version = $1 AND version_key = $2",
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

/// The package that has this place.
pub(crate) async fn at_place(
    db: &mut AnyConnection,
    app: &str,
    version_key: &str,
    filename: &str,
) -> Result<Option<Package>> {
    query_as(select!(
        "WHERE app = $1 AND version_key = $2 AND filename = $3 AND state <> 'refused'"
    ))
    .bind(app)
    .bind(version_key)
    .bind(filename)
    .fetch_optional(db)
    .await
}

/// The names of the files that a version has.
pub(crate) async fn names_of_version(
    db: &mut AnyConnection,
    app: &str,
    version_key: &str,
) -> Result<Vec<String>> {
    query_scalar(
        "SELECT filename FROM packages WHERE app = $1 AND version_key = $2 AND state IN ('stored', 'delivered')",
    )
    .bind(app)
    .bind(version_key)
    .fetch_all(db)
    .await
}

pub(crate) async fn by_id(db: &mut AnyConnection, id: &str) -> Result<Option<Package>> {
    query_as(select!("WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await
}

/// Notes that the catalog has a package, and what it took the place of.
pub(crate) async fn deliver(db: &mut AnyConnection, id: &str, known_as: &str) -> Result<()> {
    query(
        "UPDATE packages SET state = 'delivered', known_as = $2 WHERE id = $1 AND state = 'stored'",
    )
    .bind(id)
    .bind(known_as)
    .execute(&mut *db)
    .await?;
    replacements::forget(db, id).await
}

/// Keeps what the catalog has found odd about a package beside the app's others, to tell it also while that is away.
pub(crate) async fn warn(
    db: &mut AnyConnection,
    package: &Package,
    warnings: &[String],
) -> Result<()> {
    let mut facts = package.facts.0.clone();
    let Some(there) = facts["warnings"].as_array_mut() else {
        return Ok(());
    };
    let before = there.len();
    for warning in warnings {
        let warning = Value::from(warning.as_str());
        if !there.contains(&warning) {
            there.push(warning);
        }
    }
    if there.len() == before {
        return Ok(());
    }
    query("UPDATE packages SET facts = $2 WHERE id = $1")
        .bind(&package.id)
        .bind(facts.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps the catalog's refusal, of the package or of the intent in `entry`. A package that it has already stays. What was to
/// be replaced by one that is not taken has its place again.
pub(crate) async fn refuse(
    db: &mut AnyConnection,
    id: &str,
    refusal: &public::Refusal,
    entry: Option<&str>,
) -> Result<()> {
    query(
        "UPDATE packages SET refused_status = $2, refused_code = $3, refused_detail = $4, refused_entry = $5,
             state = CASE WHEN state = 'stored' THEN 'refused' ELSE state END
         WHERE id = $1",
    )
    .bind(id)
    .bind(i64::from(refusal.status))
    .bind(refusal.code.as_str())
    .bind(&refusal.detail)
    .bind(entry)
    .execute(&mut *db)
    .await?;
    query(
        "INSERT INTO refusal_members (package_id, members) VALUES ($1, $2)
         ON CONFLICT (package_id) DO UPDATE SET members = excluded.members",
    )
    .bind(id)
    .bind(json::write(&refusal.members)?)
    .execute(&mut *db)
    .await?;
    replacements::give_back(db, id).await?;
    replacements::forget(db, id).await
}

/// What the refusal of a package names beside its words.
pub(crate) async fn refusal_members(
    db: &mut AnyConnection,
    id: &str,
) -> Result<Map<String, Value>> {
    let members: Option<String> =
        query_scalar("SELECT members FROM refusal_members WHERE package_id = $1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    let Some(members) = members else {
        return Ok(Map::new());
    };
    json::read(&members)
}

/// Removes a package that is gone at the catalog, under whatever id it has there, and what was still to be told of it.
/// The row leaves its place: `version_key` names none, because the index of places, by which an earlier version beside
/// us inserts, knows no removed ones.
pub(crate) async fn remove(db: &mut AnyConnection, id: &str) -> Result<()> {
    // The entries before the packages, as a delivery locks them.
    for sql in [
        "DELETE FROM outbox WHERE package_id IN (SELECT id FROM packages WHERE id = $1 OR known_as = $1)",
        "UPDATE packages SET state = 'removed', version_key = 'removed:' || id
         WHERE (id = $1 OR known_as = $1) AND state IN ('stored', 'delivered')",
    ] {
        query(sql).bind(id).execute(&mut *db).await?;
    }
    Ok(())
}

/// Removes a package that is not wanted under its own id any more.
pub(crate) async fn remove_one(db: &mut AnyConnection, id: &str) -> Result<()> {
    for sql in [
        "DELETE FROM outbox WHERE package_id = $1",
        "UPDATE packages SET state = 'removed', version_key = 'removed:' || id WHERE id = $1",
    ] {
        query(sql).bind(id).execute(&mut *db).await?;
    }
    Ok(())
}

/// Forgets the refusal of an earlier intent.
pub(crate) async fn ask_again(db: &mut AnyConnection, id: &str) -> Result<()> {
    query(
        "UPDATE packages SET refused_status = NULL, refused_code = NULL, refused_detail = NULL, refused_entry = NULL WHERE id = $1",
    )
    .bind(id)
    .execute(&mut *db)
    .await?;
    query("DELETE FROM refusal_members WHERE package_id = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn count_refused(db: &mut AnyConnection) -> Result<i64> {
    query_scalar("SELECT count(*) FROM packages WHERE state = 'refused'")
        .fetch_one(db)
        .await
}

/// The digests of all packages in `digests` but those that are refused or removed.
pub(crate) async fn digests(db: &mut AnyConnection, digests: &Range) -> Result<Vec<String>> {
    query_scalar(
        "SELECT sha256 FROM packages
         WHERE sha256 >= $1 AND sha256 < $2 AND state <> 'refused' AND state <> 'removed'",
    )
    .bind(&digests.start)
    .bind(&digests.end)
    .fetch_all(db)
    .await
}

/// Whether the sweep has something to do with the rows of refused and removed packages: it has not noted the end of one,
/// or one has ended before `before`.
pub(crate) async fn some_ended(db: &mut AnyConnection, before: i64) -> Result<bool> {
    let found: Option<String> = query_scalar(
        "SELECT id FROM packages WHERE state IN ('refused', 'removed') AND (ended_at IS NULL OR ended_at <= $1) LIMIT 1",
    )
    .bind(before)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Notes the end of those of which it was not noted.
pub(crate) async fn note_ended(db: &mut AnyConnection, now: i64) -> Result<()> {
    query("UPDATE packages SET ended_at = $1 WHERE state IN ('refused', 'removed') AND ended_at IS NULL")
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes up to `limit` rows that ended before `before`, with what is kept beside them, but those of which the catalog
/// has yet to be told, a session tells or whose place may be given back; returns how many.
pub(crate) async fn remove_ended(db: &mut AnyConnection, before: i64, limit: i64) -> Result<u64> {
    let done = query(
        "DELETE FROM packages WHERE id IN (
             SELECT id FROM packages WHERE state IN ('refused', 'removed') AND ended_at <= $1
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.package_id = packages.id)
                 AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.package_id = packages.id)
                 AND NOT EXISTS (SELECT 1 FROM replacements WHERE replacements.replaced = packages.id)
             LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(&mut *db)
    .await?;
    for beside in [
        "DELETE FROM refusal_members WHERE package_id NOT IN (SELECT id FROM packages)",
        "DELETE FROM replacements WHERE package_id NOT IN (SELECT id FROM packages)",
    ] {
        query(beside).execute(&mut *db).await?;
    }
    Ok(done.rows_affected())
}
