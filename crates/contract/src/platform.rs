//! What a package runs on.

use std::fmt;

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
pub struct PlatformError(pub(crate) String);

/// What `uname -s` and `-o`, dpkg, rpm, Go (`GOOS`), Node (`process.platform`), Python, Apple, Windows and .NET (runtime
/// identifiers) call them: in lower case, with `-` for blanks and `_`.
const SPELLINGS: [(Platform, &[&str]); 7] = [
    (Platform::Android, &["android", "linux-android"]),
    (
        Platform::Ios,
        &["ios", "iphone", "iphoneos", "ipad", "ipados"],
    ),
    (
        Platform::Macos,
        &[
            "macos",
            "mac",
            "macosx",
            "mac-os-x",
            "mac-os",
            "osx",
            "darwin",
            "maccatalyst",
        ],
    ),
    (
        Platform::Windows,
        &[
            "windows",
            "windows-nt",
            "win",
            "win32",
            "win64",
            "win7",
            "win8",
            "win81",
            "win10",
            "win11",
        ],
    ),
    (
        Platform::Linux,
        &[
            "linux",
            "linux2",
            "gnu/linux",
            "gnu-linux",
            "linux-gnu",
            "linux-musl",
            "linux-any",
        ],
    ),
    (
        Platform::Harmony,
        &["harmony", "harmonyos", "hongmeng", "ohos", "openharmony"],
    ),
    (Platform::Any, &["any", "all"]),
];
/// How `uname -s` begins in the shells for Windows; a version follows.
const WINDOWS_SHELLS: [&str; 4] = ["mingw32-nt", "mingw64-nt", "msys-nt", "cygwin-nt"];

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

/// What stands behind the system in a runtime identifier in lower case, such as `x64` in `win-x64`: the longest name of a
/// system counts.
pub(crate) fn behind_system(text: &str) -> Option<&str> {
    let mut ends = text.rmatch_indices(['-', '_']);
    ends.find_map(|(at, _)| {
        let system = spelled(&text[..at].replace('_', "-"));
        system.map(|_| &text[at + 1..])
    })
}

pub(crate) fn spelled(word: &str) -> Option<Platform> {
    if WINDOWS_SHELLS.iter().any(|shell| word.starts_with(shell)) {
        return Some(Platform::Windows);
    }
    // `osx.12`: .NET writes the version of a system behind a dot.
    let name = match word.split_once('.') {
        Some((name, version))
            if version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            name
        }
        _ => word,
    };
    let found = SPELLINGS
        .iter()
        .find(|(_, spellings)| spellings.contains(&name));
    found.map(|(platform, _)| *platform)
}

impl AsRef<str> for Platform {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn text_and_json_of_every_word_agree_both_ways() {
        for one in Platform::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
        }
    }

    #[test]
    fn every_trade_s_spelling_is_taken_in_any_case() {
        for (platform, spellings) in [
            (
                Platform::Android,
                &["Android", "ANDROID", "android-arm64-v8a"][..],
            ),
            (Platform::Ios, &["iOS", "iPadOS", "iphoneos", "ios-arm64"]),
            (
                Platform::Macos,
                &[
                    "macOS",
                    "Darwin",
                    "darwin",
                    "mac",
                    "Mac OS X",
                    "macosx",
                    "osx-arm64",
                    "osx.12-x64",
                ],
            ),
            (
                Platform::Windows,
                &[
                    "win32",
                    "Windows_NT",
                    "Windows",
                    "win",
                    "win-x64",
                    "win10-x86",
                    "MINGW64_NT-10.0-19045",
                    "CYGWIN_NT-10.0",
                ],
            ),
            (
                Platform::Linux,
                &[
                    "Linux",
                    "linux",
                    "GNU/Linux",
                    "linux-musl-x64",
                    "linux-amd64",
                    "linux-x86_64",
                    "linux-gnu",
                ],
            ),
            (Platform::Harmony, &["HarmonyOS", "ohos"]),
            (Platform::Any, &["Any", "all"]),
        ] {
            for spelling in spellings {
                assert_eq!(Platform::asked(spelling), Ok(platform), "{spelling}");
            }
        }
        for other in [
            "FreeBSD",
            "aix",
            "linux-",
            "-linux",
            "linux-s390",
            "lin",
            "win32.exe",
            "x64",
        ] {
            assert!(Platform::asked(other).is_err(), "{other}");
        }
    }

    #[test]
    fn nobody_asks_for_no_platform() {
        assert_eq!(Platform::asked("linux"), Ok(Platform::Linux));
        assert!(Platform::asked("None").is_err() && Platform::asked("").is_err());
    }

    #[test]
    fn an_unknown_word_is_told_what_there_is() {
        let error = Platform::asked("x").unwrap_err().to_string();
        assert!(
            error.contains("\"x\"") && error.contains("one of "),
            "{error}"
        );
    }
}
