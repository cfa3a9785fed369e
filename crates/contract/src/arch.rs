//! What machine code a package is for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A processor's architecture. Its text is one word in lower case; every other spelling of it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Arch {
    X86_64,
    Aarch64,
    Armv7,
    X86,
    /// Runs on every architecture of its platform.
    Universal,
    /// Any other, by the name that its package or its uploader gives it.
    Named(ArchName),
}

/// The name of an architecture: 1 to 24 of `a-z 0-9 _ - .`, of which the first is no mark. The rest of the array is zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchName([u8; 24]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no architecture; it is one of x86_64, aarch64, armv7, x86, universal, or another one's name in a-z, 0-9, _, - and ., at most 24 of them"
)]
pub struct ArchError(String);

/// What `uname -m`, dpkg, rpm, Go (`GOARCH`), Node (`process.arch`), Android (ABIs), Apple, Python, Docker, Windows
/// (`PROCESSOR_ARCHITECTURE`), MSI (Template), MSIX and .NET (runtime identifiers) call them: in lower case, with `_` for `-`.
const SPELLINGS: [(Arch, &[&str]); 5] = [
    (
        Arch::X86_64,
        &["x86_64", "amd64", "x64", "x86_64h", "em64t", "ia32e"],
    ),
    (
        Arch::Aarch64,
        &[
            "aarch64",
            "arm64",
            "arm64e",
            "arm64_v8a",
            "arm64v8",
            "armv8",
            "armv8a",
            "arm64ec",
        ],
    ),
    (
        Arch::Armv7,
        &[
            "armv7",
            "armv7l",
            "armv7a",
            "armv7s",
            "armv7hl",
            "armv7hnl",
            "armv8l",
            "armv8hl",
            "armhf",
            "armhfp",
            "arm",
            "arm32",
            "arm32v7",
            "armeabi",
            "armeabi_v7a",
        ],
    ),
    (
        Arch::X86,
        &[
            "x86", "i386", "i486", "i586", "i686", "386", "ia32", "intel", "x86_32", "ix86",
        ],
    ),
    (
        Arch::Universal,
        &[
            "universal",
            "universal2",
            "all",
            "any",
            "noarch",
            "neutral",
            "anycpu",
            "fat",
        ],
    ),
];

/// Names of one other architecture; the first stands for all of them.
const NAMES: [&[&str]; 11] = [
    &["ppc64le", "ppc64el", "powerpc64le"],
    &["ppc64", "powerpc64"],
    &["ppc", "powerpc"],
    &["riscv64", "riscv64gc", "rv64gc"],
    &["loongarch64", "loong64"],
    &["mipsle", "mipsel"],
    &["mips64le", "mips64el"],
    &["ia64", "intel64", "itanium"],
    &["sparc64", "sparcv9"],
    &["armv6", "armv6l", "armv6hl"],
    &["source", "src", "nosrc"],
];

impl ArchName {
    const fn literal(text: &str) -> Self {
        let mut name = [0; 24];
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            name[at] = bytes[at];
            at += 1;
        }
        Self(name)
    }

    fn new(text: &str) -> Option<Self> {
        let mark = |byte| matches!(byte, b'_' | b'-' | b'.');
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = text.bytes().all(|byte| plain(byte) || mark(byte))
            && text.bytes().next().is_some_and(plain);
        (is_name && text.len() <= 24).then(|| Self::literal(text))
    }

    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0);
        let name = &self.0[..end.unwrap_or(self.0.len())];
        std::str::from_utf8(name).expect("a name is of ASCII")
    }

    /// The same architecture's name that stands for all of its names.
    fn family(&self) -> &str {
        let own = self.as_str();
        let family = NAMES.iter().find(|names| names.contains(&own));
        family.map_or(own, |names| names[0])
    }
}

impl fmt::Debug for ArchName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
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
    /// A source package has no machine code: it is offered to nobody.
    pub const SOURCE: Self = Self::Named(ArchName::literal("source"));
    /// Its bytes have to say it, and could not be read: only who names this word gets it.
    pub const UNKNOWN: Self = Self::Named(ArchName::literal("unknown"));

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

    /// Whether both are the same architecture, also under two of its names.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(one), Self::Named(other)) => one.family() == other.family(),
            (one, other) => one == other,
        }
    }
}

impl Arch {
    /// The architecture that has this spelling, in lower case.
    pub(crate) fn spelled(word: &str) -> Option<Self> {
        let spelling = word.replace('-', "_");
        let known = SPELLINGS
            .iter()
            .find(|(_, spellings)| spellings.contains(&&*spelling));
        known.map(|(arch, _)| *arch)
    }
}

impl FromStr for Arch {
    type Err = ArchError;

    /// Any spelling of any case, also as the end of a runtime identifier of .NET, such as `win-x64`.
    fn from_str(text: &str) -> Result<Self, ArchError> {
        let lower = text.to_ascii_lowercase();
        let word = crate::platform::behind_system(&lower).unwrap_or(&lower);
        Self::spelled(word)
            .or_else(|| ArchName::new(word).map(Self::Named))
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

impl AsRef<str> for Arch {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, SPELLINGS};

    #[test]
    fn text_and_json_of_every_word_agree_both_ways() {
        for one in Arch::KNOWN {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(one.to_string().parse(), Ok(one));
            assert_eq!(
                SPELLINGS.iter().filter(|(arch, _)| *arch == one).count(),
                1,
                "{one}"
            );
        }
    }

    #[test]
    fn every_trade_s_spelling_is_taken_in_any_case() {
        for (arch, spellings) in [
            (
                Arch::X86_64,
                &[
                    "x86_64", "AMD64", "x64", "x86-64", "X64", "EM64T", "win-x64",
                ][..],
            ),
            (
                Arch::Aarch64,
                &[
                    "aarch64",
                    "arm64",
                    "ARM64",
                    "arm64-v8a",
                    "Arm64",
                    "linux-musl-arm64",
                    "osx.12-arm64",
                ],
            ),
            (
                Arch::Armv7,
                &[
                    "armv7l",
                    "armhf",
                    "arm",
                    "Arm",
                    "armeabi-v7a",
                    "armv7hl",
                    "linux-arm",
                ],
            ),
            (
                Arch::X86,
                &["x86", "i386", "i686", "386", "ia32", "Intel", "win10-x86"],
            ),
            (
                Arch::Universal,
                &[
                    "all",
                    "noarch",
                    "neutral",
                    "universal2",
                    "AnyCPU",
                    "Universal",
                ],
            ),
        ] {
            for spelling in spellings {
                assert_eq!(spelling.parse(), Ok(arch), "{spelling}");
            }
        }
    }

    #[test]
    fn another_architecture_is_its_name() {
        for name in [
            "ppc64le",
            "s",
            "x86_64-v3",
            "musl-linux-armel",
            &"a".repeat(24),
        ] {
            let arch: Arch = name.parse().unwrap();
            assert!(matches!(arch, Arch::Named(_)), "{name}");
            assert_eq!(arch.to_string(), name);
            assert_eq!(serde_json::to_value(arch).unwrap(), name);
            let json = format!("{name:?}");
            assert_eq!(serde_json::from_str::<Arch>(&json).unwrap(), arch);
        }
        for name in ["", "-a", "a b", "a\0", "\u{e4}", "a/b", &"a".repeat(25)] {
            let error = name.parse::<Arch>().unwrap_err().to_string();
            assert!(error.contains("x86_64"), "{error}");
        }
    }

    #[test]
    fn two_names_of_one_architecture_are_the_same() {
        let is_same = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|name| name.parse::<Arch>().unwrap());
            one.is_same(&other)
        };
        assert!(is_same("ppc64el", "ppc64le") && is_same("Intel64", "ia64"));
        assert!(is_same("amd64", "x86_64") && is_same("s390x", "S390X"));
        assert!(!is_same("ppc64", "ppc64le") && !is_same("ppc64", "universal"));
    }
}
