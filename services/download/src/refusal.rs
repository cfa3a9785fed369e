//! Why nothing is served, in words for whoever asks.

use slipway_contract::{ArchError, KindError, PlatformError, VersionError};

/// What end users are refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is nothing at this address: check its spelling")]
    Nothing,
    #[error("there is no app of this name here: check its spelling")]
    App,
    #[error("this app was deleted by its publisher, with all of its versions")]
    AppDeleted,
    #[error("nothing was released to a channel of this name: leave it out to get the stable one")]
    Channel,
    #[error("there is no such release of this app: see the app's page for those there are")]
    Release,
    /// A `+` became a space on the way.
    #[error(transparent)]
    ReleaseLost(VersionError),
    #[error("version {0} was deleted by its publisher: see the app's page for those there are")]
    ReleaseDeleted(String),
    #[error(
        "version {version} was withdrawn by its publisher{}",
        reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default()
    )]
    Yanked {
        version: String,
        reason: Option<String>,
    },
    #[error("this release has no file of that name: see the app's page for those it has")]
    File,
    #[error(transparent)]
    Platform(PlatformError),
    #[error(transparent)]
    Arch(ArchError),
    #[error(transparent)]
    Kind(KindError),
    #[error(
        "no published release in the channel {channel} has a package that fits {wanted}: see the app's page for what there is"
    )]
    Package { channel: String, wanted: String },
    #[error("no release of this app carries an icon")]
    Icon,
    #[error("the key of this app is still being made: ask again in a moment")]
    Key,
    #[error("the file here is another than the one that was asked for: fetch it whole")]
    OtherFile,
    #[error("the file has {size} bytes, and none of them is in the range")]
    Range { size: u64 },
    #[error("a digest is 64 hexadecimal digits")]
    Digest,
}
