//! The numbers of the change feed, how far each follower is, and whether the feed is held.

use sqlx::{AnyConnection, Result, query, query_as, query_scalar};

use crate::rules::feed::Feed;

/// Epochs that followers may claim at once, far above the few that there are: a follower's key must not fill the disk.
const MAX_CLAIMS: i64 = 100;

/// Makes the one row of the feed unless it is there, and notes that the process `start` has begun.
pub(crate) async fn begin(db: &mut AnyConnection, epoch: &str, start: &str) -> Result<()> {
    query("INSERT INTO feed (id, epoch, head) VALUES (1, $1, 0) ON CONFLICT (id) DO NOTHING")
        .bind(epoch)
        .execute(&mut *db)
        .await?;
    lock(db).await?;
    query(
        "INSERT INTO starts (number, id, head)
         SELECT coalesce(max(number), 0) + 1, $1, (SELECT head FROM feed WHERE id = 1) FROM starts",
    )
    .bind(start)
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the next number. The row stays locked until the transaction ends, so commit order is number order.
pub(crate) async fn next(db: &mut AnyConnection) -> Result<i64> {
    query_scalar("UPDATE feed SET head = head + 1 WHERE id = 1 RETURNING head")
        .fetch_one(db)
        .await
}

pub(crate) async fn read(db: &mut AnyConnection) -> Result<Feed> {
    let row = query_as("SELECT epoch, head, held FROM feed WHERE id = 1");
    row.fetch_one(db).await.map(feed)
}

fn feed((written, head, held): (String, i64, Option<String>)) -> Feed {
    Feed {
        written,
        head,
        held,
    }
}

/// The same, kept from everybody else until the transaction ends.
pub(crate) async fn lock(db: &mut AnyConnection) -> Result<Feed> {
    let row = query_as("UPDATE feed SET head = head WHERE id = 1 RETURNING epoch, head, held");
    row.fetch_one(db).await.map(feed)
}

/// The last start of a catalog process.
pub(crate) async fn last_start(db: &mut AnyConnection) -> Result<String> {
    query_scalar("SELECT id FROM starts ORDER BY number DESC LIMIT 1")
        .fetch_one(db)
        .await
}

/// The highest number that was given while `start` was the last start; `None` when this database knows no such start.
pub(crate) async fn reach(db: &mut AnyConnection, start: &str) -> Result<Option<i64>> {
    query_scalar(
        "SELECT coalesce((SELECT later.head FROM starts later WHERE later.number = starts.number + 1),
             (SELECT head FROM feed WHERE id = 1))
         FROM starts WHERE id = $1",
    )
    .bind(start)
    .fetch_optional(db)
    .await
}

/// Number, kind and key of the rows that changed after `after`, with or without packages.
pub(crate) async fn after(
    db: &mut AnyConnection,
    packages: bool,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String, String)>> {
    query_as(
        "SELECT seq, kind, id FROM (
             SELECT seq, 'app' AS kind, slug AS id FROM apps WHERE seq > $1
             UNION ALL SELECT seq, 'token' AS kind, id FROM tokens WHERE seq > $1
             UNION ALL SELECT seq, 'release' AS kind, id FROM releases WHERE seq > $1
             UNION ALL SELECT seq, 'package' AS kind, id FROM package_rows WHERE seq > $1 AND $3 = 1
         ) AS changed ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .bind(i64::from(packages))
    .fetch_all(db)
    .await
}

/// What a follower has applied. Written only when it moved, so that a poll that brings nothing costs no fsync.
pub(crate) async fn acknowledge(
    db: &mut AnyConnection,
    (service, instance): (&str, &str),
    applied: i64,
    now: i64,
) -> Result<()> {
    query(
        "INSERT INTO followers (service, instance, applied, seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (service, instance) DO UPDATE SET applied = excluded.applied, seen_at = excluded.seen_at
         WHERE followers.applied < excluded.applied",
    )
    .bind(service)
    .bind(instance)
    .bind(applied)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn acknowledged(
    db: &mut AnyConnection,
    (service, instance): (&str, &str),
) -> Result<Option<i64>> {
    query_scalar("SELECT applied FROM followers WHERE service = $1 AND instance = $2")
        .bind(service)
        .bind(instance)
        .fetch_optional(db)
        .await
}

/// The followers that have applied `seq`, as service and instance.
pub(crate) async fn followers_at(
    db: &mut AnyConnection,
    seq: i64,
) -> Result<Vec<(String, String)>> {
    query_as("SELECT service, instance FROM followers WHERE applied >= $1")
        .bind(seq)
        .fetch_all(db)
        .await
}

/// Forgets followers that were last heard of before `before`: an instance is a process and does not come back.
pub(crate) async fn forget_followers(db: &mut AnyConnection, before: i64) -> Result<()> {
    query("DELETE FROM followers WHERE seen_at < $1")
        .bind(before)
        .execute(db)
        .await?;
    Ok(())
}

/// Holds the feed as `held`, unless it is held or its written epoch is not `epoch` any more; says whether it did.
pub(crate) async fn hold(db: &mut AnyConnection, epoch: &str, held: &str) -> Result<bool> {
    let done = query("UPDATE feed SET held = $2 WHERE id = 1 AND epoch = $1 AND held IS NULL")
        .bind(epoch)
        .bind(held)
        .execute(&mut *db)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    if epoch != held {
        // What they had applied are numbers of the written epoch.
        query("DELETE FROM followers").execute(db).await?;
    }
    Ok(true)
}

/// Whether a copy of `epoch` is known to lose something.
pub(crate) async fn is_claimed(
    db: &mut AnyConnection,
    (service, epoch): (&str, &str),
) -> Result<bool> {
    let found: Option<String> =
        query_scalar("SELECT epoch FROM claims WHERE service = $1 AND epoch = $2")
            .bind(service)
            .bind(epoch)
            .fetch_optional(db)
            .await?;
    Ok(found.is_some())
}

pub(crate) async fn claim(
    db: &mut AnyConnection,
    (service, epoch): (&str, &str),
    now: i64,
) -> Result<()> {
    query(
        "INSERT INTO claims (service, epoch, claimed_at)
         SELECT $1, $2, $3 FROM feed WHERE (SELECT count(*) FROM claims) < $4
         ON CONFLICT (service, epoch) DO NOTHING",
    )
    .bind(service)
    .bind(epoch)
    .bind(now)
    .bind(MAX_CLAIMS)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes the held epoch down, in the place of the one before and of those of all claims, and ends the hold.
pub(crate) async fn accept(db: &mut AnyConnection, held: &str) -> Result<()> {
    for sql in [
        "INSERT INTO replaced (epoch, replaced)
         SELECT $1, epoch FROM (SELECT epoch FROM claims UNION SELECT epoch FROM feed) AS given_up
         WHERE epoch <> $1 ON CONFLICT (epoch, replaced) DO NOTHING",
        "UPDATE feed SET epoch = $1, held = NULL WHERE id = 1 AND held = $1",
    ] {
        query(sql).bind(held).execute(&mut *db).await?;
    }
    query("DELETE FROM claims").execute(db).await?;
    Ok(())
}

/// The epochs that were given up for `epoch`.
pub(crate) async fn replaced(db: &mut AnyConnection, epoch: &str) -> Result<Vec<String>> {
    query_scalar("SELECT replaced FROM replaced WHERE epoch = $1 ORDER BY replaced")
        .bind(epoch)
        .fetch_all(db)
        .await
}
