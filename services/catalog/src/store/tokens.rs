//! Tokens, by their hash.

use std::collections::BTreeSet;

use slipway_contract::feed;
use slipway_contract::grant::{Grant, Scope};
use sqlx::{AnyConnection, Error, FromRow, Result, query, query_as, query_scalar};

use crate::rules::token::administers;

#[derive(FromRow)]
pub(crate) struct Token {
    id: String,
    hash: String,
    name: String,
    scopes: String,
    app: Option<String>,
    pub(crate) created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

/// `SELECT` of what is read, with what follows the table.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, hash, name, scopes, app, created_at, expires_at, revoked_at FROM tokens ",
            $rest
        )
    };
}

impl Token {
    /// What the token permits. A scope that this program does not know permits nothing.
    pub(crate) fn grant(&self) -> Result<Grant> {
        let scopes: Vec<serde_json::Value> =
            serde_json::from_str(&self.scopes).map_err(|error| Error::Decode(error.into()))?;
        let known = scopes
            .into_iter()
            .filter_map(|scope| serde_json::from_value(scope).ok());
        Ok(Grant {
            id: self.id.clone(),
            name: self.name.clone(),
            scopes: known.collect::<BTreeSet<Scope>>(),
            app: self.app.clone(),
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
        })
    }
}

pub(crate) async fn insert(
    db: &mut AnyConnection,
    grant: &Grant,
    hash: &str,
    now: i64,
) -> Result<i64> {
    let scopes =
        serde_json::to_string(&grant.scopes).map_err(|error| Error::Encode(error.into()))?;
    let seq = super::feed::next(db).await?;
    query(
        "INSERT INTO tokens (id, hash, name, scopes, app, created_at, expires_at, seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&grant.id)
    .bind(hash)
    .bind(&grant.name)
    .bind(scopes)
    .bind(&grant.app)
    .bind(now)
    .bind(grant.expires_at)
    .bind(seq)
    .execute(db)
    .await?;
    Ok(seq)
}

pub(crate) async fn by_hash(db: &mut AnyConnection, hash: &str) -> Result<Option<Grant>> {
    let token: Option<Token> = query_as(select!("WHERE hash = $1"))
        .bind(hash)
        .fetch_optional(db)
        .await?;
    token.map(|token| token.grant()).transpose()
}

pub(crate) async fn by_id(db: &mut AnyConnection, id: &str) -> Result<Option<Grant>> {
    let token: Option<Token> = query_as(select!("WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await?;
    token.map(|token| token.grant()).transpose()
}

pub(crate) async fn change(db: &mut AnyConnection, id: &str) -> Result<feed::Token> {
    let token: Token = query_as(select!("WHERE id = $1"))
        .bind(id)
        .fetch_one(db)
        .await?;
    Ok(feed::Token {
        grant: token.grant()?,
        hash: token.hash,
    })
}

/// Tokens by age, those after `after`.
pub(crate) async fn list(db: &mut AnyConnection, after: &str, limit: i64) -> Result<Vec<Token>> {
    query_as(select!("WHERE id > $1 ORDER BY id LIMIT $2"))
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Revokes a token; the number of the change, or `None` when there is none with this id.
pub(crate) async fn revoke(db: &mut AnyConnection, id: &str, now: i64) -> Result<Option<i64>> {
    let known: Option<String> = query_scalar("SELECT id FROM tokens WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *db)
        .await?;
    if known.is_none() {
        return Ok(None);
    }
    let seq = super::feed::next(db).await?;
    query("UPDATE tokens SET revoked_at = coalesce(revoked_at, $2), seq = $3 WHERE id = $1")
        .bind(id)
        .bind(now)
        .bind(seq)
        .execute(db)
        .await?;
    Ok(Some(seq))
}

/// Whether some token administers the whole platform that lives at least until `until`, Unix milliseconds; `None` is for
/// ever.
pub(crate) async fn some_administer(db: &mut AnyConnection, until: Option<i64>) -> Result<bool> {
    let tokens: Vec<Token> = query_as(select!(
        "WHERE revoked_at IS NULL AND app IS NULL AND (expires_at IS NULL OR expires_at >= $1)
             AND scopes LIKE '%admin%'"
    ))
    .bind(until.unwrap_or(i64::MAX))
    .fetch_all(db)
    .await?;
    for token in tokens {
        if administers(&token.grant()?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Revokes every living token of a name.
pub(crate) async fn revoke_named(db: &mut AnyConnection, name: &str, now: i64) -> Result<()> {
    let ids: Vec<String> =
        query_scalar("SELECT id FROM tokens WHERE name = $1 AND revoked_at IS NULL")
            .bind(name)
            .fetch_all(&mut *db)
            .await?;
    for id in ids {
        revoke(db, &id, now).await?;
    }
    Ok(())
}
