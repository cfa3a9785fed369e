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
    /// `HarmonyOS` without Android beneath it.
    Harmony,
    Any,
    /// What its uploader declared to be of no known kind: it is offered to nobody who names a platform. To a version that
    /// does not know this word it is an unknown one, which is offered to nobody either.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown platform {0:?}; one of android, ios, macos, windows, linux, harmony, any")]
pub struct PlatformError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Arch {
    X86_64,
    Aarch64,
    Armv7,
    X86,
    /// Runs on every architecture of its platform.
    Universal,
    /// Any other, by its own name.
    Named(ArchName),
}

/// The name of an architecture: 1 to 24 of `a-z 0-9 _ - .`, of which the first is no mark. The rest of the array is zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchName([u8; 24]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no architecture; it is one of x86_64, aarch64, armv7, x86, universal, or another one's name in a-z, 0-9, _, - and ., at most 24 of them"
)]
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
    /// A program or library for Java.
    Jar,
    /// A wheel of Python.
    Whl,
    /// An installer of macOS (xar).
    Pkg,
    Snap,
    /// Also `.appx`, and the bundles of both.
    Msix,
    Nupkg,
    /// An APK with its parts, as some stores hand them out; `.apks` and `.apkm` are others of the same.
    Xapk,
    Apks,
    Apkm,
    #[serde(rename = "tar.xz")]
    TarXz,
    #[serde(rename = "tar.zst")]
    TarZst,
    #[serde(rename = "tar.bz2")]
    TarBz2,
    #[serde(rename = "7z")]
    SevenZip,
    Flatpak,
    /// An app of `HarmonyOS`.
    Hap,
    /// Anything else: served as it is, without facts.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown kind {0:?}; one of apk, aab, ipa, deb, rpm, appimage, msi, exe, macho, dmg, zip, tar.gz, jar, whl, pkg, snap, msix, nupkg, xapk, apks, apkm, tar.xz, tar.zst, tar.bz2, 7z, flatpak, hap, other"
)]
pub struct KindError(String);

impl Platform {
    pub const ALL: [Self; 8] = [
        Self::Android,
        Self::Ios,
        Self::Macos,
        Self::Windows,
        Self::Linux,
        Self::Harmony,
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
            Self::Harmony => "harmony",
            Self::Any => "any",
            Self::None => "none",
        }
    }
}

impl ArchName {
    fn new(text: &str) -> Option<Self> {
        let mark = |byte| matches!(byte, b'_' | b'-' | b'.');
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = text.bytes().all(|byte| plain(byte) || mark(byte))
            && text.bytes().next().is_some_and(plain);
        let mut name = [0; 24];
        name.get_mut(..text.len())
            .filter(|_| is_name)?
            .copy_from_slice(text.as_bytes());
        Some(Self(name))
    }

    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0);
        let name = &self.0[..end.unwrap_or(self.0.len())];
        std::str::from_utf8(name).expect("a name is of ASCII")
    }
}

impl Arch {
    /// Those that have a place of their own in the order of what is offered.
    pub const KNOWN: [Self; 5] = [
        Self::X86_64,
        Self::Aarch64,
        Self::Armv7,
        Self::X86,
        Self::Universal,
    ];

    pub fn as_str(&self) -> &str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Armv7 => "armv7",
            Self::X86 => "x86",
            Self::Universal => "universal",
            Self::Named(name) => name.as_str(),
        }
    }
}

impl Kind {
    pub const ALL: [Self; 28] = [
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
        Self::Jar,
        Self::Whl,
        Self::Pkg,
        Self::Snap,
        Self::Msix,
        Self::Nupkg,
        Self::Xapk,
        Self::Apks,
        Self::Apkm,
        Self::TarXz,
        Self::TarZst,
        Self::TarBz2,
        Self::SevenZip,
        Self::Flatpak,
        Self::Hap,
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
            Self::Jar => "jar",
            Self::Whl => "whl",
            Self::Pkg => "pkg",
            Self::Snap => "snap",
            Self::Msix => "msix",
            Self::Nupkg => "nupkg",
            Self::Xapk => "xapk",
            Self::Apks => "apks",
            Self::Apkm => "apkm",
            Self::TarXz => "tar.xz",
            Self::TarZst => "tar.zst",
            Self::TarBz2 => "tar.bz2",
            Self::SevenZip => "7z",
            Self::Flatpak => "flatpak",
            Self::Hap => "hap",
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
        let found = Self::KNOWN.into_iter().find(|one| one.as_str() == text);
        found
            .or_else(|| ArchName::new(text).map(Self::Named))
            .ok_or_else(|| ArchError(text.to_owned()))
    }
}

impl From<Arch> for String {
    fn from(arch: Arch) -> Self {
        arch.as_str().to_owned()
    }
}

impl TryFrom<String> for Arch {
    type Error = ArchError;

    fn try_from(text: String) -> Result<Self, ArchError> {
        text.parse()
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
        for one in Arch::KNOWN {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        for one in Kind::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
    }

    #[test]
    fn another_architecture_is_its_name() {
        for name in ["ppc64le", "loongarch64", "s", "x86_64-v3", &"a".repeat(24)] {
            let arch: Arch = name.parse().unwrap();
            assert!(matches!(arch, Arch::Named(_)), "{name}");
            assert_eq!(arch.to_string(), name);
            assert_eq!(serde_json::to_value(arch).unwrap(), name);
            assert_eq!(
                serde_json::from_str::<Arch>(&format!("{name:?}")).unwrap(),
                arch
            );
        }
        for name in ["", "-a", "a b", "a\0", "\u{e4}", "a/b", &"a".repeat(25)] {
            assert!(name.parse::<Arch>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn nobody_asks_for_no_platform() {
        assert_eq!(Platform::asked("linux"), Ok(Platform::Linux));
        assert!(Platform::asked("none").is_err() && Platform::asked("").is_err());
    }

    #[test]
    fn an_unknown_word_is_told_what_there_is() {
        let error = "a b".parse::<Arch>().unwrap_err().to_string();
        assert!(
            error.contains("\"a b\"") && error.contains("x86_64"),
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
