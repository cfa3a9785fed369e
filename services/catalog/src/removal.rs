//! Deleting, inside the caller's transaction. The rules are [`crate::rules::removal`]. Packages are gone whatever becomes of
//! their release, and upload's sweep frees their bytes.

use slipway_contract::grant::{Grant, Scope};
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::rules::draft::are_only;
use crate::rules::removal::{self as rules, Ending, Packed, Parting, Power};
use crate::rules::state::State;
use crate::store::audit::{self, By};
use crate::store::packages::{self, Package};
use crate::store::releases::{self, Release};
use crate::store::{apps, channels, owners, package_rows};

/// Ends a package, and says so in the feed; the number of the change.
pub(crate) async fn end(db: &mut AnyConnection, package: &Package) -> sqlx::Result<i64> {
    packages::remove(db, &package.id).await?;
    package_rows::end(db, &package.id, &package.app, &package.file.sha256.as_hex()).await
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

/// What a token may delete of an app.
fn power(grant: &Grant, app: &str) -> Power {
    let may = |scope| grant.permit(scope, Some(app)).is_ok();
    if may(Scope::Admin) {
        Power::Administers
    } else if may(Scope::Release) {
        Power::Releases
    } else {
        Power::Uploads
    }
}

/// Deletes a package for the token of `grant`, and its draft with the last one. One of several that sent the same bytes
/// takes itself out, and the package stays, unless it may release. One that is not here is not to come; one that is gone
/// is gone. Says whether it is gone now.
pub(crate) async fn package(
    db: &mut AnyConnection,
    (app, id): (&str, &str),
    grant: &Grant,
    by: By<'_>,
) -> Result<bool, Error> {
    let power = power(grant, app);
    if power == Power::Uploads {
        grant.permit(Scope::Upload, Some(app))?;
    }
    let Some(package) = packages::by_id(db, id).await? else {
        // Whose it is, upload knows, which has it.
        if forbid(db, app, id).await? {
            audit::insert(db, by, "package.delete", Some(app), id).await?;
        }
        return Ok(true);
    };
    let release = match package.release_id.as_deref().filter(|_| package.app == app) {
        Some(release) => Some(releases::lock(db, release).await?),
        None => None,
    };
    let packed = Packed {
        id,
        of_app: package.app == app,
        release: release.as_ref().map(Release::facts),
        owners: &owners::of_package(db, id).await?,
    };
    let parting = rules::package(&packed, &grant.id, power)?;
    match parting {
        Parting::Gone => {
            end(db, &package).await?;
        }
        Parting::TakenOut => owners::remove(db, id, &grant.id).await?,
    }
    if let Some(release) = &release {
        shrunk(db, release).await?;
    }
    audit::insert(db, by, "package.delete", Some(app), id).await?;
    Ok(parting == Parting::Gone)
}

/// A draft that has lost something: an empty one goes, and why another was not released is to be seen anew.
async fn shrunk(db: &mut AnyConnection, release: &Release) -> sqlx::Result<()> {
    if packages::of_release(db, &release.id).await?.is_empty() {
        return releases::remove_draft(db, &release.id).await;
    }
    releases::forget_reason_of_draft(db, &release.id).await
}

/// Deletes a release for the token of `grant`; the number of the last change. One that is deleted already is not changed.
pub(crate) async fn release(
    db: &mut AnyConnection,
    release: &Release,
    grant: &Grant,
    by: By<'_>,
) -> Result<i64, Error> {
    let app = release.app.as_str();
    if *release.facts().known()?.state != State::Draft {
        grant.permit(Scope::Release, Some(app))?;
    }
    let mut only_own = true;
    for package in packages::of_release(db, &release.id).await? {
        let owners = owners::of_package(db, &package.id).await?;
        only_own &= are_only(&owners, &grant.id);
    }
    let was_published = release.published_at.is_some();
    let power = power(grant, app);
    let ending = rules::release(release.facts(), was_published, only_own, power)?;
    let seq = finish(db, release, ending).await?;
    if ending != Ending::Nothing {
        audit::insert(
            db,
            by,
            "release.delete",
            Some(app),
            release.version.as_str(),
        )
        .await?;
    }
    Ok(seq)
}

/// Ends the packages of a release, and leaves of it what `ending` says; the number of the last change.
async fn finish(db: &mut AnyConnection, release: &Release, ending: Ending) -> sqlx::Result<i64> {
    if ending == Ending::Nothing {
        return Ok(release.seq);
    }
    let mut seq = 0;
    for package in packages::of_release(db, &release.id).await? {
        seq = end(db, &package).await?;
    }
    if ending == Ending::Bury {
        return releases::bury(db, &release.id).await;
    }
    releases::remove_draft(db, &release.id).await?;
    Ok(seq)
}

/// Whether a release of this version was there and was deleted: a draft leaves nothing else.
pub(crate) async fn was_deleted(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<bool> {
    let Ok(version) = version.parse() else {
        return Ok(false);
    };
    let deleted = audit::subjects(db, "release.delete", app).await?;
    Ok(rules::was_deleted(&version, &deleted))
}

/// Deletes an app with everything in it; the number of the last change.
pub(crate) async fn app(db: &mut AnyConnection, slug: &str, by: By<'_>) -> sqlx::Result<i64> {
    for release in releases::of_app(db, slug).await? {
        let release = releases::lock(db, &release.id).await?;
        finish(db, &release, rules::with_its_app(&release.state)).await?;
    }
    for package in packages::on_their_own(db, slug).await? {
        end(db, &package).await?;
    }
    let seq = apps::bury(db, slug, clock::unix_millis()).await?;
    audit::insert(db, by, "app.delete", Some(slug), slug).await?;
    Ok(seq)
}

/// Deletes a channel that gives nobody anything; the number of the last change, `None` when there is no such channel.
pub(crate) async fn channel(
    db: &mut AnyConnection,
    (app, channel): (&str, &str),
    by: By<'_>,
) -> Result<Option<i64>, Error> {
    let releases = releases::of_channel(db, app, channel).await?;
    if releases.is_empty() {
        return Ok(None);
    }
    let filling = releases.iter();
    let filling: Vec<_> = filling
        .map(|release| (release.version.as_str(), &release.state))
        .collect();
    rules::channel(channel, &filling)?;
    let mut seq = 0;
    for release in &releases {
        releases::leave_channel(db, &release.id, channel).await?;
        seq = releases::touch(db, &release.id).await?;
    }
    channels::forget(db, app, channel).await?;
    audit::insert(db, by, "channel.delete", Some(app), channel).await?;
    Ok(Some(seq))
}
