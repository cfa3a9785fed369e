//! Packages whose list of blocks the catalog does not have yet.

use slipway_contract::Digest;
use slipway_database::columns::Parsed;
use sqlx::{AnyConnection, Result, query, query_as, query_scalar};

use super::packages::{Package, columns};

/// Whether some package that the catalog has could be leased for its list of blocks; what ends after `furthest` is no
/// lease and no pause.
pub(crate) async fn some(db: &mut AnyConnection, now: i64, furthest: i64) -> Result<bool> {
    let due: Option<String> = query_scalar(
        "SELECT id FROM packages WHERE blocks IS NULL AND state = 'delivered'
             AND (blocks_after <= $1 OR blocks_after > $2) LIMIT 1",
    )
    .bind(now)
    .bind(furthest)
    .fetch_optional(db)
    .await?;
    Ok(due.is_some())
}

/// Leases one of them. The conditions stand twice, as in the outbox.
pub(crate) async fn lease(
    db: &mut AnyConnection,
    (now, furthest): (i64, i64),
    until: i64,
) -> Result<Option<Package>> {
    query_as(concat!(
        "UPDATE packages SET blocks_after = $2
         WHERE blocks IS NULL AND state = 'delivered' AND (blocks_after <= $1 OR blocks_after > $3) AND id = (
             SELECT id FROM packages WHERE blocks IS NULL AND state = 'delivered'
                 AND (blocks_after <= $1 OR blocks_after > $3)
             ORDER BY blocks_after, id LIMIT 1)
         RETURNING ",
        columns!(),
    ))
    .bind(now)
    .bind(until)
    .bind(furthest)
    .fetch_optional(db)
    .await
}

/// Keeps the others from it until then.
pub(crate) async fn hold(db: &mut AnyConnection, id: &str, until: i64) -> Result<()> {
    query("UPDATE packages SET blocks_after = $2 WHERE id = $1")
        .bind(id)
        .bind(until)
        .execute(db)
        .await?;
    Ok(())
}

/// The digest of the list of these bytes' blocks, as far as some package has it.
pub(crate) async fn of_bytes(db: &mut AnyConnection, sha256: &Digest) -> Result<Option<Digest>> {
    let found = query_scalar(
        "SELECT blocks FROM packages WHERE sha256 = $1 AND blocks IS NOT NULL LIMIT 1",
    )
    .bind(sha256.as_hex())
    .fetch_optional(db)
    .await?;
    Ok(found.map(|Parsed(blocks)| blocks))
}

/// Notes that the catalog has the list.
pub(crate) async fn set(db: &mut AnyConnection, id: &str, blocks: &Digest) -> Result<()> {
    query("UPDATE packages SET blocks = $2 WHERE id = $1 AND blocks IS NULL")
        .bind(id)
        .bind(blocks.as_hex())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn count(db: &mut AnyConnection) -> Result<i64> {
    query_scalar("SELECT count(*) FROM packages WHERE blocks IS NULL AND state = 'delivered'")
        .fetch_one(db)
        .await
}
