//! What is read out of the bytes of a package.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{arch::Arch, digest::Digest, kind::Kind, platform::Platform};

/// What is read out of a package. Nothing of it is proven: it is what the file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub kind: Kind,
    /// `None` where the bytes do not say, as in a zip; the uploader may.
    pub platform: Option<Platform>,
    /// `None` where the bytes do not say.
    pub arch: Option<Arch>,
    /// What the package is called by what installs it: the package name of an APK, a deb or an rpm, the bundle identifier of
    /// an IPA, the upgrade code of an MSI.
    pub identifier: Option<String>,
    /// As in the bytes: it need not be a [`Version`](crate::Version).
    pub version: Option<String>,
    /// The version of a deb or an rpm as it is in the bytes; `version` is what it is in the order that all apps have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_version: Option<String>,
    /// `versionCode` of an APK, with `versionCodeMajor` in the upper 32 bits.
    pub version_code: Option<u64>,
    /// The name that a person sees on the device.
    pub label: Option<String>,
    pub icon: Option<Icon>,
    /// API levels of Android.
    pub min_sdk: Option<u32>,
    pub target_sdk: Option<u32>,
    /// Whether Android installs it for developers alone (`android:testOnly`).
    #[serde(default)]
    pub test_only: bool,
    /// The name of the part that an APK is of an app in several APKs.
    #[serde(default)]
    pub split: Option<String>,
    /// What native code is there for, sorted: names of Android's ABIs, or the architectures of a fat Mach-O.
    pub abis: Vec<String>,
    /// SHA-256 of the signer's certificate, as `apksigner verify --print-certs` prints it.
    pub signer_sha256: Option<Digest>,
    /// Whether the signature was checked against that certificate and the file. Always false so far:
    /// anybody can put another's certificate into a file, so it must not be trusted or pinned.
    pub signer_verified: bool,
    /// For the developer, in words.
    pub warnings: Vec<String>,
}

/// A picture to show beside the label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// `image/png` or `image/webp`, by content.
    pub media_type: String,
    /// The bytes in base64.
    pub data: String,
}

/// Why an archive is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It unpacks to far more than it is.
    Bomb,
    /// Entries share bytes, with each other or with the directory.
    Overlap,
    /// Two entries have the same name: two readers see two different packages.
    Duplicate,
    /// An entry's name leads out of the folder that it is unpacked into.
    Climbing,
    /// More entries than any honest package has.
    Count,
}

impl Rule {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bomb => "bomb",
            Self::Overlap => "overlap",
            Self::Duplicate => "duplicate",
            Self::Climbing => "climbing",
            Self::Count => "count",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Facts {
    /// Facts that are known from the kind alone.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            platform: kind.platform(),
            arch: None,
            identifier: None,
            version: None,
            native_version: None,
            version_code: None,
            label: None,
            icon: None,
            min_sdk: None,
            target_sdk: None,
            test_only: false,
            split: None,
            abis: Vec::new(),
            signer_sha256: None,
            signer_verified: false,
            warnings: Vec::new(),
        }
    }

    /// The facts of a file that was not understood.
    pub fn not_understood(warning: impl Into<String>) -> Self {
        Self {
            warnings: vec![warning.into()],
            ..Self::of(Kind::Other)
        }
    }

    /// For the developer, in words.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn a_rule_has_one_name() {
        for rule in [
            Rule::Bomb,
            Rule::Overlap,
            Rule::Duplicate,
            Rule::Climbing,
            Rule::Count,
        ] {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }
}
