//! Who did what.

use serde::Serialize;
use slipway_runtime::clock;
use sqlx::{AnyConnection, FromRow, Result, query, query_as, query_scalar};
use uuid::Uuid;

/// Who did what, written in the transaction that did it.
#[derive(Debug, FromRow, Serialize, utoipa::ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct Entry {
    pub(crate) id: String,
    #[serde(serialize_with = "time_as_text")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: i64,
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    #[schema(example = "release.publish")]
    pub(crate) action: String,
    #[schema(required = true)]
    pub(crate) app: Option<String>,
    pub(crate) subject: String,
    pub(crate) request_id: String,
    /// Why, where a reason was given.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn time_as_text<S: serde::Serializer>(
    at: &i64,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&clock::rfc3339(*at))
}

/// Who acts: a token and the request that it came with.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) token_id: &'a str,
    pub(crate) token_name: &'a str,
    pub(crate) request_id: &'a str,
}

pub(crate) async fn insert(
    db: &mut AnyConnection,
    by: By<'_>,
    action: &str,
    app: Option<&str>,
    subject: &str,
) -> Result<()> {
    insert_with_reason(db, by, action, (app, subject), None).await
}

/// The same with the reason, if one was given: what it is kept on may lose it.
pub(crate) async fn insert_with_reason(
    db: &mut AnyConnection,
    by: By<'_>,
    action: &str,
    (app, subject): (Option<&str>, &str),
    reason: Option<&str>,
) -> Result<()> {
    let id = insert_one(db, by, action, (app, subject)).await?;
    let Some(reason) = reason else { return Ok(()) };
    query("INSERT INTO audit_reasons (audit_id, reason) VALUES ($1, $2)")
        .bind(id)
        .bind(reason)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether this was done to it.
pub(crate) async fn has(
    db: &mut AnyConnection,
    action: &str,
    (app, subject): (&str, &str),
) -> Result<bool> {
    let found: Option<String> = query_scalar(
        "SELECT id FROM audit WHERE app = $1 AND action = $2 AND subject = $3 LIMIT 1",
    )
    .bind(app)
    .bind(action)
    .bind(subject)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// What this was done to in an app.
pub(crate) async fn subjects(
    db: &mut AnyConnection,
    action: &str,
    app: &str,
) -> Result<Vec<String>> {
    query_scalar("SELECT DISTINCT subject FROM audit WHERE app = $1 AND action = $2")
        .bind(app)
        .bind(action)
        .fetch_all(db)
        .await
}

/// The entry's id.
async fn insert_one(
    db: &mut AnyConnection,
    by: By<'_>,
    action: &str,
    (app, subject): (Option<&str>, &str),
) -> Result<String> {
    let id = Uuid::now_v7().to_string();
    query(
        "INSERT INTO audit (id, at, token_id, token_name, action, app, subject, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&id)
    .bind(clock::unix_millis())
    .bind(by.token_id)
    .bind(by.token_name)
    .bind(action)
    .bind(app)
    .bind(subject)
    .bind(by.request_id)
    .execute(db)
    .await?;
    Ok(id)
}

/// The newest entries first, those before `before` (an id; empty: from the newest).
pub(crate) async fn list(
    db: &mut AnyConnection,
    before: &str,
    app: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>> {
    query_as(
        "SELECT id, at, token_id, token_name, action, app, subject, request_id, audit_reasons.reason
         FROM audit LEFT JOIN audit_reasons ON audit_reasons.audit_id = audit.id
         WHERE ($1 = '' OR id < $1) AND ($2 = '' OR app = $2) ORDER BY id DESC LIMIT $3",
    )
    .bind(before)
    .bind(app.unwrap_or_default())
    .bind(limit)
    .fetch_all(db)
    .await
}
