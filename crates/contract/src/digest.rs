//! The SHA-256 of a file: its name in the store, and what everybody compares.

use std::{fmt, str::FromStr};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Written with padding, read with or without: RFC 8941 part 4.2.7 asks parsers not to insist on it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Ends the name of a list of blocks.
pub(crate) const BLOCKS_SUFFIX: &str = ".blocks";

/// A SHA-256; its text is 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    #[error("a SHA-256 has 64 hexadecimal digits, not {0} characters")]
    Length(usize),
    #[error("a SHA-256 is written with 0-9 and a-f, not with {0:?}")]
    Character(char),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReprDigestError {
    #[error("no `sha-256` member; send `sha-256=:BASE64:` (RFC 9530)")]
    NoSha256,
    #[error(
        "the value of `sha-256` is not base64 between two colons, as `sha-256=:BASE64:` (RFC 9530)"
    )]
    NotBytes,
    #[error("the value of `sha-256` has {0} bytes; a SHA-256 has 32")]
    Length(usize),
}

impl Digest {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn as_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Where the store keeps the bytes: `sha256/ab/abcd…`.
    pub fn blob_path(&self) -> String {
        let hex = self.as_hex();
        format!("sha256/{}/{hex}", &hex[..2])
    }

    /// Where the store keeps the list of their blocks: `sha256/ab/abcd….blocks`.
    pub fn blocks_path(&self) -> String {
        self.blob_path() + BLOCKS_SUFFIX
    }

    /// The value of a `Repr-Digest` or `Content-Digest` header: `sha-256=:BASE64:` (RFC 9530).
    pub fn repr_digest(&self) -> String {
        format!("sha-256=:{}:", BASE64.encode(self.0))
    }

    /// Finds the `sha-256` member of such a header. It is a dictionary (RFC 8941 part 3.2): other
    /// algorithms and parameters are passed over, and of members with the same key the last counts.
    pub fn from_repr_digest(header: &str) -> Result<Self, ReprDigestError> {
        let value = header
            .split(',')
            .filter_map(|member| member.trim_matches([' ', '\t']).split_once('='))
            .rfind(|(key, _)| *key == "sha-256")
            .ok_or(ReprDigestError::NoSha256)?
            .1;
        let value = value.split(';').next().unwrap_or(value);
        let encoded = value
            .trim_end_matches(' ')
            .strip_prefix(':')
            .and_then(|rest| rest.strip_suffix(':'))
            .ok_or(ReprDigestError::NotBytes)?;
        let bytes = BASE64
            .decode(encoded)
            .map_err(|_| ReprDigestError::NotBytes)?;
        let length = bytes.len();
        let bytes = bytes
            .try_into()
            .map_err(|_| ReprDigestError::Length(length))?;
        Ok(Self(bytes))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        if let Some(other) = text.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
            return Err(DigestError::Character(other));
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError::Length(text.len()))?;
        Ok(Self(bytes))
    }
}

/// What a database has of it.
impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.as_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.as_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, DigestError, ReprDigestError};

    /// SHA-256 of the empty string.
    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const HEADER: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

    #[test]
    fn a_digest_has_one_spelling() {
        let digest: Digest = HEX.parse().unwrap();
        assert_eq!(digest.to_string(), HEX);
        assert_eq!(digest.blob_path(), format!("sha256/e3/{HEX}"));
        assert_eq!(
            HEX.to_uppercase().parse::<Digest>(),
            Err(DigestError::Character('E'))
        );
        assert_eq!(HEX[1..].parse::<Digest>(), Err(DigestError::Length(63)));
        assert_eq!("".parse::<Digest>(), Err(DigestError::Length(0)));
    }

    #[test]
    fn the_header_is_read_as_it_is_written() {
        let digest: Digest = HEX.parse().unwrap();
        assert_eq!(digest.repr_digest(), HEADER);
        let unpadded = HEADER.replace('=', "").replace("sha-256", "sha-256=");
        for header in [
            HEADER,
            &format!("sha-512=:AAAA:,\t{HEADER}"),
            &format!("sha-256=:AAAA:, {HEADER};q=1 , unixsum=30637"),
            &unpadded,
        ] {
            assert_eq!(Digest::from_repr_digest(header), Ok(digest), "{header}");
        }
    }

    #[test]
    fn a_header_without_a_usable_sha_256_says_what_is_wrong() {
        for (header, error) in [
            ("", ReprDigestError::NoSha256),
            ("sha-512=:AAAA:", ReprDigestError::NoSha256),
            ("sha-256", ReprDigestError::NoSha256),
            ("sha-256=AAAA", ReprDigestError::NotBytes),
            ("sha-256=:", ReprDigestError::NotBytes),
            ("sha-256=:!!!!:", ReprDigestError::NotBytes),
            ("sha-256=:AAAA:", ReprDigestError::Length(3)),
        ] {
            assert_eq!(Digest::from_repr_digest(header), Err(error), "{header}");
        }
    }
}
