//! The name of an app or a channel: short, lowercase, safe in a path, a file name and a host name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names of apps that are addresses of the platform's own, or will be.
const RESERVED_APPS: [&str; 11] = [
    "repo", "dists", "pool", "all", "api", "keys", "latest", "console", "admin", "stable", "beta",
];
/// The same of channels.
const RESERVED_CHANNELS: [&str; 4] = ["latest", "all", "report", "omaha"];

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
    #[error("the name {0} is kept for the platform's own addresses; choose another")]
    Reserved(String),
}

impl Slug {
    pub const MAX_LENGTH: usize = 63;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses a name that no new app may have. One that has it from an earlier version keeps it.
    pub fn check_new_app(&self) -> Result<(), SlugError> {
        self.check_reserved(&RESERVED_APPS)
    }

    /// The same of a channel.
    pub fn check_new_channel(&self) -> Result<(), SlugError> {
        self.check_reserved(&RESERVED_CHANNELS)
    }

    fn check_reserved(&self, reserved: &[&str]) -> Result<(), SlugError> {
        if reserved.contains(&self.as_str()) {
            return Err(SlugError::Reserved(self.0.clone()));
        }
        Ok(())
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

/// What a database has of it.
impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        text.parse()
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
    fn what_is_reserved_is_read_and_not_made() {
        let slug = |text: &str| text.parse::<Slug>().unwrap();
        for taken in ["repo", "api", "stable"] {
            let reserved = Err(SlugError::Reserved(taken.to_owned()));
            assert_eq!(slug(taken).check_new_app(), reserved);
        }
        assert_eq!(slug("stable").check_new_channel(), Ok(()));
        assert!(slug("latest").check_new_channel().is_err());
        assert_eq!(slug("repository").check_new_app(), Ok(()));
    }

    #[test]
    fn json_is_the_text_and_a_bad_one_says_why() {
        let slug: Slug = serde_json::from_str("\"notes\"").unwrap();
        assert_eq!(serde_json::to_string(&slug).unwrap(), "\"notes\"");
        let error = serde_json::from_str::<Slug>("\"a b\"").unwrap_err();
        assert!(error.to_string().contains("only a-z, 0-9 and -"), "{error}");
    }
}
