//! What becomes of a package that is not taken, not released, or not deleted.

use http::StatusCode;
use serde_json::{Map, Value};
use slipway_contract::{Code, Kind, Platform, Word};
use slipway_runtime::Problem;

use super::request::channel_invalid;
use crate::rules::package::{self, NoVersion};
use crate::rules::place::{self, RunsOn};
use crate::rules::{channel, inspection, permission, progress, removal};

impl From<package::Refusal> for Problem {
    fn from(refusal: package::Refusal) -> Self {
        match refusal {
            package::Refusal::Odd(warnings) => Self::unprocessable(
                Code::StrictRefused,
                format!(
                    "with strict=true nothing odd is taken, and this is: {}. Mend it, or leave strict out",
                    warnings.join("; ")
                ),
            )
            .with_member("warnings", warnings),
            package::Refusal::NoVersion(why) => {
                let why = match why {
                    NoVersion::Unusable(error) => {
                        format!("the version in the package cannot be used: {error}")
                    }
                    NoVersion::Native(native) => format!(
                        "the package calls itself {native}, which has no place in the order of versions"
                    ),
                    NoVersion::Absent => "the package carries no version".to_owned(),
                };
                Self::unprocessable(
                    Code::VersionMissing,
                    format!("{why}: give one, as ?version=1.2.3"),
                )
            }
            package::Refusal::PlatformRequired { filename, kind } => {
                let what = match kind {
                    Kind::Other => "of no kind that is known here".to_owned(),
                    kind => format!("of the kind {kind}, which runs on any system or on one"),
                };
                Self::unprocessable(
                    Code::PlatformRequired,
                    format!(
                        "{filename} does not say what it runs on, for it is {what}: say it with platform=android, ios, macos, windows, linux or harmony, or with platform=any, which offers it to everybody; kind=other offers it to nobody"
                    ),
                )
            }
            package::Refusal::PlatformMismatch(error) => Self::unprocessable(
                Code::PlatformMismatch,
                format!("{error}: leave {} out", package::contradicting(error)),
            ),
        }
    }
}

impl From<place::Refusal> for Problem {
    fn from(refusal: place::Refusal) -> Self {
        let taken = |detail| Self::conflict(Code::VersionExists, detail);
        match refusal {
            place::Refusal::Twin { version, there } => taken(format!(
                "{version} has the file {there} already, and names that differ only in case or composition are one: use that spelling, or another name"
            )),
            place::Refusal::OtherBytes { version, filename } => taken(format!(
                "{version} has other bytes under the name {filename}: a version never changes, choose a higher one"
            )),
            place::Refusal::OfAnother {
                version,
                filename,
                token_name,
            } => taken(format!(
                "{} has other bytes under the name {filename}, which the token {token_name} put there: have that package or its draft deleted, or use another name or a higher version",
                version.as_deref().unwrap_or("the app")
            )),
            place::Refusal::OtherTarget {
                filename,
                there,
                given,
            } => taken(format!(
                "these bytes are there under the name {filename} for {}, and not for {}: delete that package or its draft and send it again; what is published never changes, choose a higher version for it",
                runs_on(&there),
                runs_on(&given),
            )),
            place::Refusal::ReleaseClosed { version, filename } => {
                Self::release_closed(&version, &filename)
            }
            place::Refusal::ReleaseDeleted { version } => Self::conflict(
                Code::ReleaseDeleted,
                format!("{version} was deleted, and its version stays taken: choose a higher one"),
            ),
            place::Refusal::TooManyWaiting => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyWaiting,
                "many packages of this name wait for the catalog: put the next one when it is back",
            )
            .with_header("retry-after", "10"),
        }
    }
}

fn runs_on(RunsOn { platform, arch }: &RunsOn) -> String {
    if platform == Platform::None.as_str() {
        return "no platform".to_owned();
    }
    format!("platform={platform}&arch={arch}")
}

impl From<inspection::Refusal> for Problem {
    fn from(refusal: inspection::Refusal) -> Self {
        match refusal {
            inspection::Refusal::Damaged { filename, detail } => Self::unprocessable(
                Code::PackageDamaged,
                format!(
                    "{filename} is not whole: {detail}. Build or download it again and send that; if it is meant as it is, send it with kind=other, which offers it for no platform"
                ),
            ),
            inspection::Refusal::Archive { rule, detail } => Self::unprocessable(
                Code::ArchiveRefused,
                format!("{detail}: build the archive anew"),
            )
            .with_member("rule", rule.as_str()),
        }
    }
}

impl From<permission::Refusal> for Problem {
    fn from(refusal: permission::Refusal) -> Self {
        match refusal {
            permission::Refusal::NotReady => Self::unavailable(
                Code::NotReady,
                "this instance has just started and does not know the tokens yet: try again",
            ),
            permission::Refusal::AppUnknown(app) => Self::new(
                StatusCode::NOT_FOUND,
                Code::AppUnknown,
                format!(
                    "there is no app {app}: make it with POST /api/v1/apps or check the spelling"
                ),
            ),
            permission::Refusal::AppDeleted(app) => Self::new(
                StatusCode::GONE,
                Code::AppDeleted,
                format!(
                    "the app {app} was deleted, and its slug stays taken: make one with another slug"
                ),
            ),
        }
    }
}

impl From<channel::Refusal> for Problem {
    fn from(refusal: channel::Refusal) -> Self {
        match refusal {
            channel::Refusal::Unknown { detail, members } => with_members(
                Self::new(StatusCode::NOT_FOUND, Code::ChannelUnknown, detail),
                members,
            ),
            channel::Refusal::Invalid(detail) => channel_invalid(detail),
        }
    }
}

fn with_members(problem: Problem, members: Map<String, Value>) -> Problem {
    let members = members.into_iter();
    members.fold(problem, |problem, (name, value)| {
        problem.with_member(&name, value)
    })
}

impl From<progress::Refusal> for Problem {
    fn from(refusal: progress::Refusal) -> Self {
        match refusal {
            progress::Refusal::Unknown => Self::new(
                StatusCode::NOT_FOUND,
                Code::PackageUnknown,
                "there is no package with this id: it is in the answer to its upload",
            ),
            progress::Refusal::Gone => Self::new(
                StatusCode::GONE,
                progress::GONE,
                "the package was deleted, or another took its place in its draft: upload it again if it is wanted",
            ),
            progress::Refusal::ReleaseFailed { version, reason } => Self::unprocessable(
                Code::ReleaseFailed,
                format!(
                    "{version} could not be released: {reason}. When that is mended, send the package again or retry the release"
                ),
            ),
            progress::Refusal::Refused(refused) => {
                let problem = Self::new(
                    StatusCode::from_u16(refused.status)
                        .unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
                    known(&refused.code, &OF_DELIVERY).unwrap_or(Code::PackageRefused),
                    refused.detail,
                );
                with_members(problem, refused.members)
            }
        }
    }
}

impl From<removal::Refusal> for Problem {
    fn from(refusal: removal::Refusal) -> Self {
        let away = |detail: String| Self::unavailable(Code::CatalogUnavailable, detail);
        match refusal {
            removal::Refusal::OfAnother { token_name } => Self::new(
                StatusCode::FORBIDDEN,
                Code::ScopeMissing,
                format!(
                    "the token {token_name} uploaded this package: delete it with that one, or with a token that has the scope release"
                ),
            ),
            removal::Refusal::Shared => away(
                "another token has sent this package too, and the catalog has not been told of it yet; nothing is deleted: try again".to_owned(),
            ),
            removal::Refusal::Catalog {
                status,
                code,
                detail,
            } => Self::new(
                status,
                known(&code, &removal::CODES).unwrap_or(Code::RemovalRefused),
                detail,
            ),
            removal::Refusal::CatalogUnavailable(detail) => away(detail),
            removal::Refusal::CatalogAway => away(
                "the catalog, which has to agree, does not answer; nothing is deleted: try again".to_owned(),
            ),
        }
    }
}

/// A code of the catalog's as it is told on; `None` of one that is not known to be one.
fn known(code: &Word<Code>, codes: &[Code]) -> Option<Code> {
    code.known().copied().filter(|code| codes.contains(code))
}

/// Codes with which the catalog refuses a delivery.
const OF_DELIVERY: [Code; 16] = [
    Code::AppDeleted,
    Code::AppUnknown,
    Code::ChannelInvalid,
    Code::ChannelUnknown,
    Code::DraftMixed,
    progress::GONE,
    Code::PackageTaken,
    Code::PackageUnknown,
    Code::ReleaseDeleted,
    Code::ReleaseNotPublished,
    Code::ReleasePublished,
    Code::ReleaseUnknown,
    Code::StrictRefused,
    Code::TokenRefused,
    Code::VersionExists,
    Code::VersionInvalid,
];
