//! Who asks, and what the token permits.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::FromRequestParts;
use http::request::Parts;
use slipway_contract::grant::{Grant, Scope, TokenRefusal};
use slipway_runtime::clock;
use slipway_runtime::http::request_line::permitted_by;
use slipway_runtime::token::Token;
use sqlx::{Any, AnyConnection, Transaction};

use crate::error::Error;
use crate::state::CatalogState;
use crate::store::audit::By;
use crate::{restore, store};

/// The token of a request, known and alive. It is extracted before anything else of the request is looked at.
pub(crate) struct Actor {
    pub(crate) grant: Grant,
    pub(crate) request_id: String,
}

impl Actor {
    pub(crate) fn permit(&self, scope: Scope, app: Option<&str>) -> Result<(), Error> {
        Ok(self.grant.permit(scope, app)?)
    }

    /// A transaction that may change what needs `scope` on `app`. The token is judged once more in it: since the head of the
    /// request was read it may have been revoked, and a body comes as slowly as its sender likes.
    pub(crate) async fn change(
        &self,
        state: &CatalogState,
        scope: Scope,
        app: Option<&str>,
    ) -> Result<Transaction<'static, Any>, Error> {
        let mut transaction = state.change().await?;
        self.judge(&mut transaction, scope, app).await?;
        Ok(transaction)
    }

    /// The same in a transaction that has been begun otherwise.
    pub(crate) async fn judge(
        &self,
        db: &mut AnyConnection,
        scope: Scope,
        app: Option<&str>,
    ) -> Result<(), Error> {
        let now = clock::unix_millis();
        judge(db, &self.grant.id, (scope, app), now).await?;
        Ok(())
    }

    pub(crate) fn by(&self) -> By<'_> {
        By {
            token_id: &self.grant.id,
            token_name: &self.grant.name,
            request_id: &self.request_id,
        }
    }
}

impl FromRequestParts<CatalogState> for Actor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &CatalogState) -> Result<Self, Error> {
        let token = Token::from_headers(&parts.headers)?;
        state.opening.over().await;
        let mut connection = state.database.read().await?;
        let grant = store::tokens::by_hash(&mut connection, &token.hash())
            .await?
            .ok_or(TokenRefusal::Unknown)?;
        grant.check_alive(clock::unix_millis())?;
        permitted_by(&parts.extensions, &grant.id);
        let feed = store::feed::read(&mut connection).await?;
        drop(connection);
        if feed.is_held() {
            restore::check_token(state, &feed, &grant, &token.hash()).await?;
        }
        let request_id = parts.headers.get("x-request-id");
        let request_id = request_id
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        Ok(Self {
            grant,
            request_id: request_id.to_owned(),
        })
    }
}

/// The token `id` as it is now: 401 when it is unknown, revoked, or expired at `at` (Unix milliseconds), 403 when it does
/// not permit `scope` on `app`. In a transaction of [`CatalogState::change`] what it says stays true until the commit.
pub(crate) async fn judge(
    db: &mut AnyConnection,
    id: &str,
    (scope, app): (Scope, Option<&str>),
    at: i64,
) -> Result<Grant, Error> {
    let grant = store::tokens::by_id(db, id)
        .await?
        .ok_or(TokenRefusal::Unknown)?;
    grant.check_alive(at)?;
    grant.permit(scope, app)?;
    Ok(grant)
}

/// How often the file is looked at for another token.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Takes another token of the administrator's as soon as it is in the file, and ends the one before: a leaked one is
/// replaced without a restart.
pub(crate) async fn keep_knowing_the_administrator(state: CatalogState) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if let Err(error) = know_administrator(&state).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the administrator's token could not be read again"
            );
        }
    }
}

/// Takes the token in the data folder as the administrator's. Another one in the file takes the place of the last.
pub(crate) async fn know_administrator(state: &CatalogState) -> anyhow::Result<()> {
    let path = state.process.data.admin_token();
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "could not read {}: run `slipway init --data DIR` first",
            path.display()
        )
    })?;
    let token: Token = text
        .trim()
        .parse()
        .with_context(|| format!("{} is damaged", path.display()))?;
    let mut connection = state.database.read().await?;
    if store::tokens::by_hash(&mut connection, &token.hash())
        .await?
        .is_some()
    {
        return Ok(());
    }
    drop(connection);
    let now = clock::unix_millis();
    let mut transaction = state.database.write().await?;
    if store::tokens::by_hash(&mut transaction, &token.hash())
        .await?
        .is_none()
    {
        store::tokens::revoke_named(&mut transaction, "administrator", now).await?;
        let grant = Grant {
            id: uuid::Uuid::now_v7().to_string(),
            name: "administrator".to_owned(),
            scopes: [Scope::Admin].into(),
            app: None,
            expires_at: None,
            revoked_at: None,
        };
        match store::tokens::insert(&mut transaction, &grant, &token.hash(), now).await {
            // Another instance that starts at the same time was first.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(()),
            inserted => inserted?,
        };
    }
    state.commit(transaction).await?;
    Ok(())
}
