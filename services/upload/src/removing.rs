//! Deleting a package: the catalog says whether it may go, and nothing is done here before it has agreed.

use http::{Method, StatusCode};
use slipway_service::Problem;
use slipway_service::api::{Removal, Removed};
use slipway_service::internal::client::CallError;
use slipway_service::token::Scope;

use crate::UploadState;
use crate::permission::Asker;
use crate::store::packages::{self, Package};
use crate::store::{outbox, replacements};

/// Deletes a package for who asks. One that is gone is gone, and one that the catalog says others have sent too stays.
pub(crate) async fn remove(
    state: &UploadState,
    asker: &Asker,
    package: &Package,
) -> Result<(), Problem> {
    let gone = match &*package.state {
        // The same again, by whoever had sent it: nothing is done.
        "removed" => {
            let releases = asker.permit(Scope::Release);
            return releases.or_else(|_| asker.permit(Scope::Upload));
        }
        // The catalog never had what it has refused.
        "refused" => permit(asker, package).map(|()| true)?,
        "stored" => {
            permit_waiting(state, asker, package).await?;
            remove_replaced(state, asker, package).await?;
            agree(state, asker, package).await?
        }
        _ => agree(state, asker, package).await?,
    };
    if gone {
        end(state, package).await?;
    }
    Ok(())
}

async fn end(state: &UploadState, package: &Package) -> Result<(), Problem> {
    let mut transaction = state.database.write().await?;
    packages::remove_one(&mut transaction, &package.id).await?;
    transaction.commit().await?;
    state.outbox.raise();
    Ok(())
}

/// Deletes what waits behind `package` because that took its place: it would be released when that is gone.
async fn remove_replaced(
    state: &UploadState,
    asker: &Asker,
    package: &Package,
) -> Result<(), Problem> {
    let mut connection = state.database.read().await?;
    let mut waiting = Vec::new();
    for id in replacements::of_package(&mut connection, &package.id).await? {
        let replaced = packages::by_id(&mut connection, &id).await?;
        waiting.extend(replaced.filter(|replaced| replaced.state == "stored"));
    }
    drop(connection);
    for replaced in waiting {
        permit_waiting(state, asker, &replaced).await?;
        if agree(state, asker, &replaced).await? {
            end(state, &replaced).await?;
        }
    }
    Ok(())
}

/// The catalog may not have it yet, and then does not know whose it is. What more tokens have sent is theirs too: one of
/// them must not take it from the others.
async fn permit_waiting(
    state: &UploadState,
    asker: &Asker,
    package: &Package,
) -> Result<(), Problem> {
    permit(asker, package)?;
    if asker.permit(Scope::Release).is_ok() {
        return Ok(());
    }
    let mut connection = state.database.read().await?;
    if outbox::has_others(&mut connection, &package.id, &asker.grant.id).await? {
        return Err(away(
            "another token has sent this package too, and the catalog has not been told of it yet; nothing is deleted: try again",
        ));
    }
    Ok(())
}

/// What the catalog does not have is deleted by its token, and by who may release.
fn permit(asker: &Asker, package: &Package) -> Result<(), Problem> {
    if asker.permit(Scope::Release).is_ok() {
        return Ok(());
    }
    asker.permit(Scope::Upload)?;
    if package.token_id == asker.grant.id {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "scope_missing",
        format!(
            "the token {} uploaded this package: delete it with that one, or with a token that has the scope release",
            package.token_name
        ),
    ))
}

/// Whether it is gone at the catalog now.
async fn agree(state: &UploadState, asker: &Asker, package: &Package) -> Result<bool, Problem> {
    let removal = Removal {
        package: package.known_as.as_ref().unwrap_or(&package.id).clone(),
        app: package.app.clone(),
        token_id: asker.grant.id.clone(),
        request_id: asker.request_id.clone(),
    };
    let client = &state.peers.client;
    let call = client.call::<Removed>(
        "catalog",
        Method::POST,
        "/internal/removals",
        Some(&removal),
    );
    match call.await {
        Ok(removed) => Ok(removed.gone),
        Err(CallError::Refused {
            status,
            code,
            detail,
            ..
        }) => Err(refusal(status, &code, detail)),
        // What it says of the token, and not of this service.
        Err(CallError::Failed {
            status,
            code,
            detail,
            ..
        }) if REFUSALS.contains(&&*code) => Err(refusal(status, &code, detail)),
        Err(CallError::Failed { status, detail, .. })
            if status == StatusCode::SERVICE_UNAVAILABLE && !detail.is_empty() =>
        {
            Err(away(detail))
        }
        Err(error) => Err(away(
            "the catalog, which has to agree, does not answer; nothing is deleted: try again",
        )
        .with_cause(error)),
    }
}

fn refusal(status: StatusCode, code: &str, detail: String) -> Problem {
    let known = REFUSALS.iter().find(|known| **known == code);
    Problem::new(status, known.copied().unwrap_or("removal_refused"), detail)
}

fn away(detail: impl Into<String>) -> Problem {
    Problem::unavailable("catalog_unavailable", detail)
}

/// Codes with which the catalog refuses a removal.
const REFUSALS: [&str; 7] = [
    "app_deleted",
    "package_unknown",
    "release_not_draft",
    "scope_missing",
    "token_expired",
    "token_invalid",
    "token_of_another_app",
];
