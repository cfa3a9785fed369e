//! Key pairs, the private half sealed.

use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};

use crate::purpose::{Format, Role};

#[derive(FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) sealed: Vec<u8>,
    /// Text of the file that users get.
    pub(crate) public_key: String,
}

pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) role: Role,
    pub(crate) format: Format,
    pub(crate) app: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) public_key: String,
    pub(crate) created_at: i64,
}

/// Adds a key unless the app has one for that role and format, and returns the one that is there.
pub(crate) async fn insert(db: &mut AnyConnection, key: &NewKey) -> Result<Row> {
    query(
        "INSERT INTO keys (id, role, format, app, sealed, public_key, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (app, role, format) DO NOTHING",
    )
    .bind(&key.id)
    .bind(key.role.as_str())
    .bind(key.format.as_str())
    .bind(&key.app)
    .bind(&key.sealed)
    .bind(&key.public_key)
    .bind(key.created_at)
    .execute(&mut *db)
    .await?;
    let kept = of_app(db, &key.app, key.role, key.format).await?;
    kept.ok_or(sqlx::Error::RowNotFound)
}

pub(crate) async fn of_app(
    db: &mut AnyConnection,
    app: &str,
    role: Role,
    format: Format,
) -> Result<Option<Row>> {
    query_as("SELECT id, sealed, public_key FROM keys WHERE app = $1 AND role = $2 AND format = $3")
        .bind(app)
        .bind(role.as_str())
        .bind(format.as_str())
        .fetch_optional(db)
        .await
}

pub(crate) async fn get(db: &mut AnyConnection, id: &str) -> Result<Option<Row>> {
    query_as("SELECT id, sealed, public_key FROM keys WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await
}

/// The ids of all keys.
pub(crate) async fn ids(db: &mut AnyConnection) -> Result<Vec<String>> {
    query_scalar("SELECT id FROM keys").fetch_all(db).await
}
