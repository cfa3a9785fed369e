//! Making a release of exactly what was chosen, inside the caller's transaction. The rules are [`crate::rules::choice`].

use sqlx::AnyConnection;

use crate::draft;
use crate::error::Error;
use crate::rules::choice::{self as rules, Choice, Drafted, Lying};
use crate::rules::draft::leave_out;
use crate::rules::state::State;
use crate::store::owners;
use crate::store::packages;
use crate::store::releases::Release;

/// Makes the release hold exactly what was chosen. What else lay in its draft leaves it and is on its own: nothing that
/// nobody named is released, and nobody's file keeps a version from being released.
pub(crate) async fn choose(
    db: &mut AnyConnection,
    release: &Release,
    choice: Choice<'_>,
) -> Result<(), Error> {
    let left = match choice {
        Choice::Own(token) => return check_own(db, release, token).await,
        Choice::Packages(ids) => {
            draft::take(db, release, ids).await?;
            let there = packages::of_release(db, &release.id).await?;
            let ids_there = there.into_iter().map(|package| package.id);
            ids_there.filter(|id| !ids.contains(id)).collect()
        }
        Choice::Files(files) => rules::left_out(&drafted(db, release).await?, files)?,
    };
    for id in &left {
        leave_out(release.facts())?;
        packages::leave_out(db, id).await?;
    }
    Ok(())
}

/// Refuses a draft that holds what another token put there.
pub(crate) async fn check_own(
    db: &mut AnyConnection,
    release: &Release,
    token: &str,
) -> Result<(), Error> {
    if *release.facts().known()?.state != State::Draft {
        return Ok(());
    }
    Ok(rules::own(&drafted(db, release).await?, token)?)
}

/// What lies in a draft, and whose it is.
async fn drafted<'a>(db: &mut AnyConnection, release: &'a Release) -> sqlx::Result<Drafted<'a>> {
    let mut lying = Vec::new();
    for package in packages::of_release(db, &release.id).await? {
        lying.push(Lying {
            owners: owners::of_package(db, &package.id).await?,
            id: package.id,
            filename: package.file.filename.to_string(),
            sha256: package.file.sha256.as_hex(),
            platform: package.file.platform.to_string(),
        });
    }
    Ok(Drafted {
        app: release.app.as_str(),
        version: release.version.as_str(),
        packages: lying,
    })
}
