//! What there is to set, as instances have last said it.

use serde_json::Value;
use sqlx::{AnyConnection, Result, query, query_as};

use super::unreadable;

pub(crate) async fn put(
    db: &mut AnyConnection,
    service: &str,
    version: &str,
    schema: &Value,
) -> Result<()> {
    query(
        "INSERT INTO configuration_schemas (service, version, content) VALUES ($1, $2, $3)
         ON CONFLICT (service) DO UPDATE SET version = excluded.version, content = excluded.content",
    )
    .bind(service)
    .bind(version)
    .bind(schema.to_string())
    .execute(db)
    .await?;
    Ok(())
}

/// Every service with its schema.
pub(crate) async fn all(db: &mut AnyConnection) -> Result<Vec<(String, Value)>> {
    let rows: Vec<(String, String)> =
        query_as("SELECT service, content FROM configuration_schemas ORDER BY service")
            .fetch_all(db)
            .await?;
    let read = |(service, text): (String, String)| {
        let schema = serde_json::from_str(&text).map_err(unreadable)?;
        Ok((service, schema))
    };
    rows.into_iter().map(read).collect()
}
