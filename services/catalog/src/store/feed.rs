//! The numbers of the change feed, and how far each follower is.

use sqlx::{AnyConnection, Result, query, query_as, query_scalar};

/// Makes the one row of the feed unless it is there.
pub(crate) async fn begin(db: &mut AnyConnection, epoch: &str) -> Result<()> {
    query("INSERT INTO feed (id, epoch, head) VALUES (1, $1, 0) ON CONFLICT (id) DO NOTHING")
        .bind(epoch)
        .execute(db)
        .await?;
    Ok(())
}

/// Puts another epoch in the place of `old`, unless its head is at `after` by now; nobody has applied anything of it.
pub(crate) async fn begin_again(
    db: &mut AnyConnection,
    (old, new): (&str, &str),
    after: i64,
) -> Result<bool> {
    let done = query("UPDATE feed SET epoch = $2 WHERE id = 1 AND epoch = $1 AND head < $3")
        .bind(old)
        .bind(new)
        .bind(after)
        .execute(&mut *db)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    query("DELETE FROM followers").execute(db).await?;
    Ok(true)
}

/// Takes the next number. The row stays locked until the transaction ends, so commit order is number order.
pub(crate) async fn next(db: &mut AnyConnection) -> Result<i64> {
    query_scalar("UPDATE feed SET head = head + 1 WHERE id = 1 RETURNING head")
        .fetch_one(db)
        .await
}

/// The epoch and the newest number.
pub(crate) async fn position(db: &mut AnyConnection) -> Result<(String, i64)> {
    query_as("SELECT epoch, head FROM feed WHERE id = 1")
        .fetch_one(db)
        .await
}

/// Number, kind and key of the rows that changed after `after`.
pub(crate) async fn after(
    db: &mut AnyConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String, String)>> {
    query_as(
        "SELECT seq, kind, id FROM (
             SELECT seq, 'app' AS kind, slug AS id FROM apps WHERE seq > $1
             UNION ALL SELECT seq, 'token' AS kind, id FROM tokens WHERE seq > $1
             UNION ALL SELECT seq, 'release' AS kind, id FROM releases WHERE seq > $1
         ) AS changed ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// What a follower has applied. Written only when it moved, so that a poll that brings nothing costs no fsync.
pub(crate) async fn acknowledge(
    db: &mut AnyConnection,
    instance: &str,
    service: &str,
    applied: i64,
    now: i64,
) -> Result<()> {
    query(
        "INSERT INTO followers (instance, service, applied, seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (instance) DO UPDATE SET applied = excluded.applied, seen_at = excluded.seen_at
         WHERE followers.applied < excluded.applied",
    )
    .bind(instance)
    .bind(service)
    .bind(applied)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn acknowledged(db: &mut AnyConnection, instance: &str) -> Result<Option<i64>> {
    query_scalar("SELECT applied FROM followers WHERE instance = $1")
        .bind(instance)
        .fetch_optional(db)
        .await
}

/// The followers that have applied `seq`.
pub(crate) async fn followers_at(db: &mut AnyConnection, seq: i64) -> Result<Vec<String>> {
    query_scalar("SELECT instance FROM followers WHERE applied >= $1")
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
