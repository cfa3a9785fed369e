//! Puts a package in its place.

use slipway_contract::Digest;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::parameters::Parameters;
use crate::rules::place::{self, Asked, Known, Placing};
use crate::store::packages::Package;
use crate::store::{copy, packages, replacements};

/// Refuses what can be known not to get its place, as far as is known by now.
pub(crate) async fn check_place(
    db: &mut AnyConnection,
    app: &str,
    asked: &Asked<'_>,
) -> Result<(), Error> {
    let key = asked.version.order_key();
    let known = Known {
        release: copy::release(db, app, key).await?,
        names: packages::names_of_version(db, app, key).await?,
        there: packages::at_place(db, app, key, asked.filename.as_str()).await?,
    };
    Ok(place::check(&known, asked)?)
}

/// What has the place now.
#[derive(Clone, Debug)]
pub(crate) enum Placed {
    /// A new package.
    New(Package),
    /// The same bytes, which were there under this name and version.
    There(Package),
    /// A new package in the place of another of the same token. That one stays, and what is still to be told of it is told,
    /// until the catalog says which of the two it has.
    Replaced {
        package: Package,
        /// Of the bytes that gave way.
        before: Digest,
    },
}

impl Placed {
    pub(crate) fn package(&self) -> &Package {
        match self {
            Self::New(package) | Self::There(package) | Self::Replaced { package, .. } => package,
        }
    }
}

/// Puts a package in its place, or finds the same bytes there, or has what is there give way.
pub(super) async fn place(
    db: &mut AnyConnection,
    package: Package,
    parameters: &Parameters,
) -> Result<Placed, Error> {
    let mut before: Option<Package> = None;
    loop {
        if packages::insert(db, &package).await? {
            let Some(before) = before else {
                return Ok(Placed::New(package));
            };
            replacements::insert(db, &package.id, &before.id).await?;
            return Ok(Placed::Replaced {
                package,
                before: before.file.sha256,
            });
        }
        let (app, version_key) = (package.app.as_str(), &package.version_key);
        let filename = package.file.filename.as_str();
        let there = packages::at_place(db, app, version_key, filename).await?;
        let Some(there) = there else { continue };
        let waiting = replacements::of_package(db, &there.id).await?.len();
        match place::settle(&there, &package, parameters, waiting)? {
            Placing::Same => return Ok(Placed::There(there)),
            Placing::Replace => {
                if replacements::vacate(db, &there.id, version_key).await? {
                    before = Some(there);
                }
            }
        }
    }
}
