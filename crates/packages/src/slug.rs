//! The name of an app or a channel: short, lowercase, safe in a path, a file name and a host name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[a-z0-9][a-z0-9-]{0,62}`: at most 63 characters, as a DNS label (RFC 1035).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    #[error("the name is empty; give at least one letter or digit")]
    Empty,
    #[error("the name has {0} characters; at most {max} are allowed", max = Slug::MAX_LENGTH)]
    TooLong(usize),
    #[error("the name must begin with a lowercase letter or a digit, not with {0:?}")]
    Start(char),
    #[error("the name holds {0:?}; only a-z, 0-9 and - are allowed")]
    Character(char),
}

impl Slug {
    pub const MAX_LENGTH: usize = 63;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let first = text.chars().next().ok_or(SlugError::Empty)?;
        if let Some(other) = text
            .chars()
            .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
        {
            return Err(SlugError::Character(other));
        }
        if first == '-' {
            return Err(SlugError::Start(first));
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(SlugError::TooLong(text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl AsRef<str> for Slug {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Slug, SlugError};

    #[test]
    fn slugs_are_short_lowercase_names() {
        for good in ["a", "0", "notes", "my-app-2", &"a".repeat(63)] {
            assert_eq!(good.parse::<Slug>().unwrap().to_string(), good);
        }
        for (bad, error) in [
            ("", SlugError::Empty),
            ("-a", SlugError::Start('-')),
            ("Notes", SlugError::Character('N')),
            ("a.b", SlugError::Character('.')),
            ("ä", SlugError::Character('ä')),
            ("a/b", SlugError::Character('/')),
            (&"a".repeat(64), SlugError::TooLong(64)),
        ] {
            assert_eq!(bad.parse::<Slug>(), Err(error), "{bad}");
        }
    }

    #[test]
    fn json_is_the_text_and_a_bad_one_says_why() {
        let slug: Slug = serde_json::from_str("\"notes\"").unwrap();
        assert_eq!(serde_json::to_string(&slug).unwrap(), "\"notes\"");
        let error = serde_json::from_str::<Slug>("\"a b\"").unwrap_err();
        assert!(error.to_string().contains("only a-z, 0-9 and -"), "{error}");
    }
}
