//! Where a release or a package is, as rows, feed and documents say it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::word::words;

words! {
    /// Where a release is: `draft → signing → verifying → published ⇄ yanked`, `failed`, `deleted`.
    pub enum ReleaseState, ReleaseStateError, "state of a release" {
        Draft = "draft",
        Signing = "signing",
        /// Looked at by the catalog as the public will see it.
        Verifying = "verifying",
        Published = "published",
        /// It carries its reason and can be tried again.
        Failed = "failed",
        Yanked = "yanked",
        /// For ever: its version stays taken.
        Deleted = "deleted",
    }
}

words! {
    /// What of a release's states concerns the followers of the feed.
    pub enum Visibility, VisibilityError, "visibility" {
        /// Being verified: served to the catalog alone.
        Staged = "staged",
        Published = "published",
        Yanked = "yanked",
        /// The row is there for ever, to say so, and has no packages.
        Deleted = "deleted",
        /// Not to be served: it failed.
        Hidden = "hidden",
    }
}

/// Where a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackageState {
    /// Its bytes are safe; the catalog may not have it yet, or it is in no release.
    Stored,
    /// The catalog does not take it.
    Refused,
    /// Where its release is.
    Release(ReleaseState),
}

impl PackageState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Refused => "refused",
            Self::Release(state) => state.as_str(),
        }
    }
}

impl FromStr for PackageState {
    type Err = ReleaseStateError;

    fn from_str(text: &str) -> Result<Self, ReleaseStateError> {
        match text {
            "stored" => Ok(Self::Stored),
            "refused" => Ok(Self::Refused),
            other => other.parse().map(Self::Release),
        }
    }
}

impl AsRef<str> for PackageState {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for PackageState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for PackageState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PackageState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{PackageState, ReleaseState, Visibility};
    use crate::word::Word;

    #[test]
    fn a_package_is_where_its_release_is() {
        for state in ReleaseState::ALL {
            let of_package: PackageState = state.as_str().parse().unwrap();
            assert_eq!(of_package, PackageState::Release(*state));
            assert_eq!(serde_json::to_value(of_package).unwrap(), state.as_str());
        }
        for own in [PackageState::Stored, PackageState::Refused] {
            assert_eq!(own.as_str().parse(), Ok(own));
            assert!(own.as_str().parse::<ReleaseState>().is_err());
        }
    }

    #[test]
    fn a_state_of_a_later_version_is_none_of_ours() {
        let state: Word<PackageState> = serde_json::from_str("\"mirrored\"").unwrap();
        assert_eq!(state, Word::Unknown("mirrored".to_owned()));
        let visibility: Word<Visibility> = serde_json::from_str("\"half\"").unwrap();
        assert!(visibility.is_unknown());
        assert_eq!(serde_json::to_value(visibility).unwrap(), "half");
    }
}
