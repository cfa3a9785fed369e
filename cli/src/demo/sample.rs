//! Packages that are made as they are sent: no file is needed, and what is served can be compared.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Bytes of one piece.
const PIECE: usize = 64 * 1024;

#[derive(Clone)]
pub(super) struct Sample {
    pub(super) version: String,
    /// Bytes.
    pub(super) size: usize,
    pub(super) sha256: [u8; 32],
}

impl Sample {
    pub(super) fn new(version: impl Into<String>, size: usize) -> Self {
        let mut sample = Self {
            version: version.into(),
            size,
            sha256: [0; 32],
        };
        let hash = sample.pieces().fold(Sha256::new(), Sha256::chain_update);
        sample.sha256 = hash.finalize().into();
        sample
    }

    /// The bytes in pieces, other ones for each version.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Bytes> + Send + use<> {
        let mut state = self
            .version
            .bytes()
            .fold(0x9e37_79b9_7f4a_7c15, |state: u64, byte| {
                (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let mut left = self.size;
        std::iter::from_fn(move || {
            let length = left.min(PIECE);
            left -= length;
            let mut piece = Vec::with_capacity(PIECE);
            while piece.len() < length {
                // Marsaglia's xorshift64.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                piece.extend_from_slice(&state.to_le_bytes());
            }
            piece.truncate(length);
            (length > 0).then(|| piece.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_size_and_is_the_same_each_time_and_another_for_each_version() {
        for size in [0, 1, PIECE, PIECE + 9] {
            let total: usize = Sample::new("1", size)
                .pieces()
                .map(|piece| piece.len())
                .sum();
            assert_eq!(total, size);
        }
        let digest = |version: &str| Sample::new(version, 100_000).sha256;
        assert_eq!(digest("1"), digest("1"));
        assert_ne!(digest("1"), digest("2"));
    }
}
