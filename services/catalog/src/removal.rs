//! Deleting. What nobody was promised is gone: packages that are in no release yet, drafts with theirs, channels without
//! releases. Of what others may know, releases and apps, a row stays for ever, so that no other takes its name. Its
//! packages are gone either way, and upload's sweep frees their bytes.

use slipway_packages::Version;
use slipway_service::token::{Grant, Scope};
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;

use crate::draft;
use crate::release::{Refused, State};
use crate::store::audit::{self, By};
use crate::store::packages::{self, Package};
use crate::store::releases::{self, Release};
use crate::store::{apps, channels, owners, package_rows};

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

/// Deletes a release for the token of `grant`, whatever its state; the number of the last change. One that is deleted
/// already is not changed.
///
/// Whoever has a token of CI may take back what CI brings, a draft and what failed; what users were given needs an
/// administrator's, since nobody can undo it: a leaked token must not take the history of an app.
pub(crate) async fn release(
    db: &mut AnyConnection,
    release: &Release,
    grant: &Grant,
    by: By<'_>,
) -> Result<i64, Problem> {
    let state = release.state().map_err(Problem::internal)?;
    if state == State::Draft {
        return draft(db, release, grant, by).await;
    }
    let app = Some(release.app.as_str());
    grant.permit(Scope::Release, app)?;
    if state == State::Deleted {
        return Ok(release.seq);
    }
    if release.published_at.is_some() && grant.permit(Scope::Admin, app).is_err() {
        return Err(Refused::NeedsAdmin(release.version.clone()).into());
    }
    let seq = bury(db, release).await?;
    audit::insert(db, by, "release.delete", app, &release.version).await?;
    Ok(seq)
}

/// Ends the packages of a release, and leaves nothing of it but its version.
async fn bury(db: &mut AnyConnection, release: &Release) -> sqlx::Result<i64> {
    for package in packages::of_release(db, &release.id).await? {
        end(db, &package).await?;
    }
    releases::bury(db, &release.id).await
}

/// Whether a release of this version was there and was deleted, in whatever spelling: a draft leaves nothing else.
pub(crate) async fn was_deleted(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> sqlx::Result<bool> {
    let Ok(version) = version.parse::<Version>() else {
        return Ok(false);
    };
    let same = |deleted: &String| {
        let deleted = deleted.parse::<Version>();
        deleted.is_ok_and(|deleted| deleted.order_key() == version.order_key())
    };
    let deleted = audit::subjects(db, "release.delete", app).await?;
    Ok(deleted.iter().any(same))
}

/// Deletes an app with everything in it; the number of the last change.
pub(crate) async fn app(db: &mut AnyConnection, slug: &str, by: By<'_>) -> Result<i64, Problem> {
    for release in releases::of_app(db, slug).await? {
        let release = releases::lock(db, &release.id).await?;
        // One in a state that is not known here is buried like the others: nothing of the app is left.
        match release.state() {
            Ok(State::Deleted) => {}
            Ok(State::Draft) => {
                for package in packages::of_release(db, &release.id).await? {
                    end(db, &package).await?;
                }
                releases::remove_draft(db, &release.id).await?;
            }
            _ => {
                bury(db, &release).await?;
            }
        }
    }
    for package in packages::on_their_own(db, slug).await? {
        end(db, &package).await?;
    }
    let seq = apps::bury(db, slug, clock::unix_millis()).await?;
    audit::insert(db, by, "app.delete", Some(slug), slug).await?;
    Ok(seq)
}

/// Deletes a channel that gives nobody anything; the number of the last change, `None` when there is no such channel. A
/// yanked release leaves it: put back, it is in its other channels.
pub(crate) async fn channel(
    db: &mut AnyConnection,
    (app, channel): (&str, &str),
    by: By<'_>,
) -> Result<Option<i64>, Problem> {
    let releases = releases::of_channel(db, app, channel).await?;
    if releases.is_empty() {
        return Ok(None);
    }
    let fills = |release: &&Release| {
        // What a later version makes of a release is not known: it counts.
        let empty = [State::Yanked, State::Deleted];
        !release.state().is_ok_and(|state| empty.contains(&state))
    };
    let filling = releases.iter().filter(fills);
    let filling: Vec<_> = filling.map(|release| release.version.clone()).collect();
    if !filling.is_empty() {
        let channel = channel.to_owned();
        return Err(Refused::ChannelNotEmpty { channel, filling }.into());
    }
    let mut seq = 0;
    for release in &releases {
        releases::leave_channel(db, &release.id, channel).await?;
        seq = releases::touch(db, &release.id).await?;
    }
    channels::forget(db, app, channel).await?;
    audit::insert(db, by, "channel.delete", Some(app), channel).await?;
    Ok(Some(seq))
}

/// Deletes a draft and its packages for the token of `grant`; the number of the last change.
async fn draft(
    db: &mut AnyConnection,
    release: &Release,
    grant: &Grant,
    by: By<'_>,
) -> Result<i64, Problem> {
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
