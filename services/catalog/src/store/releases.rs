//! Releases and the channels that they are in.

use slipway_contract::{Slug, Version, Word};
use slipway_database::version_keys;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use super::like::Like;
use crate::rules::release::Facts;
use crate::rules::state::State;

#[derive(Clone, Debug, FromRow)]
pub(crate) struct Release {
    pub(crate) id: String,
    #[sqlx(try_from = "String")]
    pub(crate) app: Word<Slug>,
    #[sqlx(try_from = "String")]
    pub(crate) version: Word<Version>,
    #[sqlx(try_from = "String")]
    pub(crate) state: State,
    pub(crate) reason: Option<String>,
    pub(crate) notes: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) published_at: Option<i64>,
    pub(crate) yanked_at: Option<i64>,
    /// The number of the last change; 0 when it is not in the feed.
    pub(crate) seq: i64,
}

macro_rules! columns {
    () => {
        "id, app, version, state, reason, notes, created_at, published_at, yanked_at, seq"
    };
}

/// `SELECT` of them, with what follows the table.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM releases ", $rest)
    };
}
pub(super) use {columns, select};

impl Release {
    /// What the rules judge.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            version: self.version.as_str(),
            state: &self.state,
        }
    }
}

/// Adds a draft; `false` when the version is taken.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    id: &str,
    app: &str,
    (version, version_key): (&str, &str),
    now: i64,
) -> Result<bool> {
    let done = query(
        "INSERT INTO releases (id, app, version, version_key, state, created_at, seq)
         VALUES ($1, $2, $3, $4, 'draft', $5, 0) ON CONFLICT (app, version_key) DO NOTHING",
    )
    .bind(id)
    .bind(app)
    .bind(version)
    .bind(version_key)
    .bind(now)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn by_id(db: &mut AnyConnection, id: &str) -> Result<Option<Release>> {
    query_as(select!("WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await
}

/// The release as it is, kept from everybody else until the transaction ends. Who adds packages or starts it takes it
/// first: otherwise, on PostgreSQL, a package could join a release that is just being signed without it.
pub(crate) async fn lock(db: &mut AnyConnection, id: &str) -> Result<Release> {
    query_as(concat!(
        "UPDATE releases SET state = state WHERE id = $1 RETURNING ",
        columns!()
    ))
    .bind(id)
    .fetch_one(db)
    .await
}

/// The release of a version, by its order: `1.0` finds `1.0.0`.
pub(crate) async fn by_version(
    db: &mut AnyConnection,
    app: &str,
    version_key: &str,
) -> Result<Option<Release>> {
    query_as(select!("WHERE app = $1 AND version_key = $2"))
        .bind(app)
        .bind(version_key)
        .fetch_optional(db)
        .await
}

/// Which releases are listed; what is empty leaves none out.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    /// Searched for in version, notes and file names.
    pub(crate) like: Like,
    pub(crate) state: &'a str,
    pub(crate) channel: &'a str,
}

/// Whether no earlier version beside us has written a key that lacks the build of its version.
pub(crate) async fn keys_are_complete(db: &mut AnyConnection) -> Result<bool> {
    version_keys::are_complete(db, "releases").await
}

/// Completes the keys that lack the build of their version, as 0.3.0 and earlier write them. A draft that such a version
/// has made of one that is there, in another spelling, gets a key of its own: it is no version's.
pub(crate) async fn complete_keys(db: &mut AnyConnection) -> Result<()> {
    for found in version_keys::incomplete(db, "releases").await? {
        let Some(key) = Version::complete_key(&found.version, &found.version_key) else {
            continue;
        };
        for sql in [
            "UPDATE releases SET version_key = $3 || ':' || id WHERE version = $1 AND version_key = $2 AND EXISTS (
                 SELECT 1 FROM releases there WHERE there.app = releases.app AND there.version_key = $3)",
            "UPDATE releases SET version_key = $3 WHERE version = $1 AND version_key = $2",
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

/// Releases of an app, newest first, those before `before` (an id; empty: from the newest).
pub(crate) async fn list(
    db: &mut AnyConnection,
    (app, filter): (&str, &Filter<'_>),
    before: &str,
    limit: i64,
) -> Result<Vec<Release>> {
    query_as(select!(
        "r WHERE app = $1 AND ($2 = '' OR id < $2)
             AND ($4 = '' OR state = $4)
             AND ($5 = '' OR (state <> 'deleted' AND EXISTS (
                 SELECT 1 FROM release_channels c WHERE c.release_id = r.id AND c.channel = $5)))
             AND (version LIKE $6 ESCAPE '!' OR lower(version) LIKE $7 ESCAPE '!'
                 OR notes LIKE $6 ESCAPE '!' OR lower(notes) LIKE $7 ESCAPE '!'
                 OR EXISTS (SELECT 1 FROM packages p WHERE p.release_id = r.id
                     AND (p.filename LIKE $6 ESCAPE '!' OR lower(p.filename) LIKE $7 ESCAPE '!')))
         ORDER BY id DESC LIMIT $3"
    ))
    .bind(app)
    .bind(before)
    .bind(limit)
    .bind(filter.state)
    .bind(filter.channel)
    .bind(&filter.like.exact)
    .bind(&filter.like.lower)
    .fetch_all(db)
    .await
}

/// All releases of an app.
pub(crate) async fn of_app(db: &mut AnyConnection, app: &str) -> Result<Vec<Release>> {
    query_as(select!("WHERE app = $1 ORDER BY id"))
        .bind(app)
        .fetch_all(db)
        .await
}

/// Leaves nothing of a release but its version, and says so in the feed; the number of the change. The channels stay,
/// which are there until they are deleted themselves.
pub(crate) async fn bury(db: &mut AnyConnection, id: &str) -> Result<i64> {
    query("UPDATE releases SET state = 'deleted', reason = NULL, notes = NULL WHERE id = $1")
        .bind(id)
        .execute(&mut *db)
        .await?;
    super::draft_notes::forget(db, id).await?;
    touch(db, id).await
}

/// Moves a release from one state to another; `None` when it is not in `from` any more, else the change's number. No
/// number is taken for nothing: a follower would wait for the change that carries it.
pub(crate) async fn advance(
    db: &mut AnyConnection,
    id: &str,
    (from, to): (&State, &State),
    reason: Option<&str>,
    now: i64,
) -> Result<Option<i64>> {
    let done = query(
        "UPDATE releases SET state = $3, reason = $4,
             published_at = CASE WHEN $3 = 'published' THEN coalesce(published_at, $5) ELSE published_at END,
             yanked_at = CASE WHEN $3 = 'yanked' THEN $5 WHEN $3 = 'published' THEN NULL ELSE yanked_at END
         WHERE id = $1 AND state = $2",
    )
    .bind(id)
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(reason)
    .bind(now)
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    touch(db, id).await.map(Some)
}

/// A release that is to be published and is not yet, as an operator knows it.
#[derive(Debug, FromRow)]
pub(crate) struct WaitingRelease {
    pub(crate) app: String,
    pub(crate) version: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: i64,
}

/// The one that was made first.
pub(crate) async fn oldest_waiting(db: &mut AnyConnection) -> Result<Option<WaitingRelease>> {
    query_as(
        "SELECT app, version, state, reason, created_at FROM releases
         WHERE state IN ('signing', 'verifying') ORDER BY created_at LIMIT 1",
    )
    .fetch_optional(db)
    .await
}

/// Says why a release waits. It is not in the feed for that: nobody but the developer asks.
pub(crate) async fn set_reason(db: &mut AnyConnection, id: &str, reason: &str) -> Result<()> {
    query("UPDATE releases SET reason = $2 WHERE id = $1 AND state IN ('signing', 'verifying')")
        .bind(id)
        .bind(reason)
        .execute(db)
        .await?;
    Ok(())
}

/// Says why a draft was not released. It is forgotten when the draft is sent on its way.
pub(crate) async fn set_reason_of_draft(
    db: &mut AnyConnection,
    id: &str,
    reason: &str,
) -> Result<()> {
    query("UPDATE releases SET reason = $2 WHERE id = $1 AND state = 'draft'")
        .bind(id)
        .bind(reason)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn forget_reason_of_draft(db: &mut AnyConnection, id: &str) -> Result<()> {
    query("UPDATE releases SET reason = NULL WHERE id = $1 AND state = 'draft'")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Spells the version of a draft anew.
pub(crate) async fn spell(db: &mut AnyConnection, id: &str, version: &str) -> Result<()> {
    query("UPDATE releases SET version = $2 WHERE id = $1 AND state = 'draft'")
        .bind(id)
        .bind(version)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes a draft that has no packages any more; its version is free again. No follower was told of it.
pub(crate) async fn remove_draft(db: &mut AnyConnection, id: &str) -> Result<()> {
    query("DELETE FROM releases WHERE id = $1 AND state = 'draft'")
        .bind(id)
        .execute(&mut *db)
        .await?;
    super::draft_notes::forget(db, id).await
}

/// `None` takes them away.
pub(crate) async fn set_notes(db: &mut AnyConnection, id: &str, notes: Option<&str>) -> Result<()> {
    query("UPDATE releases SET notes = $2 WHERE id = $1")
        .bind(id)
        .bind(notes)
        .execute(db)
        .await?;
    Ok(())
}

/// Adds a release to a channel; `false` when it is there already.
pub(crate) async fn add_to_channel(
    db: &mut AnyConnection,
    release: &Release,
    channel: &str,
    now: i64,
) -> Result<bool> {
    let done = query(
        "INSERT INTO release_channels (app, channel, release_id, added_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (app, channel, release_id) DO NOTHING",
    )
    .bind(release.app.as_str())
    .bind(channel)
    .bind(&release.id)
    .bind(now)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The releases of the app that were put into the channel, in whatever state they are.
pub(crate) async fn of_channel(
    db: &mut AnyConnection,
    app: &str,
    channel: &str,
) -> Result<Vec<Release>> {
    query_as(select!(
        "WHERE id IN (SELECT release_id FROM release_channels WHERE app = $1 AND channel = $2) ORDER BY id"
    ))
    .bind(app)
    .bind(channel)
    .fetch_all(db)
    .await
}

/// Takes a release out of a channel.
pub(crate) async fn leave_channel(db: &mut AnyConnection, id: &str, channel: &str) -> Result<()> {
    query("DELETE FROM release_channels WHERE release_id = $1 AND channel = $2")
        .bind(id)
        .bind(channel)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether some release of the app is in the channel.
pub(crate) async fn has_channel(db: &mut AnyConnection, app: &str, channel: &str) -> Result<bool> {
    let found: Option<String> = query_scalar(
        "SELECT channel FROM release_channels WHERE app = $1 AND channel = $2 LIMIT 1",
    )
    .bind(app)
    .bind(channel)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Puts a release into the feed as it is now.
pub(crate) async fn touch(db: &mut AnyConnection, id: &str) -> Result<i64> {
    let seq = super::feed::next(&mut *db).await?;
    query("UPDATE releases SET seq = $2 WHERE id = $1")
        .bind(id)
        .bind(seq)
        .execute(db)
        .await?;
    Ok(seq)
}

pub(crate) async fn channels(db: &mut AnyConnection, id: &str) -> Result<Vec<Word<Slug>>> {
    let sql = "SELECT channel FROM release_channels WHERE release_id = $1 ORDER BY channel";
    let channels: Vec<String> = query_scalar(sql).bind(id).fetch_all(db).await?;
    Ok(channels.into_iter().map(Word::read).collect())
}

/// Every channel of an app with the highest published version in it.
pub(crate) async fn highest_by_channel(
    db: &mut AnyConnection,
    app: &str,
) -> Result<Vec<(String, Option<String>)>> {
    query_as(
        "SELECT c.channel, (
             SELECT r.version FROM releases r JOIN release_channels m ON m.release_id = r.id
             WHERE m.app = $1 AND m.channel = c.channel AND r.state = 'published'
             ORDER BY r.version_key DESC LIMIT 1)
         FROM (SELECT DISTINCT channel FROM release_channels WHERE app = $1) c ORDER BY c.channel",
    )
    .bind(app)
    .fetch_all(db)
    .await
}
