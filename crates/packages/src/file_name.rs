//! The name under which a package is served.
//!
//! It ends up in a path, in `Content-Disposition`, in a signed comment and on a person's disk, so it
//! must mean the same in all four.

use std::{fmt, str::FromStr};

use crate::digest::BLOCKS_SUFFIX;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the platform itself makes beside a package. A package named `notes.apk.minisig` could pass
/// itself off as the signature of `notes.apk`.
pub const SERVED_SUFFIXES: [&str; 2] = [".minisig", BLOCKS_SUFFIX];

/// At most 180 bytes, so that `NAME.minisig` and a temporary name fit into the 255 of a file system.
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
    #[error("the file name ends in `{0}`, which is kept for files that the platform makes")]
    ServedSuffix(&'static str),
}

impl FileName {
    pub const MAX_BYTES: usize = 180;

    pub fn as_str(&self) -> &str {
        &self.0
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
                // A tab would end the field in a signed comment, a line break the comment itself.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    return Err(FileNameError::Control(c));
                }
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
        if let Some(suffix) = SERVED_SUFFIXES.into_iter().find(|s| lowercase.ends_with(s)) {
            return Err(FileNameError::ServedSuffix(suffix));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The controls of the bidirectional algorithm (Unicode annex 9): `notes\u{202e}kpa.exe` is shown as
/// `notesexe.apk`.
pub(crate) fn changes_direction(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        self.as_str()
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
            ("notes.apk.blocks", FileNameError::ServedSuffix(".blocks")),
        ] {
            assert_eq!(bad.parse::<FileName>(), Err(error), "{bad:?}");
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
