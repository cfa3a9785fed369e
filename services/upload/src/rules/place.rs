//! The place of a package: the app, the version and the name, which hold one set of bytes.

use slipway_contract::shown::twin;
use slipway_contract::{Digest, FileName, Version};
use slipway_database::columns::Parsed;

use crate::parameters::Parameters;
use crate::store::copy::Release;
use crate::store::packages::Package;

/// Packages that may have been put under one name while the catalog was away: each is named to it with the last one.
const MOST_WAITING: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The version has a file whose name cannot be told from this one.
    Twin {
        version: String,
        there: String,
    },
    /// The release has other bytes under the name.
    OtherBytes {
        version: String,
        filename: String,
    },
    /// Another token has put other bytes there.
    OfAnother {
        version: Option<String>,
        filename: String,
        token_name: String,
    },
    /// The same bytes are there for something else.
    OtherTarget {
        filename: String,
        there: RunsOn,
        given: RunsOn,
    },
    ReleaseClosed {
        version: String,
        filename: String,
    },
    ReleaseDeleted {
        version: String,
    },
    /// Too many that wait for the catalog have this name.
    TooManyWaiting,
}

/// A platform and an architecture, in words for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunsOn {
    pub(crate) platform: String,
    pub(crate) arch: String,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) version: &'a Version,
    pub(crate) filename: &'a FileName,
    /// `None` as long as nobody knows which bytes it is.
    pub(crate) digest: Option<&'a Digest>,
    pub(crate) token_id: &'a str,
}

impl<'a> Asked<'a> {
    /// As far as it is known before a byte comes; `None` of a package on its own.
    pub(crate) fn of(parameters: &'a Parameters, token_id: &'a str) -> Option<Self> {
        Some(Self {
            version: parameters.version.as_ref()?,
            filename: &parameters.filename,
            digest: parameters.sha256.as_ref(),
            token_id,
        })
    }
}

/// What there is of the version, as far as is known here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// As the catalog says.
    pub(crate) release: Option<Release>,
    /// Names of our packages of the version.
    pub(crate) names: Vec<String>,
    /// Our package that has the place.
    pub(crate) there: Option<Package>,
}

/// Refuses what can be known not to get its place. In a draft other bytes of the same token may take the place of those that
/// are there: whether it is one still, the catalog decides.
pub(crate) fn check(known: &Known, asked: &Asked<'_>) -> Result<(), Refusal> {
    check_spelling(known, asked)?;
    let filename = asked.filename.as_str();
    let differs = |there: &Digest| asked.digest.is_some_and(|given| given != there);
    if let Some(release) = known.release.as_ref().filter(|release| release.closed) {
        let version = release.version.to_string();
        match release.files.get(asked.filename) {
            _ if release.deleted => return Err(Refusal::ReleaseDeleted { version }),
            None => {
                return Err(Refusal::ReleaseClosed {
                    version,
                    filename: filename.to_owned(),
                });
            }
            Some(there) if differs(there) => {
                return Err(Refusal::OtherBytes {
                    version: asked.version.to_string(),
                    filename: filename.to_owned(),
                });
            }
            Some(_) => {}
        }
    }
    match &known.there {
        Some(there) if differs(&there.file.sha256) => check_own(there, asked.token_id),
        _ => Ok(()),
    }
}

/// Refuses a name that cannot be told from another one of the same version. The catalog decides; this is before the bytes
/// have come.
fn check_spelling(known: &Known, asked: &Asked<'_>) -> Result<(), Refusal> {
    let released = known
        .release
        .iter()
        .flat_map(|release| release.files.keys());
    let released = released.map(FileName::as_str);
    let names = known.names.iter().map(String::as_str).chain(released);
    match twin(names, asked.filename.as_str()) {
        None => Ok(()),
        Some(there) => Err(Refusal::Twin {
            version: asked.version.to_string(),
            there: there.to_owned(),
        }),
    }
}

/// What becomes of a package whose place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    /// The same bytes are there: that package is it.
    Same,
    /// What is there gives way.
    Replace,
}

/// `waiting` of those that gave way before are still to be told of.
pub(crate) fn settle(
    there: &Package,
    package: &Package,
    parameters: &Parameters,
    waiting: usize,
) -> Result<Placing, Refusal> {
    if there.file.sha256 == package.file.sha256 {
        check_said(there, package, parameters)?;
        return Ok(Placing::Same);
    }
    check_own(there, &package.token_id)?;
    if waiting >= MOST_WAITING {
        return Err(Refusal::TooManyWaiting);
    }
    Ok(Placing::Replace)
}

/// Refuses to say of bytes that are there what they were not said to be for: who corrects a platform would be told that all
/// is well, and everybody would be offered the file that they meant for one. What is not said is not compared: an earlier
/// version read less out of the same bytes.
fn check_said(there: &Package, package: &Package, parameters: &Parameters) -> Result<(), Refusal> {
    let is_other = parameters.is_declared_other();
    let platform =
        (is_other || parameters.platform.is_some()) && there.file.platform != package.file.platform;
    let arch = !is_other && parameters.arch.is_some() && there.file.arch != package.file.arch;
    if !platform && !arch {
        return Ok(());
    }
    let runs_on = |package: &Package| RunsOn {
        platform: package.file.platform.to_string(),
        arch: package.file.arch.to_string(),
    };
    Err(Refusal::OtherTarget {
        filename: there.file.filename.to_string(),
        there: runs_on(there),
        given: runs_on(package),
    })
}

/// Refuses to put other bytes in the place of `there`, unless it is the token's own.
fn check_own(there: &Package, token_id: &str) -> Result<(), Refusal> {
    if there.token_id == token_id {
        return Ok(());
    }
    Err(Refusal::OfAnother {
        version: there
            .version
            .as_ref()
            .map(|Parsed(version)| version.to_string()),
        filename: there.file.filename.to_string(),
        token_name: there.token_name.clone(),
    })
}

#[cfg(test)]
mod tests;
