//! The place of a package: the app, the version and the name, which hold one set of bytes.

use http::StatusCode;
use slipway_packages::shown::twin;
use slipway_packages::{Digest, FileName, Version};
use slipway_service::Problem;
use sqlx::AnyConnection;

use crate::parameters::Parameters;
use crate::store::packages::Package;
use crate::store::{copy, packages, replacements};

/// Packages that may have been put under one name while the catalog was away: each is named to it with the last one.
const MOST_WAITING: usize = 1000;

/// Refuses what `parameters` can be known not to become, as far as is known by now. In a draft other bytes of the same token may
/// take the place of those that are there: whether it is one still, the catalog decides.
pub(crate) async fn check_place(
    db: &mut AnyConnection,
    (app, token_id): (&str, &str),
    (version, filename): (&Version, &FileName),
    digest: Option<&Digest>,
) -> Result<(), Problem> {
    let (version, filename) = (version, filename.as_str());
    let hex = digest.map(Digest::as_hex);
    let release = copy::release(db, app, version.order_key()).await?;
    check_spelling(db, app, (version, filename), release.as_ref()).await?;
    let differs = |there: &str| hex.as_deref().is_some_and(|given| given != there);
    if let Some(release) = release.filter(|release| release.closed) {
        match release.files.get(filename) {
            _ if release.deleted => return Err(release_deleted(&release.version)),
            None => return Err(Problem::release_closed(&release.version, filename)),
            Some(there) if differs(there) => return Err(version_exists(version, filename)),
            Some(_) => {}
        }
    }
    match packages::at_place(db, app, version.order_key(), filename).await? {
        Some(there) if differs(&there.sha256) => check_own(&there, token_id),
        _ => Ok(()),
    }
}

/// Refuses a name that cannot be told from another one of the same version. The catalog decides; this is before the bytes
/// have come.
async fn check_spelling(
    db: &mut AnyConnection,
    app: &str,
    (version, filename): (&Version, &str),
    release: Option<&copy::Release>,
) -> Result<(), Problem> {
    let own = packages::names_of_version(db, app, version.order_key()).await?;
    let released = release.into_iter().flat_map(|release| release.files.keys());
    let names = own.iter().chain(released).map(String::as_str);
    match twin(names, filename) {
        None => Ok(()),
        Some(there) => Err(Problem::conflict(
            "version_exists",
            format!(
                "{version} has the file {there} already, and names that differ only in case or composition are one: use that spelling, or another name"
            ),
        )),
    }
}

/// What has the place now.
pub(super) struct Placed {
    pub(super) package: Package,
    pub(super) status: StatusCode,
    pub(super) replaced: Option<String>,
}

/// Puts a package in its place, or finds the same bytes there. Other bytes of the same token give way; they stay, and what
/// is still to be told of them is told, until the catalog says which of the two it has.
pub(super) async fn place(
    db: &mut AnyConnection,
    package: Package,
    parameters: &Parameters,
    token_id: &str,
) -> Result<Placed, Problem> {
    let mut before: Option<Package> = None;
    loop {
        if packages::insert(db, &package).await? {
            if let Some(before) = &before {
                replacements::insert(db, &package.id, &before.id).await?;
            }
            return Ok(Placed {
                package,
                status: before
                    .as_ref()
                    .map_or(StatusCode::CREATED, |_| StatusCode::OK),
                replaced: before.map(|before| before.sha256),
            });
        }
        let (app, version_key) = (&package.app, &package.version_key);
        let there = packages::at_place(db, app, version_key, &package.filename).await?;
        let Some(there) = there else { continue };
        if there.sha256 == package.sha256 {
            check_said(&there, &package, parameters)?;
            return Ok(Placed {
                package: there,
                status: StatusCode::OK,
                replaced: None,
            });
        }
        check_own(&there, token_id)?;
        if replacements::of_package(db, &there.id).await?.len() >= MOST_WAITING {
            return Err(too_many_waiting());
        }
        if replacements::vacate(db, &there.id, version_key).await? {
            before = Some(there);
        }
    }
}

/// Refuses to say of bytes that are there what they were not said to be for: who corrects a platform would be told that all
/// is well, and everybody would be offered the file that they meant for one. What is not said is not compared: an earlier
/// version read less out of the same bytes.
fn check_said(there: &Package, package: &Package, parameters: &Parameters) -> Result<(), Problem> {
    let is_other = parameters.is_declared_other();
    let platform =
        (is_other || parameters.platform.is_some()) && there.platform != package.platform;
    let arch = !is_other && parameters.arch.is_some() && there.arch != package.arch;
    if !platform && !arch {
        return Ok(());
    }
    let runs_on = |package: &Package| match &*package.platform {
        "none" => "no platform".to_owned(),
        platform => format!("platform={platform}&arch={}", package.arch),
    };
    Err(Problem::conflict(
        "version_exists",
        format!(
            "these bytes are there under the name {} for {}, and not for {}: delete that package or its draft and send it again; what is published never changes, choose a higher version for it",
            there.filename,
            runs_on(there),
            runs_on(package),
        ),
    ))
}

/// Refuses to put other bytes in the place of `there`, unless it is the token's own.
fn check_own(there: &Package, token_id: &str) -> Result<(), Problem> {
    if there.token_id == token_id {
        return Ok(());
    }
    let version = there.version.as_deref().unwrap_or_default();
    Err(Problem::conflict(
        "version_exists",
        format!(
            "{version} has other bytes under the name {}, which the token {} put there: have that package or its draft deleted, or use another name or a higher version",
            there.filename, there.token_name
        ),
    ))
}

fn version_exists(version: impl std::fmt::Display, filename: &str) -> Problem {
    Problem::conflict(
        "version_exists",
        format!(
            "{version} has other bytes under the name {filename}: a version never changes, choose a higher one"
        ),
    )
}

fn too_many_waiting() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_waiting",
        "many packages of this name wait for the catalog: put the next one when it is back",
    )
    .with_header("retry-after", "10")
}

fn release_deleted(version: &str) -> Problem {
    Problem::conflict(
        "release_deleted",
        format!("{version} was deleted, and its version stays taken: choose a higher one"),
    )
}
