//! Drafts: finding or making one, adding packages, and the intent to publish, all inside the caller's transaction. The
//! rules are [`crate::rules::draft`].

use slipway_contract::{Version, Word};
use slipway_runtime::clock;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::refusal;
use crate::rules::channel::Place;
use crate::rules::delivery::Delivered;
use crate::rules::draft::{self as rules, Adding, SameName, Speller, Spelling, Taking};
use crate::rules::given::Given;
use crate::rules::release::{self, Way};
use crate::store::audit::By;
use crate::store::packages::{self, Package};
use crate::store::releases::{self, Release};
use crate::store::{draft_notes, identities, owners, package_rows};
use crate::{channels, removal};

/// The release of a version, made as a draft when there is none. Another spelling of a version that is there is
/// refused, or takes the place of that in a draft.
pub(crate) async fn find_or_make(
    db: &mut AnyConnection,
    app: &str,
    version: &Version,
    speller: Speller<'_>,
) -> Result<Release, Error> {
    crate::app::find(db, app).await?;
    let key = version.order_key();
    let version = version.as_str();
    let id = Uuid::now_v7().to_string();
    releases::insert(db, &id, app, (version, key), clock::unix_millis()).await?;
    let release = releases::by_version(db, app, key)
        .await?
        .ok_or_else(|| Error::internal("a release that was just made is not there"))?;
    let release = releases::lock(db, &release.id).await?;
    let may = match speller {
        Speller::Token(token) => owners::all_of(db, &release.id, token).await?,
        Speller::Releaser => true,
    };
    match rules::spell(release.facts(), version, may)? {
        Spelling::Same => Ok(release),
        Spelling::Anew => {
            releases::spell(db, &release.id, version).await?;
            let version = version.to_owned();
            Ok(Release {
                version: Word::read(version),
                ..release
            })
        }
    }
}

/// Adds a delivered package to its release, in the place of the token's own other bytes under that name, or finds the one
/// that is there with the same bytes.
pub(crate) async fn add(
    db: &mut AnyConnection,
    release: &Release,
    delivery: &Delivered,
    by: By<'_>,
) -> Result<Package, Error> {
    let there = packages::of_release(db, &release.id).await?;
    let (filename, sha256) = (
        delivery.file.filename.as_str(),
        delivery.file.sha256.as_hex(),
    );
    let same = there
        .iter()
        .find(|package| package.file.filename == delivery.file.filename);
    let named = match same {
        Some(same) => Some(SameName {
            sha256: same.file.sha256.as_hex(),
            owners: owners::of_package(db, &same.id).await?,
        }),
        None => None,
    };
    let names = names(&there);
    let file = (filename, &*sha256);
    let adding = rules::add(release.facts(), file, &names, named.as_ref(), by.token_id)?;
    match (adding, same) {
        (Adding::There, Some(same)) => {
            owners::add(db, &same.id, by).await?;
            return Ok(same.clone());
        }
        (Adding::Replace, Some(same)) => {
            removal::end(db, same).await?;
        }
        (Adding::New, _) | (_, None) => {}
    }
    put(db, Some(&release.id), delivery, by).await
}

/// A new package, of a release or on its own. One that was deleted before it came, or in whose place another was put,
/// does not come any more.
pub(crate) async fn put(
    db: &mut AnyConnection,
    release_id: Option<&str>,
    delivery: &Delivered,
    by: By<'_>,
) -> Result<Package, Error> {
    let (id, app) = (&delivery.id, delivery.app.as_str());
    if !package_rows::insert(db, id, app, &delivery.file.sha256.as_hex()).await? {
        return Err(refusal::Package::Gone(id.clone()).into());
    }
    packages::insert(db, delivery, release_id, clock::unix_millis()).await?;
    owners::add(db, id, by).await?;
    let package = find(db, id).await?;
    identities::insert(db, &package).await?;
    Ok(package)
}

/// Gives packages on their own to a release.
pub(crate) async fn take(
    db: &mut AnyConnection,
    release: &Release,
    ids: &[String],
) -> Result<(), Error> {
    for id in ids {
        let package = find(db, id).await?;
        let there = packages::of_release(db, &release.id).await?;
        let taking = Taking {
            id,
            filename: package.file.filename.as_str(),
            of_app: package.app == release.app.as_str(),
            is_in: package.release_id.as_deref() == Some(&release.id),
        };
        let takes = rules::take(release.facts(), &taking, &names(&there))?;
        if takes && !packages::assign(db, id, &release.id).await? {
            return Err(refusal::Package::Taken(id.clone()).into());
        }
    }
    Ok(())
}

/// Asks for a release to be published to a channel. One that is on its way or published only joins the channel; `false`
/// when it is in the channel already, or stays out of it.
pub(crate) async fn publish(
    db: &mut AnyConnection,
    release: &Release,
    place: Place<'_>,
) -> Result<bool, Error> {
    let is_empty = packages::of_release(db, &release.id).await?.is_empty();
    let way = release::publish(release.facts(), is_empty)?;
    channels::check(db, release.app.as_str(), place.channel, place.create).await?;
    let joined = channels::join(db, release, place).await?;
    let goes = joined || matches!(way, Way::Start { .. });
    if goes {
        crate::release::send(db, release, way).await?;
    }
    Ok(goes)
}

/// Gives a release that is published the notes of who publishes it.
pub(crate) async fn note(
    db: &mut AnyConnection,
    release: &Release,
    token_id: &str,
    notes: Option<&str>,
) -> Result<(), Error> {
    if !release.facts().known()?.state.is_open() {
        return Ok(());
    }
    let own = draft_notes::of_token(db, (&release.id, token_id)).await?;
    if let Given::Yes(notes) = release::notes(notes, own.as_deref()) {
        releases::set_notes(db, &release.id, notes).await?;
    }
    Ok(draft_notes::forget(db, &release.id).await?)
}

fn names(packages: &[Package]) -> Vec<&str> {
    packages
        .iter()
        .map(|package| package.file.filename.as_str())
        .collect()
}

async fn find(db: &mut AnyConnection, id: &str) -> Result<Package, Error> {
    let unknown = || refusal::Package::Unknown(id.to_owned());
    // An id out of a document may hold what PostgreSQL takes in no text.
    id.parse::<Uuid>().map_err(|_| unknown())?;
    Ok(packages::by_id(db, id).await?.ok_or_else(unknown)?)
}
