//! How far the copy is.

use slipway_service::changes::follow::Position;
use sqlx::AnyConnection;

/// `None` when there is no copy yet.
pub(crate) async fn read(connection: &mut AnyConnection) -> sqlx::Result<Option<Position>> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT epoch, applied FROM position WHERE id = 1")
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(epoch, applied)| Position { epoch, applied }))
}

/// The same, and keeps every other instance from writing to the copy until the transaction ends: PostgreSQL lets
/// writers of different rows run side by side.
pub(crate) async fn lock(connection: &mut AnyConnection) -> sqlx::Result<Position> {
    let (epoch, applied) = sqlx::query_as(
        "INSERT INTO position (id, epoch, applied) VALUES (1, '', 0)
         ON CONFLICT (id) DO UPDATE SET epoch = position.epoch
         RETURNING epoch, applied",
    )
    .fetch_one(connection)
    .await?;
    Ok(Position { epoch, applied })
}

pub(crate) async fn write(connection: &mut AnyConnection, position: &Position) -> sqlx::Result<()> {
    sqlx::query("UPDATE position SET epoch = $1, applied = $2 WHERE id = 1")
        .bind(&position.epoch)
        .bind(position.applied)
        .execute(connection)
        .await?;
    Ok(())
}
