//! What kind of file a package is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{arch::Arch, platform::Platform};

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

    /// What every file of this kind runs on; `None` where the kind names no system.
    pub const fn platform(self) -> Option<Platform> {
        match self {
            Self::Apk | Self::Aab | Self::Xapk | Self::Apks | Self::Apkm => Some(Platform::Android),
            Self::Ipa => Some(Platform::Ios),
            Self::Deb | Self::Rpm | Self::AppImage | Self::Snap | Self::Flatpak => {
                Some(Platform::Linux)
            }
            Self::Msi | Self::Exe | Self::Msix => Some(Platform::Windows),
            Self::MachO | Self::Dmg | Self::Pkg => Some(Platform::Macos),
            Self::Hap => Some(Platform::Harmony),
            // Whatever runs Java or Python runs them.
            Self::Jar | Self::Whl => Some(Platform::Any),
            Self::Zip
            | Self::TarGz
            | Self::TarXz
            | Self::TarZst
            | Self::TarBz2
            | Self::SevenZip
            | Self::Nupkg
            | Self::Other => None,
        }
    }

    /// The architecture of a file of this kind that names none, and of which nothing is said.
    pub fn unsaid_arch(self) -> Arch {
        match self {
            // Its bytes have to say it.
            Self::Deb
            | Self::Rpm
            | Self::AppImage
            | Self::Msi
            | Self::MachO
            | Self::Snap
            | Self::Flatpak => Arch::UNKNOWN,
            Self::Exe => Arch::X86,
            _ => Arch::Universal,
        }
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| KindError(text.to_owned()))
    }
}

impl AsRef<str> for Kind {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn text_and_json_of_every_word_agree_both_ways() {
        for one in Kind::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
    }

    #[test]
    fn an_unknown_word_is_told_what_there_is() {
        let error = "x".parse::<Kind>().unwrap_err().to_string();
        let all = Kind::ALL.map(Kind::as_str).join(", ");
        assert!(
            error.contains("one of ") && error.ends_with(&all),
            "{error}"
        );
    }
}
