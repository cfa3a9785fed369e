//! Who asks, decided by the copy alone: upload goes on deciding while the catalog is away.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use http::StatusCode;
use http::request::Parts;
use slipway_service::changes::follow::CopyState;
use slipway_service::http::request_line::permitted_by;
use slipway_service::token::{Grant, Scope, Token, unknown_token};
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;

use crate::UploadState;
use crate::store::copy;
use crate::storing::By;

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
    pub(crate) fn permit(&self, scope: Scope) -> Result<(), Problem> {
        Ok(self.grant.permit(scope, Some(&self.app))?)
    }

    /// For what everybody may read who may read or upload.
    pub(crate) fn permit_reading(&self) -> Result<(), Problem> {
        self.permit(Scope::Upload)
            .or_else(|_| self.permit(Scope::Read))
    }
}

impl FromRequestParts<UploadState> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &UploadState) -> Result<Self, Problem> {
        let token = Token::from_headers(&parts.headers)?;
        let token_hash = token.hash();
        let mut connection = state.database.read().await?;
        let grant = alive(state, &mut connection, &token_hash).await?;
        permitted_by(&parts.extensions, &grant.id);
        let Path(mut path) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        let app = path.remove("app").unwrap_or_default();
        match copy::is_deleted(&mut connection, &app).await? {
            None => return Err(app_unknown(&app)),
            Some(true) => return Err(app_deleted(&app)),
            Some(false) => {}
        }
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

/// Judges the token of an upload as it is now, before what it sent is kept: a body takes hours, and its token may be
/// revoked or expire meanwhile.
pub(crate) async fn judge(state: &UploadState, by: &By, releases: bool) -> Result<(), Problem> {
    let mut connection = state.database.read().await?;
    let grant = alive(state, &mut connection, &by.token_hash).await?;
    if copy::is_deleted(&mut connection, &by.app).await? == Some(true) {
        return Err(app_deleted(&by.app));
    }
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
pub(crate) async fn until_refused(state: &UploadState, by: &By) -> Problem {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        match judge(state, by, false).await {
            Err(problem) if problem.status.is_client_error() => return problem,
            // A database that does not answer says nothing of the token.
            Ok(()) | Err(_) => {}
        }
    }
}

/// What the token with this hash permits, as the copy has it now; 401 when it is not alive.
async fn alive(state: &UploadState, db: &mut AnyConnection, hash: &str) -> Result<Grant, Problem> {
    if *state.following.copy_state.borrow() == CopyState::Behind {
        return Err(Problem::unavailable(
            "not_ready",
            "this instance has just started and does not know the tokens yet: try again",
        ));
    }
    let permits = copy::token(db, hash).await?.ok_or_else(unknown_token)?;
    let grant: Grant = serde_json::from_str(&permits).map_err(Problem::internal)?;
    grant.check_alive(clock::unix_millis())?;
    Ok(grant)
}

fn app_deleted(app: &str) -> Problem {
    Problem::new(
        StatusCode::GONE,
        "app_deleted",
        format!("the app {app} was deleted, and its slug stays taken: make one with another slug"),
    )
}

fn app_unknown(app: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "app_unknown",
        format!("there is no app {app}: make it with POST /api/v1/apps or check the spelling"),
    )
}
