//! Who asks, decided by the copy alone: upload goes on deciding while the catalog is away.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use slipway_contract::grant::{Grant, Scope, TokenRefusal};
use slipway_database::replica::follow::CopyState;
use slipway_runtime::http::request_line::permitted_by;
use slipway_runtime::token::Token;
use slipway_runtime::{Problem, clock};
use sqlx::AnyConnection;

use crate::error::Error;
use crate::rules::permission::{self, App};
use crate::state::UploadState;
use crate::store::copy;

/// The token of a request, known and alive, and the app that its path names. It is extracted before anything else of
/// the request is looked at, and long before its body: a stranger's gigabytes are not read. What a body brought is judged
/// once more when it is there, by [`judge`].
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) grant: Grant,
    /// Of the token's text, by which the copy knows it.
    pub(crate) token_hash: String,
    pub(crate) app: String,
    pub(crate) request_id: String,
}

impl Asker {
    pub(crate) fn permit(&self, scope: Scope) -> Result<(), Error> {
        Ok(self.grant.permit(scope, Some(&self.app))?)
    }

    /// For what everybody may read who may read or upload.
    pub(crate) fn permit_reading(&self) -> Result<(), Error> {
        self.permit(Scope::Upload)
            .or_else(|_| self.permit(Scope::Read))
    }
}

impl FromRequestParts<UploadState> for Asker {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &UploadState) -> Result<Self, Error> {
        let token = Token::from_headers(&parts.headers)?;
        let token_hash = token.hash();
        let mut connection = state.database.read().await?;
        let grant = alive(state, &mut connection, &token_hash).await?;
        permitted_by(&parts.extensions, &grant.id);
        let Path(mut path) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        let app = path.remove("app").ok_or_else(Problem::not_found)?;
        let there = App::of(copy::is_deleted(&mut connection, &app).await?);
        permission::check_app(there, &app)?;
        let request_id = parts.headers.get("x-request-id");
        let request_id = request_id.and_then(|id| id.to_str().ok());
        Ok(Self {
            grant,
            token_hash,
            app,
            request_id: request_id.unwrap_or_default().to_owned(),
        })
    }
}

/// Who uploads, and where to.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) app: String,
    pub(crate) token_hash: String,
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
}

impl From<Asker> for By {
    fn from(asker: Asker) -> Self {
        Self {
            app: asker.app,
            token_hash: asker.token_hash,
            token_id: asker.grant.id,
            token_name: asker.grant.name,
            request_id: asker.request_id,
        }
    }
}

/// Judges the token of an upload as it is now, before what it sent is kept: a body takes hours, and its token may be
/// revoked or expire meanwhile.
pub(crate) async fn judge(state: &UploadState, by: &By, releases: bool) -> Result<(), Error> {
    let mut connection = state.database.read().await?;
    let grant = alive(state, &mut connection, &by.token_hash).await?;
    let there = App::of(copy::is_deleted(&mut connection, &by.app).await?);
    permission::check_app_still(there, &by.app)?;
    grant.permit(Scope::Upload, Some(&by.app))?;
    if releases {
        grant.permit(Scope::Release, Some(&by.app))?;
    }
    Ok(())
}

/// How often the token of a body that is under way is judged.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Returns when `by` may not upload any more: whose token was revoked must not go on to fill the disk for as long as a body
/// may take.
pub(crate) async fn until_refused(state: &UploadState, by: &By) -> Error {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        match judge(state, by, false).await {
            Err(error) if error.is_final() => return error,
            // A database that does not answer says nothing of the token.
            Ok(()) | Err(_) => {}
        }
    }
}

/// What the token with this hash permits, as the copy has it now; 401 when it is not alive.
async fn alive(state: &UploadState, db: &mut AnyConnection, hash: &str) -> Result<Grant, Error> {
    let copy_state = *state.following.copy_state.borrow();
    permission::check_copy(copy_state == CopyState::Behind)?;
    let grant = copy::token(db, hash).await?.ok_or(TokenRefusal::Unknown)?;
    grant.check_alive(clock::unix_millis())?;
    Ok(grant)
}
