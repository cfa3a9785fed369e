//! Who asks from outside, decided by the copy alone.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use slipway_contract::grant::{Scope, TokenRefusal};
use slipway_database::replica::follow::CopyState;
use slipway_runtime::http::request_line::permitted_by;
use slipway_runtime::token::Token;
use slipway_runtime::{Problem, clock};

use crate::change::Operator;
use crate::error::Error;
use crate::state::CentralState;
use crate::store::tokens;

/// Scope `operate`, for whatever is asked of a registry from outside.
impl<S> FromRequestParts<S> for Operator
where
    S: Send + Sync,
    CentralState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self::decide(parts, &CentralState::from_ref(state)).await?)
    }
}

impl Operator {
    async fn decide(parts: &Parts, state: &CentralState) -> Result<Self, Error> {
        let token = Token::from_headers(&parts.headers)?;
        let opened = state.central.opened()?;
        if *opened.following.copy_state.borrow() == CopyState::Behind {
            return Err(Error::TokensUnknown);
        }
        let mut connection = opened.database.read().await?;
        let grant = tokens::get(&mut connection, &token.hash())
            .await?
            .ok_or(TokenRefusal::Unknown)?;
        grant.check_alive(clock::unix_millis())?;
        permitted_by(&parts.extensions, &grant.id);
        grant.permit(Scope::Operate, None)?;
        let request_id = parts.headers.get("x-request-id");
        let request_id = request_id.and_then(|id| id.to_str().ok());
        Ok(Self {
            token_id: grant.id,
            token_name: grant.name,
            request_id: request_id.unwrap_or_default().to_owned(),
        })
    }
}
