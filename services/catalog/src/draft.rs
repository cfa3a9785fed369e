//! Drafts: finding or making one, adding packages, and the intent to publish, all inside the caller's transaction.

use slipway_packages::shown::{self, TextError, twin};
use slipway_packages::{Slug, Version};
use slipway_service::{Problem, clock};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::channels::{self, Place};
use crate::delivery::Delivered;
use crate::release::{Refused, State as Stage};
use crate::removal;
use crate::store::audit::By;
use crate::store::packages::{self, Package};
use crate::store::releases::{self, Release};
use crate::store::{draft_notes, identities, jobs, owners, package_rows};

/// Characters of notes: a long page.
const MAX_NOTES: usize = 64 * 1024;

pub(crate) fn parse_version(text: &str) -> Result<Version, Problem> {
    text.parse()
        .map_err(|error: slipway_packages::VersionError| {
            Problem::unprocessable("version_invalid", error.to_string())
        })
}

pub(crate) fn parse_channel(text: &str) -> Result<Slug, Problem> {
    text.parse().map_err(|error: slipway_packages::SlugError| {
        Problem::unprocessable("channel_invalid", error.to_string())
    })
}

/// Notes or a reason as they are kept.
pub(crate) fn prose(text: &str) -> Result<String, Problem> {
    shown::prose(text, MAX_NOTES).map_err(|error| match error {
        TextError::TooLong(..) => Problem::unprocessable(
            "notes_too_long",
            "notes are 65,536 characters at most: shorten them",
        ),
        error => Problem::unprocessable(
            "text_refused",
            format!("the text is refused: {error}; leave that out"),
        ),
    })
}

/// Who may spell the version of a draft anew: a draft takes no version, in no spelling.
#[derive(Clone, Copy)]
pub(crate) enum Speller<'a> {
    /// The token that put all of it there.
    Token(&'a str),
    /// Whoever names all that is released.
    Releaser,
}

/// The release of a version, made as a draft when there is none. Another spelling of a version that is there is
/// refused, or takes the place of that in a draft: `1.0` and `1.0.0` would be two names for one place in the order.
pub(crate) async fn find_or_make(
    db: &mut AnyConnection,
    app: &str,
    version: &Version,
    speller: Speller<'_>,
) -> Result<Release, Problem> {
    crate::app::find(db, app).await?;
    let key = version.order_key();
    let version = version.as_str();
    let id = Uuid::now_v7().to_string();
    releases::insert(db, &id, app, (version, key), clock::unix_millis()).await?;
    let release = releases::by_version(db, app, key)
        .await?
        .ok_or_else(|| Problem::internal("a release that was just made is not there"))?;
    let release = releases::lock(db, &release.id).await?;
    spell(db, release, version, speller).await
}

/// The release under this spelling of its version.
async fn spell(
    db: &mut AnyConnection,
    release: Release,
    version: &str,
    speller: Speller<'_>,
) -> Result<Release, Problem> {
    if release.version == version {
        return Ok(release);
    }
    let given = version.to_owned();
    if is_deleted(&release) {
        return Err(Refused::Deleted(release.version).into());
    }
    if !is_draft(&release)? {
        let taken = release.version;
        return Err(Refused::VersionTaken { given, taken }.into());
    }
    let may = match speller {
        Speller::Token(token) => owners::all_of(db, &release.id, token).await?,
        Speller::Releaser => true,
    };
    if !may {
        let drafted = release.version;
        return Err(Refused::DraftedOtherwise { given, drafted }.into());
    }
    releases::spell(db, &release.id, version).await?;
    let version = given;
    Ok(Release { version, ..release })
}

/// Adds a delivered package to its release, in the place of the token's own other bytes under that name, or finds the one
/// that is there with the same bytes.
pub(crate) async fn add(
    db: &mut AnyConnection,
    release: &Release,
    delivery: &Delivered,
    by: By<'_>,
) -> Result<Package, Problem> {
    let there = packages::of_release(db, &release.id).await?;
    check_spelling(release, &there, delivery.filename.as_str())?;
    if let Some(package) = there
        .into_iter()
        .find(|package| package.filename == delivery.filename.as_str())
    {
        if package.sha256 == delivery.sha256.as_hex() {
            owners::add(db, &package.id, by).await?;
            return Ok(package);
        }
        check_own(db, release, &package, by).await?;
        removal::end(db, &package).await?;
    } else {
        check_open(release, delivery.filename.as_str())?;
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
) -> Result<Package, Problem> {
    let (id, app) = (&delivery.id, delivery.app.as_str());
    if !package_rows::insert(db, id, app, &delivery.sha256.as_hex()).await? {
        return Err(Refused::Gone(id.clone()).into());
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
) -> Result<(), Problem> {
    for id in ids {
        let package = find(db, id).await?;
        if package.app != release.app {
            return Err(Refused::PackageUnknown(id.clone()).into());
        }
        if package.release_id.as_deref() == Some(&release.id) {
            continue;
        }
        check_open(release, &package.filename)?;
        let there = packages::of_release(db, &release.id).await?;
        check_spelling(release, &there, &package.filename)?;
        if there.iter().any(|other| other.filename == package.filename) {
            let (version, filename) = (release.version.clone(), package.filename);
            return Err(Refused::OtherBytes { version, filename }.into());
        }
        if !packages::assign(db, id, &release.id).await? {
            return Err(Refused::PackageTaken(id.clone()).into());
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
) -> Result<bool, Problem> {
    let now = clock::unix_millis();
    let stage = release.state().map_err(Problem::internal)?;
    if stage == Stage::Deleted {
        return Err(Refused::Deleted(release.version.clone()).into());
    }
    if stage == Stage::Yanked {
        return Err(Refused::Yanked(release.version.clone()).into());
    }
    if packages::of_release(db, &release.id).await?.is_empty() {
        return Err(Refused::Empty(release.version.clone()).into());
    }
    channels::check(db, &release.app, place.channel, place.create).await?;
    let joined = channels::join(db, release, place, now).await?;
    if stage.is_open() {
        start(db, release, stage).await?;
    } else if joined {
        releases::touch(db, &release.id).await?;
    }
    Ok(joined || stage.is_open())
}

/// Gives a release that is published the notes of who publishes it: those that come with that, else those that came with
/// its own packages; nothing but spaces is none. Those of nobody else: a token that may upload must not put its words into another's release.
pub(crate) async fn note(
    db: &mut AnyConnection,
    release: &Release,
    token_id: &str,
    notes: Option<&str>,
) -> Result<(), Problem> {
    if !release.state().map_err(Problem::internal)?.is_open() {
        return Ok(());
    }
    let own = draft_notes::of_token(db, (&release.id, token_id)).await?;
    if let Some(notes) = notes.or(own.as_deref()) {
        let notes = Some(notes).filter(|notes| !notes.trim().is_empty());
        releases::set_notes(db, &release.id, notes).await?;
    }
    Ok(draft_notes::forget(db, &release.id).await?)
}

/// Sends a draft or a failed release on its way.
pub(crate) async fn start(
    db: &mut AnyConnection,
    release: &Release,
    from: Stage,
) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    if from == Stage::Failed {
        packages::forget_signatures(db, &release.id).await?;
    }
    releases::advance(db, &release.id, (from, Stage::Signing), None, now).await?;
    jobs::queue(db, "release", &release.id, now).await
}

/// Refuses a second file whose name cannot be told from that of one which is there.
fn check_spelling(release: &Release, there: &[Package], filename: &str) -> Result<(), Problem> {
    let names = there.iter().map(|package| package.filename.as_str());
    match twin(names, filename) {
        None => Ok(()),
        Some(there) => {
            let (version, there) = (release.version.clone(), there.to_owned());
            Err(Refused::OtherSpelling { version, there }.into())
        }
    }
}

/// Refuses to replace what is not the token's alone. Somebody's file must not become another's between the PUT of the one
/// and the release by the other.
async fn check_own(
    db: &mut AnyConnection,
    release: &Release,
    package: &Package,
    by: By<'_>,
) -> Result<(), Problem> {
    let (version, filename) = (release.version.clone(), package.filename.clone());
    if !is_draft(release)? {
        return Err(Refused::OtherBytes { version, filename }.into());
    }
    let owners = owners::of_package(db, &package.id).await?;
    if owners::are_only(&owners, by.token_id) {
        return Ok(());
    }
    let owners = owners::names(&owners);
    Err(Refused::OthersFile {
        version,
        filename,
        owners,
    }
    .into())
}

async fn find(db: &mut AnyConnection, id: &str) -> Result<Package, Problem> {
    let unknown = || Refused::PackageUnknown(id.to_owned());
    // An id out of a document may hold what PostgreSQL takes in no text.
    id.parse::<Uuid>().map_err(|_| unknown())?;
    Ok(packages::by_id(db, id).await?.ok_or_else(unknown)?)
}

/// Whether its files and its version are not fixed yet.
pub(crate) fn is_draft(release: &Release) -> Result<bool, Problem> {
    Ok(release.state().map_err(Problem::internal)? == Stage::Draft)
}

/// Whether only its version is left.
pub(crate) fn is_deleted(release: &Release) -> bool {
    release.state().is_ok_and(|state| state == Stage::Deleted)
}

/// Refuses another file for a release that is on its way, or was.
fn check_open(release: &Release, filename: &str) -> Result<(), Problem> {
    let version = || release.version.clone();
    match release.state().map_err(Problem::internal)? {
        Stage::Draft => Ok(()),
        Stage::Failed => Err(Refused::Fixed(version()).into()),
        Stage::Deleted => Err(Refused::Deleted(version()).into()),
        _ => Err(Problem::release_closed(&version(), filename)),
    }
}
