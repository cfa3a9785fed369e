//! The name of a key.

use std::fmt;
use std::str::FromStr;

/// The eight bytes by which minisign tells keys apart. They prove nothing; they make the error "other key" possible.
///
/// Its text is what `minisign` prints: the bytes as a little-endian number in 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a minisign key has 16 hexadecimal digits 0-9A-F")]
pub struct KeyIdError;

impl KeyId {
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let number = u64::from_str_radix(text, 16).map_err(|_| KeyIdError)?;
        let id = Self(number.to_le_bytes());
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(KeyIdError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = KeyId::from_bytes([0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0x00]);
        assert_eq!(id.to_string(), "000AB18201985AD7");
        assert_eq!("000AB18201985AD7".parse(), Ok(id));
        for other in ["", "AB18201985AD7", "000ab18201985ad7", "+00AB18201985AD7"] {
            assert_eq!(other.parse::<KeyId>(), Err(KeyIdError), "{other}");
        }
    }
}
