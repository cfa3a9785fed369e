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

/// What a database has of it.
impl<T: FromStr> From<String> for Word<T> {
    fn from(text: String) -> Self {
        Self::read(text)
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

/// Makes an enum of words and all that is the same for each: its text, its parser, its JSON.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident, $error:ident, $what:literal {
            $($(#[$meaning:meta])* $word:ident = $text:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$meaning])* $word,)+
        }

        #[doc = concat!("The text is no ", $what, " that this version knows.")]
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error("the {what} {0:?} is not known", what = $what)]
        pub struct $error(String);

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                match text {
                    $($text => Ok(Self::$word),)+
                    other => Err($error(other.to_owned())),
                }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::word::one_of(Self::ALL.iter().map(|word| word.as_str())).into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use words;

/// A text that is one of these words.
#[cfg(feature = "schema")]
pub(crate) fn one_of(
    words: impl Iterator<Item = &'static str>,
) -> utoipa::openapi::schema::ObjectBuilder {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(words))
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
                serde_json::to_string(&Word::Known(kind)).unwrap(),
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
