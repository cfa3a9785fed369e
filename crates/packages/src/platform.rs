//! What a package runs on, and what kind of file it is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Android,
    Ios,
    Macos,
    Windows,
    Linux,
    Any,
    /// What its uploader declared to be of no known kind: it is offered to nobody who names a platform. To a version that
    /// does not know this word it is an unknown one, which is offered to nobody either.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown platform {0:?}; one of android, ios, macos, windows, linux, any")]
pub struct PlatformError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    X86_64,
    Aarch64,
    Armv7,
    X86,
    /// Runs on every architecture of its platform.
    Universal,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown architecture {0:?}; one of x86_64, aarch64, armv7, x86, universal")]
pub struct ArchError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Apk,
    Aab,
    Ipa,
    Deb,
    Rpm,
    AppImage,
    Msi,
    /// A Windows PE executable.
    Exe,
    #[serde(rename = "macho")]
    MachO,
    Dmg,
    Zip,
    #[serde(rename = "tar.gz")]
    TarGz,
    /// Anything else: served as it is, without facts.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown kind {0:?}; one of apk, aab, ipa, deb, rpm, appimage, msi, exe, macho, dmg, zip, tar.gz, other"
)]
pub struct KindError(String);

impl Platform {
    pub const ALL: [Self; 7] = [
        Self::Android,
        Self::Ios,
        Self::Macos,
        Self::Windows,
        Self::Linux,
        Self::Any,
        Self::None,
    ];

    /// The platform that somebody names: nobody can name [`Self::None`].
    pub fn asked(text: &str) -> Result<Self, PlatformError> {
        text.parse()
            .ok()
            .filter(|platform| *platform != Self::None)
            .ok_or_else(|| PlatformError(text.to_owned()))
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Macos => "macos",
            Self::Windows => "windows",
            Self::Linux => "linux",
            Self::Any => "any",
            Self::None => "none",
        }
    }
}

impl Arch {
    pub const ALL: [Self; 5] = [
        Self::X86_64,
        Self::Aarch64,
        Self::Armv7,
        Self::X86,
        Self::Universal,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Armv7 => "armv7",
            Self::X86 => "x86",
            Self::Universal => "universal",
        }
    }
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::Apk,
        Self::Aab,
        Self::Ipa,
        Self::Deb,
        Self::Rpm,
        Self::AppImage,
        Self::Msi,
        Self::Exe,
        Self::MachO,
        Self::Dmg,
        Self::Zip,
        Self::TarGz,
        Self::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Aab => "aab",
            Self::Ipa => "ipa",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::AppImage => "appimage",
            Self::Msi => "msi",
            Self::Exe => "exe",
            Self::MachO => "macho",
            Self::Dmg => "dmg",
            Self::Zip => "zip",
            Self::TarGz => "tar.gz",
            Self::Other => "other",
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| PlatformError(text.to_owned()))
    }
}

impl FromStr for Arch {
    type Err = ArchError;

    fn from_str(text: &str) -> Result<Self, ArchError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| ArchError(text.to_owned()))
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| KindError(text.to_owned()))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, Kind, Platform};

    #[test]
    fn text_and_json_of_every_word_agree_both_ways() {
        for one in Platform::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        for one in Arch::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        for one in Kind::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
    }

    #[test]
    fn nobody_asks_for_no_platform() {
        assert_eq!(Platform::asked("linux"), Ok(Platform::Linux));
        assert!(Platform::asked("none").is_err() && Platform::asked("").is_err());
    }

    #[test]
    fn an_unknown_word_is_told_what_there_is() {
        let error = "amd64".parse::<Arch>().unwrap_err().to_string();
        assert!(
            error.contains("\"amd64\"") && error.contains("x86_64"),
            "{error}"
        );
        for error in [
            "x".parse::<Platform>().unwrap_err().to_string(),
            "x".parse::<Kind>().unwrap_err().to_string(),
        ] {
            assert!(error.contains("one of "), "{error}");
        }
        let all = Kind::ALL.map(Kind::as_str).join(", ");
        assert!("x".parse::<Kind>().unwrap_err().to_string().ends_with(&all));
    }
}
