//! The name under which a package is served.
//!
//! It ends up in a path, in `Content-Disposition`, in a signed comment and on a person's disk, so it
//! must mean the same in all four.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::BLOCKS_SUFFIX;
use crate::shown::{self, changes_direction, is_control, is_zero_width};

/// What the platform itself serves beside a package, or will. A package named `notes.apk.minisig` could pass itself off
/// as the signature of `notes.apk`.
pub const SERVED_SUFFIXES: [&str; 6] = [
    ".minisig",
    BLOCKS_SUFFIX,
    ".sig",
    ".plist",
    ".zsync",
    ".idsig",
];

/// That of the first version: names with the others may have been released since.
const FIRST_SUFFIX: &str = ".minisig";

/// The list of a release's digests.
const DIGESTS: &str = "SHA256SUMS";

/// At most 180 bytes, so that `NAME.minisig` and a temporary name fit into the 255 of a file system.
///
/// [`FromStr`] reads a name that was given once, by whatever version of the platform. A name for a new package is made
/// by [`FileName::for_upload`], which takes fewer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    #[error("the file name is empty")]
    Empty,
    #[error("the file name has {0} bytes; at most {max} are allowed", max = FileName::MAX_BYTES)]
    TooLong(usize),
    #[error("the file name begins with a dot; such files are hidden on most systems")]
    LeadingDot,
    #[error("the file name holds `..`, which means the folder above")]
    Climbing,
    #[error("the file name holds {0:?}; give a name, not a path")]
    Separator(char),
    #[error("the file name holds the control character {}", .0.escape_unicode())]
    Control(char),
    #[error("the file name holds {}, which changes the direction in which it is read", .0.escape_unicode())]
    Bidi(char),
    #[error("the file name holds {}, which is not seen", .0.escape_unicode())]
    ZeroWidth(char),
    #[error("the file name ends in a dot or a space, which some systems drop")]
    Trailing,
    #[error("the file name ends in `{0}`, which is kept for files that the platform makes")]
    ServedSuffix(&'static str),
    #[error("the file name {DIGESTS} is kept for the list that the platform makes")]
    Digests,
}

impl FileName {
    pub const MAX_BYTES: usize = 180;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for a new package, in composed form: a Mac's `é` of two characters becomes the one that others write.
    pub fn for_upload(text: &str) -> Result<Self, FileNameError> {
        let name: Self = shown::compose(text).parse()?;
        if let Some(unseen) = name.0.chars().find(|c| is_zero_width(*c)) {
            return Err(FileNameError::ZeroWidth(unseen));
        }
        if shown::check_end(&name.0).is_err() {
            return Err(FileNameError::Trailing);
        }
        // Folded: a file system that ignores case would take the one for the other.
        let folded = name.folded();
        if let Some(suffix) = SERVED_SUFFIXES.into_iter().find(|s| folded.ends_with(s)) {
            return Err(FileNameError::ServedSuffix(suffix));
        }
        if folded == shown::fold(DIGESTS) {
            return Err(FileNameError::Digests);
        }
        Ok(name)
    }

    /// Equal for names of which a release can have only one: see [`shown::fold`].
    pub fn folded(&self) -> String {
        shown::fold(&self.0)
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        if text.is_empty() {
            return Err(FileNameError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(FileNameError::TooLong(text.len()));
        }
        for character in text.chars() {
            match character {
                '/' | '\\' => return Err(FileNameError::Separator(character)),
                c if is_control(c) => return Err(FileNameError::Control(c)),
                c if changes_direction(c) => return Err(FileNameError::Bidi(c)),
                _ => {}
            }
        }
        if text.contains("..") {
            return Err(FileNameError::Climbing);
        }
        if text.starts_with('.') {
            return Err(FileNameError::LeadingDot);
        }
        // Compared without case: file systems of macOS and Windows do.
        let lowercase = text.to_ascii_lowercase();
        if lowercase.ends_with(FIRST_SUFFIX) {
            return Err(FileNameError::ServedSuffix(FIRST_SUFFIX));
        }
        Ok(Self(text.to_owned()))
    }
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// What a database has of it.
impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(text: String) -> Result<Self, FileNameError> {
        text.parse()
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for FileName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{FileName, FileNameError};

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for good in [
            "notes.apk",
            "Notes Setup 1.2.3 (x64).exe",
            "Größe.dmg",
            "a",
            "no%2fpath.zip",
            &"a".repeat(180),
        ] {
            assert_eq!(good.parse::<FileName>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn names_that_could_mislead_are_refused() {
        for (bad, error) in [
            ("", FileNameError::Empty),
            (&*"ä".repeat(91), FileNameError::TooLong(182)),
            (".htaccess", FileNameError::LeadingDot),
            ("..", FileNameError::Climbing),
            ("a..b", FileNameError::Climbing),
            ("a/b", FileNameError::Separator('/')),
            ("a\\b", FileNameError::Separator('\\')),
            ("a\tb", FileNameError::Control('\t')),
            ("a\0", FileNameError::Control('\0')),
            ("a\u{85}", FileNameError::Control('\u{85}')),
            ("a\u{2028}", FileNameError::Control('\u{2028}')),
            ("notes\u{202e}kpa.exe", FileNameError::Bidi('\u{202e}')),
            ("notes.apk.minisig", FileNameError::ServedSuffix(".minisig")),
            ("notes.apk.MiniSig", FileNameError::ServedSuffix(".minisig")),
        ] {
            assert_eq!(bad.parse::<FileName>(), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn a_new_name_is_composed_and_takes_no_place_of_ours() {
        let name = FileName::for_upload("Cafe\u{301} 1.0+2.zip").unwrap();
        assert_eq!(name.as_str(), "Caf\u{e9} 1.0+2.zip");
        assert_eq!(name.folded(), "caf\u{e9} 1.0+2.zip");
        for (bad, error) in [
            ("a\u{200b}.zip", FileNameError::ZeroWidth('\u{200b}')),
            ("a\u{200d}b.zip", FileNameError::ZeroWidth('\u{200d}')),
            ("\u{feff}a.zip", FileNameError::ZeroWidth('\u{feff}')),
            ("a\u{ad}.zip", FileNameError::ZeroWidth('\u{ad}')),
            ("a.", FileNameError::Trailing),
            ("a ", FileNameError::Trailing),
            ("a\u{a0}", FileNameError::Trailing),
            ("notes.apk.sig", FileNameError::ServedSuffix(".sig")),
            ("notes.apk.blocks", FileNameError::ServedSuffix(".blocks")),
            ("notes.ipa.PLIST", FileNameError::ServedSuffix(".plist")),
            (
                "notes.AppImage.zsync",
                FileNameError::ServedSuffix(".zsync"),
            ),
            ("notes.apk.idsig", FileNameError::ServedSuffix(".idsig")),
            (
                "notes.mini\u{17f}ig",
                FileNameError::ServedSuffix(".minisig"),
            ),
            ("SHA256SUMS", FileNameError::Digests),
            ("sha256sums", FileNameError::Digests),
            (
                "SHA256SUMS.minisig",
                FileNameError::ServedSuffix(".minisig"),
            ),
        ] {
            assert_eq!(FileName::for_upload(bad), Err(error), "{bad:?}");
        }
        assert!(FileName::for_upload("SHA256SUMS.txt").is_ok());
    }

    #[test]
    fn names_of_earlier_versions_are_still_read() {
        for old in [
            "notes.plist",
            "notes.blocks",
            "SHA256SUMS",
            "a\u{200b}.zip",
            "a.",
        ] {
            assert_eq!(old.parse::<FileName>().unwrap().as_str(), old);
        }
    }

    #[test]
    fn a_control_character_is_named_and_not_repeated() {
        let error = "a\u{1b}[31m".parse::<FileName>().unwrap_err().to_string();
        assert!(
            error.contains("\\u{1b}") && !error.contains('\u{1b}'),
            "{error}"
        );
    }
}
