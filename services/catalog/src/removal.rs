//! Deleting: packages that are in no release yet, and drafts with theirs. What was signed stays.

use slipway_service::Problem;
use slipway_service::token::{Grant, Scope};
use sqlx::AnyConnection;

use crate::draft;
use crate::release::Refused;
use crate::store::audit::{self, By};
use crate::store::packages::{self, Package};
use crate::store::releases::{self, Release};
use crate::store::{owners, package_rows};

/// Ends a package, and says so in the feed; the number of the change.
pub(crate) async fn end(db: &mut AnyConnection, package: &Package) -> sqlx::Result<i64> {
    packages::remove(db, &package.id).await?;
    package_rows::end(db, &package.id, &package.app, &package.sha256).await
}

/// Says of a package that is not here yet that it is not to come; `false` when it is here, or was said so before.
pub(crate) async fn forbid(db: &mut AnyConnection, app: &str, id: &str) -> sqlx::Result<bool> {
    let known = packages::by_id(db, id).await?.is_some();
    if known || package_rows::is_gone(db, id).await? {
        return Ok(false);
    }
    package_rows::end(db, id, app, "").await?;
    Ok(true)
}

/// Deletes a package for the token of `grant`, and its draft with the last one. One of several that sent the same bytes
/// takes itself out, and the package stays, unless it may release. One that is not here is not to come; one that is gone
/// is gone. Says whether it is gone now.
pub(crate) async fn package(
    db: &mut AnyConnection,
    (app, id): (&str, &str),
    grant: &Grant,
    by: By<'_>,
) -> Result<bool, Problem> {
    let releaser = grant.permit(Scope::Release, Some(app)).is_ok();
    if !releaser {
        grant.permit(Scope::Upload, Some(app))?;
    }
    let Some(package) = packages::by_id(db, id).await? else {
        // Whose it is, upload knows, which has it.
        if forbid(db, app, id).await? {
            audit::insert(db, by, "package.delete", Some(app), id).await?;
        }
        return Ok(true);
    };
    if package.app != app {
        return Err(Refused::PackageUnknown(id.to_owned()).into());
    }
    let release = match &package.release_id {
        Some(release) => Some(releases::lock(db, release).await?),
        None => None,
    };
    if let Some(release) = &release {
        check_draft(release)?;
    }
    let owners = owners::of_package(db, id).await?;
    let own = owners.iter().any(|owner| owner.token_id == grant.id);
    if !releaser && !own {
        return Err(Refused::OthersPackage(owners::names(&owners)).into());
    }
    let gone = releaser || owners.len() == 1;
    if gone {
        end(db, &package).await?;
    } else {
        owners::remove(db, id, &grant.id).await?;
    }
    if let Some(release) = &release {
        shrunk(db, release).await?;
    }
    audit::insert(db, by, "package.delete", Some(app), id).await?;
    Ok(gone)
}

/// A draft that has lost something: an empty one goes, and why another was not released is to be seen anew.
async fn shrunk(db: &mut AnyConnection, release: &Release) -> sqlx::Result<()> {
    if packages::of_release(db, &release.id).await?.is_empty() {
        return releases::remove_draft(db, &release.id).await;
    }
    releases::forget_reason_of_draft(db, &release.id).await
}

/// Deletes a draft and its packages for the token of `grant`; the number of the last change.
pub(crate) async fn draft(
    db: &mut AnyConnection,
    release: &Release,
    grant: &Grant,
    by: By<'_>,
) -> Result<i64, Problem> {
    check_draft(release)?;
    let app = Some(release.app.as_str());
    let releaser = grant.permit(Scope::Release, app).is_ok();
    let mut seq = 0;
    for package in packages::of_release(db, &release.id).await? {
        let owners = owners::of_package(db, &package.id).await?;
        if !releaser && !owners::are_only(&owners, &grant.id) {
            return Err(Refused::NotYours(release.version.clone()).into());
        }
        seq = end(db, &package).await?;
    }
    releases::remove_draft(db, &release.id).await?;
    audit::insert(db, by, "release.delete", app, &release.version).await?;
    Ok(seq)
}

/// What was begun to be signed keeps its version and its files.
fn check_draft(release: &Release) -> Result<(), Problem> {
    if draft::is_draft(release)? {
        return Ok(());
    }
    let version = release.version.clone();
    let state = release.state().map_err(Problem::internal)?;
    Err(Refused::NotDraft { version, state }.into())
}
