//! The rules of a release: no HTTP, no SQL.
//!
//! `draft → signing → verifying → published ⇄ yanked`; `failed` carries its reason and can be retried. Once published
//! its bytes and its version are fixed for ever. A draft that is deleted is gone; everything else becomes `deleted`, which
//! is for ever and keeps the version.

use std::fmt;
use std::str::FromStr;

use slipway_service::Problem;
use slipway_service::changes::Visibility;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Draft,
    Signing,
    Verifying,
    Published,
    Failed,
    Yanked,
    Deleted,
}

impl State {
    pub(crate) const ALL: [Self; 7] = [
        Self::Draft,
        Self::Signing,
        Self::Verifying,
        Self::Published,
        Self::Failed,
        Self::Yanked,
        Self::Deleted,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Signing => "signing",
            Self::Verifying => "verifying",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Yanked => "yanked",
            Self::Deleted => "deleted",
        }
    }

    /// Whether nothing more happens by itself.
    pub(crate) fn is_settled(self) -> bool {
        !matches!(self, Self::Signing | Self::Verifying)
    }

    /// Whether it can be sent on its way.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Failed)
    }

    /// What followers do with it.
    pub(crate) fn visibility(self) -> Visibility {
        match self {
            Self::Verifying => Visibility::Staged,
            Self::Published => Visibility::Published,
            Self::Yanked => Visibility::Yanked,
            Self::Deleted => Visibility::Deleted,
            Self::Draft | Self::Signing | Self::Failed => Visibility::Hidden,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A state that this program does not know, in a row that a later one wrote.
#[derive(Debug, thiserror::Error)]
#[error("the release's state {0:?} is unknown to this version of Slipway")]
pub(crate) struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// Why a release is not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no app {0}: make it with POST /api/v1/apps or check the spelling")]
    AppUnknown(String),
    #[error("the app {0} was deleted, and its slug stays taken: make one with another slug")]
    AppDeleted(String),
    #[error("there is no release {0}: check the version")]
    ReleaseUnknown(String),
    #[error("there is no package {0}: upload it first")]
    PackageUnknown(String),
    #[error(
        "the package {0} was deleted, or another was put in its place: upload it again if it is wanted"
    )]
    Gone(String),
    #[error(
        "the package was put there by the token {0}: a token with the scope release may delete it"
    )]
    OthersPackage(String),
    #[error("the package {0} belongs to a release already: upload the file for the new version")]
    PackageTaken(String),
    #[error("{given} is the same version as {taken}, which is there already: choose a higher one")]
    VersionTaken { given: String, taken: String },
    #[error(
        "{given} is the same version as {drafted}, whose draft holds files of other tokens: spell it so, delete that draft, or choose a higher one"
    )]
    DraftedOtherwise { given: String, drafted: String },
    #[error(
        "{version} has other bytes under the name {filename}: a version never changes, choose a higher one"
    )]
    OtherBytes { version: String, filename: String },
    #[error(
        "{version} has the file {there} already, and names that differ only in case or composition are one: use that spelling, or another name"
    )]
    OtherSpelling { version: String, there: String },
    #[error(
        "{filename} is in the draft of {version} with other bytes that the token {owners} put there: delete the draft, or use another name or a higher version"
    )]
    OthersFile {
        version: String,
        filename: String,
        owners: String,
    },
    #[error(
        "{0} failed after its signing had begun, so its files are fixed: send the same bytes again or retry it, or choose a higher version"
    )]
    Fixed(String),
    #[error(
        "the package belongs to {version}, which is {state}, and only of a draft packages are deleted: delete the release, which takes all of them"
    )]
    NotDraft { version: String, state: State },
    #[error(
        "{0} was published, and deleting it takes its bytes for ever, which needs a token with the scope admin: yank it (POST …/releases/{0}/yank), which can be taken back, or ask an administrator"
    )]
    NeedsAdmin(String),
    #[error(
        "the draft of {0} holds files of other tokens too: a token with the scope release may delete it; delete your own files with DELETE …/packages/ID"
    )]
    NotYours(String),
    #[error("the package {0} has another list of blocks already")]
    OtherBlocks(String),
    #[error(
        "{0} is released already and never changes: POST …/channels/CHANNEL/releases gives it to another channel; for other files choose a higher version"
    )]
    Released(String),
    #[error(
        "{0} is yanked, and to publish it again does not put it back: POST …/releases/{0}/unyank does, or choose a higher version"
    )]
    Yanked(String),
    #[error("{0} was deleted, and its version stays taken: choose a higher one")]
    Deleted(String),
    #[error(
        "the channel {channel} is followed for {}: it can be deleted when all of them are yanked or deleted; what is yanked leaves it, and unyank puts that back into its other channels alone",
        some_of(filling)
    )]
    ChannelNotEmpty {
        channel: String,
        /// Versions.
        filling: Vec<String>,
    },
    #[error("{0} has no packages: upload one first")]
    Empty(String),
    #[error("{version} is {state}, and only a published release can be {change}")]
    NotPublished {
        version: String,
        state: State,
        change: &'static str,
    },
    #[error("{version} is {state}, and only a yanked release can be put back")]
    NotYanked { version: String, state: State },
    #[error("{version} is {state}, and only a failed release can be retried")]
    NotFailed { version: String, state: State },
}

/// Versions that are named in words; the others are counted.
const NAMED: usize = 5;

fn some_of(versions: &[String]) -> String {
    let named = versions.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match versions.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        let not_found = |code| Self::new(http::StatusCode::NOT_FOUND, code, detail.clone());
        match refused {
            Refused::AppUnknown(_) => not_found("app_unknown"),
            Refused::AppDeleted(_) => Self::new(http::StatusCode::GONE, "app_deleted", detail),
            Refused::ReleaseUnknown(_) => not_found("release_unknown"),
            Refused::PackageUnknown(_) => not_found("package_unknown"),
            Refused::Gone(_) => Self::new(http::StatusCode::GONE, "package_gone", detail),
            Refused::PackageTaken(_) => Self::conflict("package_taken", detail),
            Refused::VersionTaken { .. }
            | Refused::DraftedOtherwise { .. }
            | Refused::OtherBytes { .. }
            | Refused::OtherSpelling { .. }
            | Refused::OthersFile { .. }
            | Refused::Fixed(_) => Self::conflict("version_exists", detail),
            Refused::NotDraft { .. } => Self::conflict("release_not_draft", detail),
            Refused::NotYours(_) | Refused::OthersPackage(_) | Refused::NeedsAdmin(_) => {
                Self::new(http::StatusCode::FORBIDDEN, "scope_missing", detail)
            }
            Refused::OtherBlocks(_) => Self::conflict("blocks_differ", detail),
            Refused::Released(_) | Refused::Yanked(_) => {
                Self::conflict("release_published", detail)
            }
            Refused::Deleted(_) => Self::conflict("release_deleted", detail),
            Refused::ChannelNotEmpty { filling, .. } => {
                Self::conflict("channel_not_empty", detail).with_member("versions", filling)
            }
            Refused::Empty(_) => Self::unprocessable("release_empty", detail),
            Refused::NotPublished { .. } => Self::conflict("release_not_published", detail),
            Refused::NotYanked { .. } => Self::conflict("release_not_yanked", detail),
            Refused::NotFailed { .. } => Self::conflict("release_not_failed", detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_their_text() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().unwrap(), state);
        }
        assert!("ready".parse::<State>().is_err());
    }

    #[test]
    fn only_what_was_verified_is_shown() {
        let shown: Vec<_> = State::ALL
            .into_iter()
            .filter(|state| state.visibility() == Visibility::Published)
            .collect();
        assert_eq!(shown, [State::Published]);
    }
}
