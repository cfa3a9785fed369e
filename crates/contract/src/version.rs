//! The version of an app, and its order.
//!
//! Text and order are two things: `1.0` and `1.0.0` are equal here, as they are for every updater that compares them, so
//! a release of one takes the other too. What the developer wrote stays what is shown, signed and put into addresses.

use std::{
    cmp::Ordering,
    fmt::{self, Write as _},
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One to four numbers with dots, then optionally `-pre.release` and `+build`: at most 64 characters.
///
/// Ordered as Semantic Versioning 2.0.0 part 11 has it, with missing numbers 0. Where that finds no difference the build
/// decides: none comes first, and the identifiers of two builds are compared as those of two pre-releases. Leading zeros
/// are allowed and mean nothing, since `2026.01.05` is a version that people use. One `v` before the first number is no
/// part of the version: tags are written so.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    order: String,
    /// Bytes of `order` that come before the build.
    precedence: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("the version is empty")]
    Empty,
    #[error("the version has {0} characters; at most {max} are allowed", max = Version::MAX_LENGTH)]
    TooLong(usize),
    #[error(
        "the version holds a space; a `+` in an address has to be written as `%2B`, because it is read as a space there"
    )]
    Space,
    #[error("the version holds {0:?}; only letters, digits, `.`, `-` and `+` are allowed")]
    Character(char),
    #[error("the version has {0} numbers; one to four are allowed, as 1.2.3")]
    TooManyNumbers(usize),
    #[error("{0:?} in the version is not a number; write it as 1.2.3 or 1.2.3-beta.1")]
    NotANumber(String),
    #[error("the version has an empty part after `-` or `+`")]
    EmptyIdentifier,
}

impl Version {
    pub const MAX_LENGTH: usize = 64;

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A key that is equal exactly for versions equal in order, and sorts as they do.
    ///
    /// It is made of `0-9a-f` only, so it sorts the same bytewise and under any collation of a
    /// database: `UNIQUE` on it is "this version is taken", `ORDER BY` on it is "the highest". That of a version with a
    /// build is its [`precedence_key`](Self::precedence_key) with the build behind it, and alone ends in `f`.
    pub fn order_key(&self) -> &str {
        &self.order
    }

    /// The key of the version without its build: what SemVer calls its precedence. It was the whole key up to version
    /// 0.3.0 of Slipway, so rows and files that such a version wrote are found by it. No key of this kind is the
    /// beginning of another.
    pub fn precedence_key(&self) -> &str {
        &self.order[..self.precedence]
    }

    /// The [order key](Self::order_key) of the version `text`, if `key` is that without its build.
    pub fn complete_key(text: &str, key: &str) -> Option<String> {
        let version = text.parse::<Self>().ok()?;
        let lacks_build = version.precedence_key() == key && version.order != key;
        lacks_build.then_some(version.order)
    }

    pub fn is_pre_release(&self) -> bool {
        self.text
            .split('+')
            .next()
            .is_some_and(|precedence| precedence.contains('-'))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if text.contains(' ') {
            return Err(VersionError::Space);
        }
        if let Some(other) = text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')))
        {
            return Err(VersionError::Character(other));
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(VersionError::TooLong(text.len()));
        }
        let (precedence, build) = split(text, '+');
        let (numbers, pre_release) = split(precedence, '-');
        if build.is_some_and(|build| build.contains('+')) {
            return Err(VersionError::Character('+'));
        }
        let mut order = order_of_numbers(numbers)?;
        if let Some(pre_release) = pre_release {
            order.push(PRE_RELEASE);
            push_identifiers(&mut order, pre_release)?;
        } else {
            order.push(RELEASE);
        }
        let precedence = order.len();
        if let Some(build) = build {
            push_identifiers(&mut order, build)?;
            order.push(BUILD);
        }
        Ok(Self {
            text: text.to_owned(),
            order,
            precedence,
        })
    }
}

/// A pre-release comes before its release, so its mark is the smaller one.
const PRE_RELEASE: char = '0';
const RELEASE: char = '1';

/// The last character of a key with a build: without it a key ends in one of the others.
const BUILD: char = 'f';

/// Among identifiers the end comes before more, and numbers come before words.
const END: char = '0';
const NUMBER: char = '1';
const WORD: char = '2';

fn order_of_numbers(numbers: &str) -> Result<String, VersionError> {
    let mut parts: Vec<&str> = numbers.split('.').collect();
    if let Some(other) = parts.iter().find(|part| !is_number(part)) {
        return Err(VersionError::NotANumber((*other).to_owned()));
    }
    if parts.len() > 4 {
        return Err(VersionError::TooManyNumbers(parts.len()));
    }
    parts.resize(4, "0");
    let mut order = String::new();
    for part in parts {
        push_number(&mut order, part);
    }
    Ok(order)
}

fn push_identifiers(order: &mut String, text: &str) -> Result<(), VersionError> {
    for identifier in identifiers(text)? {
        if is_number(identifier) {
            order.push(NUMBER);
            push_number(order, identifier);
        } else {
            order.push(WORD);
            order.push_str(&hex::encode(identifier));
            order.push_str("00");
        }
    }
    order.push(END);
    Ok(())
}

/// The count of digits, then the digits: a longer number is a larger one, whatever its length.
fn push_number(order: &mut String, digits: &str) {
    let digits = digits.trim_start_matches('0');
    write!(order, "{:02}{digits}", digits.len()).expect("writing to a String cannot fail");
}

fn identifiers(text: &str) -> Result<Vec<&str>, VersionError> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(VersionError::EmptyIdentifier);
    }
    Ok(parts)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Version {}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.order.hash(state);
    }
}

impl AsRef<str> for Version {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// What a database has of it.
impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests;
