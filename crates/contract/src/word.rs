//! A word that a neighbour of another version may have said.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word of the platform, or one that this version does not know yet.
///
/// Services are upgraded one by one, so a reader meets words of later versions. It keeps them as they are, and says aloud
/// what it leaves out because of them. What a word decides is decided by the known ones alone: an unknown one permits nothing
/// and shows nothing.
///
/// Its text, its JSON and what a database has of it are the same, known or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Word<T> {
    Known(T),
    Unknown(String),
}

impl<T> Word<T> {
    /// The word, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(word) => Some(word),
            Self::Unknown(_) => None,
        }
    }

    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl<T: AsRef<str>> Word<T> {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(word) => word.as_ref(),
            Self::Unknown(text) => text,
        }
    }
}

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: FromStr> Word<T> {
    /// Reads what a neighbour or a database says. What is not known is kept.
    pub fn read(text: impl Into<String>) -> Self {
        let text = text.into();
        text.parse()
            .map_or_else(|_| Self::Unknown(text), Self::Known)
    }
}

impl<T: PartialEq> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(other)
    }
}

impl<T: fmt::Display> fmt::Display for Word<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(word) => word.fmt(formatter),
            Self::Unknown(text) => formatter.write_str(text),
        }
    }
}

impl<T: fmt::Display> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::read)
    }
}

#[cfg(test)]
mod tests {
    use super::Word;
    use crate::{arch::Arch, kind::Kind, platform::Platform};

    #[test]
    fn every_known_word_is_written_as_before() {
        for kind in Kind::ALL {
            assert_eq!(Word::read(kind.as_str()), kind);
            assert_eq!(
                serde_json::to_string(&Word::from(kind)).unwrap(),
                serde_json::to_string(&kind).unwrap()
            );
        }
        for platform in Platform::ALL {
            assert_eq!(Word::read(platform.as_str()), platform);
        }
        for arch in Arch::KNOWN {
            assert_eq!(Word::read(arch.as_str()), arch);
        }
    }

    #[test]
    fn an_unknown_word_is_kept_as_it_is_and_is_none_of_the_known() {
        let word: Word<Kind> = serde_json::from_str("\"wasm\"").unwrap();
        assert!(word.is_unknown() && word != Kind::Other);
        assert_eq!(word.to_string(), "wasm");
        assert_eq!(serde_json::to_string(&word).unwrap(), "\"wasm\"");
        assert!(serde_json::from_str::<Word<Kind>>("7").is_err());
    }
}
