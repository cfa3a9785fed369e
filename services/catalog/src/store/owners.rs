//! Whose a package is: every token that sent these bytes under this name.

use sqlx::{AnyConnection, Result, query};

use super::audit::By;

pub(crate) async fn add(db: &mut AnyConnection, package_id: &str, by: By<'_>) -> Result<()> {
    query(
        "INSERT INTO package_tokens (package_id, token_id, token_name) VALUES ($1, $2, $3)
         ON CONFLICT (package_id, token_id) DO NOTHING",
    )
    .bind(package_id)
    .bind(by.token_id)
    .bind(by.token_name)
    .execute(db)
    .await?;
    Ok(())
}
