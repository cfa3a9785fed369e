//! Deleting a package: the catalog says whether it may go, and nothing is done here before it has agreed.

use http::{Method, StatusCode};
use slipway_contract::grant::Scope;
use slipway_contract::internal::{Removal, Removed};
use slipway_peers::client::CallError;
use slipway_runtime::Problem;

use crate::error::Error;
use crate::permission::Asker;
use crate::rules::removal::{self, Effect, Facts, Refusal};
use crate::state::UploadState;
use crate::store::packages::{self, Package};
use crate::store::state::State;
use crate::store::{outbox, replacements};

/// Deletes a package for who asks. One that is gone is gone, and one that the catalog says others have sent too stays.
pub(crate) async fn remove(
    state: &UploadState,
    asker: &Asker,
    package: &Package,
) -> Result<(), Error> {
    let shared = is_shared(state, asker, package).await?;
    let gone = match removal::decide(facts(asker, package, shared))? {
        Effect::Nothing => false,
        Effect::End => true,
        Effect::AgreeWithReplaced => {
            remove_replaced(state, asker, package).await?;
            agree(state, asker, package).await?
        }
        Effect::Agree => agree(state, asker, package).await?,
    };
    if gone {
        end(state, package).await?;
    }
    Ok(())
}

/// Whether another token's intent waits for the catalog to be told of the package.
async fn is_shared(state: &UploadState, asker: &Asker, package: &Package) -> sqlx::Result<bool> {
    let mut connection = state.database.read().await?;
    outbox::has_others(&mut connection, &package.id, &asker.grant.id).await
}

fn facts<'a>(asker: &Asker, package: &'a Package, shared: bool) -> Facts<'a> {
    Facts {
        state: &package.state,
        token_name: &package.token_name,
        own: package.token_id == asker.grant.id,
        releases: asker.permit(Scope::Release).is_ok(),
        shared,
    }
}

async fn end(state: &UploadState, package: &Package) -> Result<(), Error> {
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
) -> Result<(), Error> {
    let mut connection = state.database.read().await?;
    let mut waiting = Vec::new();
    for id in replacements::of_package(&mut connection, &package.id).await? {
        let replaced = packages::by_id(&mut connection, &id).await?;
        waiting.extend(replaced.filter(|replaced| replaced.state == State::Stored));
    }
    drop(connection);
    for replaced in waiting {
        let shared = is_shared(state, asker, &replaced).await?;
        removal::check_waiting(facts(asker, &replaced, shared))?;
        if agree(state, asker, &replaced).await? {
            end(state, &replaced).await?;
        }
    }
    Ok(())
}

/// Whether it is gone at the catalog now.
async fn agree(state: &UploadState, asker: &Asker, package: &Package) -> Result<bool, Error> {
    let removal = Removal {
        package: package.known_as.as_ref().unwrap_or(&package.id).clone(),
        app: package.app.to_string(),
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
        Err(error) => Err(refusal(error)),
    }
}

/// What the catalog says that does not agree.
fn refusal(error: CallError) -> Error {
    match error {
        CallError::Refused {
            status,
            code,
            detail,
            ..
        } => Refusal::Catalog {
            status,
            code,
            detail,
        }
        .into(),
        CallError::Failed {
            status,
            code,
            detail,
            ..
        } if code
            .known()
            .is_some_and(|code| removal::CODES.contains(code)) =>
        {
            Refusal::Catalog {
                status,
                code,
                detail,
            }
            .into()
        }
        CallError::Failed { status, detail, .. }
            if status == StatusCode::SERVICE_UNAVAILABLE && !detail.is_empty() =>
        {
            Refusal::CatalogUnavailable(detail).into()
        }
        error => Problem::from(Refusal::CatalogAway).with_cause(error).into(),
    }
}
