//! Hashes that bytes must have: of one piece, as tus 1.0 has it (`Upload-Checksum: sha1 BASE64`), or of a whole body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

/// What `Tus-Checksum-Algorithm` lists; the protocol demands the first.
pub(crate) const ALGORITHMS: &str = "sha1,sha256";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// A hash under way and what it must become.
pub(crate) struct Checksum {
    hash: Hash,
    expected: Vec<u8>,
}

enum Hash {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the checksum is not read: send an algorithm of {ALGORITHMS}, a space and the hash in base64"
)]
pub(crate) struct NotAChecksum;

impl std::str::FromStr for Checksum {
    type Err = NotAChecksum;

    fn from_str(text: &str) -> Result<Self, NotAChecksum> {
        let (algorithm, encoded) = text.split_once(' ').ok_or(NotAChecksum)?;
        let algorithm = match algorithm {
            "sha1" => Algorithm::Sha1,
            "sha256" => Algorithm::Sha256,
            _ => return Err(NotAChecksum),
        };
        let expected = STANDARD.decode(encoded).map_err(|_| NotAChecksum)?;
        if expected.len() != algorithm.length() {
            return Err(NotAChecksum);
        }
        Ok(Self::new(algorithm, expected))
    }
}

impl Algorithm {
    /// Bytes of its hashes.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl Checksum {
    /// `expected` has the algorithm's length.
    pub(crate) fn new(algorithm: Algorithm, expected: Vec<u8>) -> Self {
        let hash = match algorithm {
            Algorithm::Md5 => Hash::Md5(Md5::new()),
            Algorithm::Sha1 => Hash::Sha1(Sha1::new()),
            Algorithm::Sha256 => Hash::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hash::Sha512(Sha512::new()),
        };
        Self { hash, expected }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.hash {
            Hash::Md5(hash) => hash.update(bytes),
            Hash::Sha1(hash) => hash.update(bytes),
            Hash::Sha256(hash) => hash.update(bytes),
            Hash::Sha512(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn matches(self) -> bool {
        match self.hash {
            Hash::Md5(hash) => hash.finalize().as_slice() == self.expected,
            Hash::Sha1(hash) => hash.finalize().as_slice() == self.expected,
            Hash::Sha256(hash) => hash.finalize().as_slice() == self.expected,
            Hash::Sha512(hash) => hash.finalize().as_slice() == self.expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_algorithms_know_the_bytes() {
        for text in [
            "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
            "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ] {
            let mut checksum: Checksum = text.parse().unwrap();
            checksum.update(b"hel");
            checksum.update(b"lo");
            assert!(checksum.matches(), "{text}");
            let mut other: Checksum = text.parse().unwrap();
            other.update(b"Hello");
            assert!(!other.matches(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_checksum_is_not_ignored() {
        for text in ["", "sha1", "md5 AAAA", "sha1 AAAA", "sha1 ****"] {
            assert_eq!(
                text.parse::<Checksum>().map(|_| ()),
                Err(NotAChecksum),
                "{text}"
            );
        }
    }
}
