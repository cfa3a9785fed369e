//! Refusals about apps, channels, releases, drafts and packages.

use slipway_contract::Code;
use std::fmt::Write as _;

use http::StatusCode;
use serde_json::json;
use slipway_runtime::Problem;

use crate::refusal::{App, Channel, Draft, Need, Package, Release, Version};
use crate::rules::state::State;

/// Names that the words of a refusal list; the others are counted, or stand in its members.
const NAMED: usize = 5;
/// Names of channels, which are short, alike.
const NAMED_CHANNELS: usize = 10;

pub(super) fn app(refused: App) -> Problem {
    let deleted = |status, slug: &str| {
        Problem::new(
            status,
            Code::AppDeleted,
            format!(
                "the app {slug} was deleted, and its slug stays taken: make one with another slug"
            ),
        )
    };
    match refused {
        App::Unknown(slug) => Problem::new(
            StatusCode::NOT_FOUND,
            Code::AppUnknown,
            format!("there is no app {slug}: make it with POST /api/v1/apps or check the spelling"),
        ),
        App::Deleted(slug) => deleted(StatusCode::GONE, &slug),
        App::SlugOfDeleted(slug) => deleted(StatusCode::CONFLICT, &slug),
        App::Exists(slug) => Problem::conflict(
            Code::AppExists,
            format!("there is an app {slug} already: choose another slug"),
        ),
        App::SlugRefused(why) => Problem::unprocessable(Code::SlugRefused, why),
        App::NotConfirmed(slug) => Problem::unprocessable(
            Code::ConfirmationMissing,
            format!(
                "this deletes the app {slug} with all of its releases, for ever: to mean it, type its slug again: DELETE /api/v1/apps/{slug}?confirm={slug}"
            ),
        ),
    }
}

pub(super) fn channel(refused: Channel) -> Problem {
    match refused {
        Channel::Invalid(why) => Problem::unprocessable(Code::ChannelInvalid, why),
        Channel::Unknown {
            channel,
            nearest,
            there,
        } => {
            let others = match &nearest {
                Some(nearest) => format!("the nearest is {nearest}"),
                None => format!("there are {}", some_of(&there, NAMED_CHANNELS)),
            };
            Problem::new(
                StatusCode::NOT_FOUND,
                Code::ChannelUnknown,
                format!(
                    "there is no channel {channel}; {others}: correct the spelling, or to release to a new one say create=channel (in JSON \"create\": \"channel\")"
                ),
            )
            .with_member("nearest", nearest)
        }
        Channel::Newer {
            channel,
            version,
            newer,
        } => {
            let named = newer.iter().map(|(version, state)| match state {
                State::Published => version.clone(),
                state => format!("{version} ({state})"),
            });
            let names = some_of(&named.collect::<Vec<_>>(), NAMED_CHANNELS);
            let versions: Vec<_> = newer.into_iter().map(|(version, _)| version).collect();
            Problem::conflict(
                Code::ChannelNewer,
                format!(
                    "{channel} has higher versions than {version}: {names}. To roll it back, so that they leave it, say \"rollback\": true; to add {version} beside them, POST …/channels/{channel}/releases"
                ),
            )
            .with_member("newer", versions)
        }
        Channel::NotEmpty { channel, filling } => Problem::conflict(
            Code::ChannelNotEmpty,
            format!(
                "the channel {channel} is followed for {}: it can be deleted when all of them are yanked or deleted; what is yanked leaves it, and unyank puts that back into its other channels alone",
                some_of(&filling, NAMED)
            ),
        )
        .with_member("versions", filling),
    }
}

pub(super) fn draft(refused: Draft) -> Problem {
    match refused {
        Draft::NotYours(version) => Problem::new(
            StatusCode::FORBIDDEN,
            Code::ScopeMissing,
            format!(
                "the draft of {version} holds files of other tokens too: a token with the scope release may delete it; delete your own files with DELETE …/packages/ID"
            ),
        ),
        Draft::Empty(version) => Problem::unprocessable(
            Code::ReleaseEmpty,
            format!("{version} has no packages: upload one first"),
        ),
        Draft::Closed { version, filename } => Problem::release_closed(&version, &filename),
        Draft::Mixed {
            app,
            version,
            others,
            files,
        } => Problem::conflict(
            Code::DraftMixed,
            format!(
                "the draft of {version} holds files that other tokens put there: {}. Release exactly what is meant: send those of `files` that are, as \"files\", to POST /api/v1/apps/{app}/releases with \"version\" and \"channel\"",
                some_of(&others, NAMED)
            ),
        )
        .with_member("files", json!(files)),
        Draft::Differs {
            version,
            filename,
            wanted,
            found,
            files,
        } => Problem::conflict(
            Code::DraftDiffers,
            format!(
                "{filename} is not in the draft of {version} with the SHA-256 {wanted} (there: {}): upload it, or name the files as they are, which `files` lists",
                found.as_deref().unwrap_or("no such file")
            ),
        )
        .with_member("files", json!(files)),
        Draft::Odd(warnings) => Problem::unprocessable(
            Code::StrictRefused,
            format!(
                "with strict=true nothing odd is published, and this is: {}. Mend it, or leave strict out",
                warnings.join("; ")
            ),
        )
        .with_member("warnings", warnings),
    }
}

/// What a version has already.
pub(super) fn version(refused: Version) -> Problem {
    let detail = match refused {
        Version::Taken { given, taken } => format!(
            "{given} is the same version as {taken}, which is there already: choose a higher one"
        ),
        Version::DraftedOtherwise { given, drafted } => format!(
            "{given} is the same version as {drafted}, whose draft holds files of other tokens: spell it so, delete that draft, or choose a higher one"
        ),
        Version::OtherBytes { version, filename } => format!(
            "{version} has other bytes under the name {filename}: a version never changes, choose a higher one"
        ),
        Version::OtherSpelling { version, there } => format!(
            "{version} has the file {there} already, and names that differ only in case or composition are one: use that spelling, or another name"
        ),
        Version::OthersFile {
            version,
            filename,
            owners,
        } => format!(
            "{filename} is in the draft of {version} with other bytes that the token {owners} put there: delete the draft, or use another name or a higher version"
        ),
        Version::Fixed(version) => format!(
            "{version} failed after its signing had begun, so its files are fixed: send the same bytes again or retry it, or choose a higher version"
        ),
    };
    Problem::conflict(Code::VersionExists, detail)
}

pub(super) fn package(refused: Package) -> Problem {
    match refused {
        Package::Unknown(id) => Problem::new(
            StatusCode::NOT_FOUND,
            Code::PackageUnknown,
            format!("there is no package {id}: upload it first"),
        ),
        Package::Gone(id) => Problem::new(
            StatusCode::GONE,
            Code::PackageGone,
            format!(
                "the package {id} was deleted, or another was put in its place: upload it again if it is wanted"
            ),
        ),
        Package::Taken(id) => Problem::conflict(
            Code::PackageTaken,
            format!(
                "the package {id} belongs to a release already: upload the file for the new version"
            ),
        ),
        Package::Others(owners) => Problem::new(
            StatusCode::FORBIDDEN,
            Code::ScopeMissing,
            format!(
                "the package was put there by the token {owners}: a token with the scope release may delete it"
            ),
        ),
        Package::Fixed { version, state } => Problem::conflict(
            Code::ReleaseNotDraft,
            format!(
                "the package belongs to {version}, which is {state}, and only of a draft packages are deleted: delete the release, which takes all of them"
            ),
        ),
    }
}

pub(super) fn release(refused: Release) -> Problem {
    match refused {
        Release::Unknown(version) => Problem::new(
            StatusCode::NOT_FOUND,
            Code::ReleaseUnknown,
            format!("there is no release {version}: check the version"),
        ),
        Release::Released(version) => Problem::conflict(
            Code::ReleasePublished,
            format!(
                "{version} is released already and never changes: POST …/channels/CHANNEL/releases gives it to another channel; for other files choose a higher version"
            ),
        ),
        Release::Yanked(version) => Problem::conflict(
            Code::ReleasePublished,
            format!(
                "{version} is yanked, and to publish it again does not put it back: POST …/releases/{version}/unyank does, or choose a higher version"
            ),
        ),
        Release::Deleted(version) => Problem::conflict(
            Code::ReleaseDeleted,
            format!("{version} was deleted, and its version stays taken: choose a higher one"),
        ),
        Release::NeedsAdmin(version) => Problem::new(
            StatusCode::FORBIDDEN,
            Code::ScopeMissing,
            format!(
                "{version} was published, and deleting it takes its bytes for ever, which needs a token with the scope admin: yank it (POST …/releases/{version}/yank), which can be taken back, or ask an administrator"
            ),
        ),
        Release::Failed { version, reason } => Problem::unprocessable(
            Code::ReleaseFailed,
            format!(
                "{reason}. Mend it and POST …/releases/{version}/retry, or release a new version"
            ),
        ),
        Release::Is {
            version,
            state,
            need,
        } => {
            let (code, only) = match need {
                Need::Published(change) => (
                    Code::ReleaseNotPublished,
                    format!("only a published release can be {change}"),
                ),
                Need::Yanked => (
                    Code::ReleaseNotYanked,
                    "only a yanked release can be put back".to_owned(),
                ),
                Need::Failed => (
                    Code::ReleaseNotFailed,
                    "only a failed release can be retried".to_owned(),
                ),
            };
            Problem::conflict(code, format!("{version} is {state}, and {only}"))
        }
        Release::StateUnknown { version, state } => Problem::internal(format!(
            "the state {state:?} of the release {version} is unknown to this version of Slipway"
        )),
    }
}

/// The first of `names`; the others are counted.
fn some_of(names: &[String], most: usize) -> String {
    let mut some = names[..names.len().min(most)].join(", ");
    let more = names.len().saturating_sub(most);
    if more > 0 {
        let _ = write!(some, " and {more} more");
    }
    some
}
