//! Finding the release that a request names, and changing what may be changed of it: the rules are
//! [`crate::rules::release`].

use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::refusal;
use crate::rules::release::{self as rules, Offer, Way};
use crate::rules::state::State;
use crate::rules::text;
use crate::store::releases::{self, Release};
use crate::store::{draft_notes, jobs, packages};

/// The release of a version in any spelling that is equal in order.
pub(crate) async fn find(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> Result<Release, Error> {
    crate::app::find(db, app).await?;
    let parsed = text::version_to_find(version)?;
    let release = releases::by_version(db, app, parsed.order_key()).await?;
    release.ok_or_else(|| refusal::Release::Unknown(version.to_owned()).into())
}

/// The same, kept from everybody else until the transaction ends.
pub(crate) async fn find_to_change(
    db: &mut AnyConnection,
    app: &str,
    version: &str,
) -> Result<Release, Error> {
    let release = find(db, app, version).await?;
    Ok(releases::lock(db, &release.id).await?)
}

/// Sends a draft or a failed release on its way; one that is on it only joined a channel.
pub(crate) async fn send(db: &mut AnyConnection, release: &Release, way: Way) -> sqlx::Result<()> {
    let Way::Start { again } = way else {
        releases::touch(db, &release.id).await?;
        return Ok(());
    };
    let now = clock::unix_millis();
    if again {
        packages::forget_signatures(db, &release.id).await?;
    }
    let change = (&release.state, &State::Signing);
    releases::advance(db, &release.id, change, None, now).await?;
    jobs::queue(db, "release", &release.id, now).await
}

/// Takes a release from its users, or gives it to them again. It has the reason only while it is yanked.
pub(crate) async fn turn_over(
    db: &mut AnyConnection,
    release: &Release,
    offer: Offer,
    reason: &str,
) -> Result<(), Error> {
    let (from, to) = rules::turn_over(release.facts(), offer)?;
    let kept = (to == State::Yanked).then_some(reason);
    let now = clock::unix_millis();
    releases::advance(db, &release.id, (&from, &to), kept, now).await?;
    Ok(())
}

/// Gives a release other notes; says whether they are others.
pub(crate) async fn edit(
    db: &mut AnyConnection,
    release: &Release,
    notes: Option<&str>,
) -> Result<bool, Error> {
    let edit = rules::edit(release.facts(), release.notes.as_deref(), notes)?;
    if edit.forget_drafted {
        draft_notes::forget(db, &release.id).await?;
    }
    if edit.change {
        releases::set_notes(db, &release.id, notes).await?;
    }
    if edit.tell {
        releases::touch(db, &release.id).await?;
    }
    Ok(edit.change)
}
