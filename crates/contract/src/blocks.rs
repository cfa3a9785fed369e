//! The digests of a file's blocks: what lets a part of a file be checked without reading the rest.
//!
//! A block is 1 MiB, the last one of a file may be shorter, an empty file has none. The list of a file is the SHA-256 of
//! each block, 32 bytes, one after the other; it lies beside the blob as `….blocks`. The list has a digest of its own,
//! and who has that from a source that is believed can believe the list.

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// Bytes of a block. Smaller ones make lists longer, larger ones make a small range cost more: a range is checked by
/// the whole blocks that it touches.
pub const BLOCK: u64 = 1 << 20;

/// Bytes of a digest in a list.
const ENTRY: usize = 32;

/// How many blocks a file of `size` bytes has.
pub const fn block_count(size: u64) -> u64 {
    size.div_ceil(BLOCK)
}

/// The digests of a file's blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlocksError {
    #[error("a list of blocks of {found} bytes is not that of a file of {size} bytes")]
    Length { found: usize, size: u64 },
    #[error("the list of blocks has the digest {0} and not its own")]
    Digest(Digest),
}

impl Blocks {
    /// Reads the list of a file of `size` bytes, which has the digest `expected`.
    pub fn read(bytes: Vec<u8>, size: u64, expected: &Digest) -> Result<Self, BlocksError> {
        let found = bytes.len();
        if !found.is_multiple_of(ENTRY) || (found / ENTRY) as u64 != block_count(size) {
            return Err(BlocksError::Length { found, size });
        }
        let list = Self { bytes };
        let digest = list.digest();
        if digest != *expected {
            return Err(BlocksError::Digest(digest));
        }
        Ok(list)
    }

    /// What is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the list itself.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(Sha256::digest(&self.bytes).into())
    }

    /// Whether `block` is the whole block `number` of the file. Blocks are counted from 0.
    pub fn matches(&self, number: u64, block: &[u8]) -> bool {
        let own = usize::try_from(number)
            .ok()
            .and_then(|number| self.bytes.chunks_exact(ENTRY).nth(number));
        own == Some(Sha256::digest(block).as_slice())
    }
}

/// Makes the list of a file's blocks in one pass. A clone remembers how far it is.
#[derive(Clone, Default)]
pub struct BlockHash {
    /// Of the block that is not full yet.
    block: Sha256,
    /// Bytes of it.
    filled: u64,
    full: Vec<u8>,
}

impl BlockHash {
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(BLOCK - self.filled).unwrap_or(usize::MAX);
            let (head, rest) = bytes.split_at(room.min(bytes.len()));
            self.block.update(head);
            self.filled += head.len() as u64;
            if self.filled == BLOCK {
                self.full.extend_from_slice(&self.block.finalize_reset());
                self.filled = 0;
            }
            bytes = rest;
        }
    }
}

/// Makes the digest of a file and the list of its blocks in one pass. A clone remembers how far it is.
#[derive(Clone, Default)]
pub struct FileHash {
    whole: Sha256,
    blocks: BlockHash,
}

impl FileHash {
    pub fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        self.blocks.update(bytes);
    }

    /// The half that somebody else goes on with: each byte is hashed twice, and on two processors that takes half the
    /// time. Until [`Self::join`] brings it back the list is not that of the bytes.
    pub fn split(&mut self) -> BlockHash {
        std::mem::take(&mut self.blocks)
    }

    /// Updates the half that stays.
    pub fn update_whole(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
    }

    pub fn join(&mut self, blocks: BlockHash) {
        self.blocks = blocks;
    }

    /// The digest of all that came so far.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(self.whole.clone().finalize().into())
    }

    /// The blocks of all that came so far.
    pub fn blocks(&self) -> Blocks {
        let mut bytes = self.blocks.full.clone();
        if self.blocks.filled > 0 {
            bytes.extend_from_slice(&self.blocks.block.clone().finalize());
        }
        Blocks { bytes }
    }

    /// Bytes of memory that a clone takes beyond itself.
    pub fn heap_bytes(&self) -> usize {
        self.blocks.full.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1 << 20;

    fn hashed(content: &[u8], piece: usize) -> FileHash {
        let mut hash = FileHash::default();
        content.chunks(piece).for_each(|piece| hash.update(piece));
        hash
    }

    #[test]
    fn the_list_holds_each_block_however_the_bytes_arrive() {
        for length in [0, 1, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE, 3 * SIZE + 5] {
            let content: Vec<u8> = (0..=250).cycle().take(length).collect();
            let expected: Vec<u8> = content
                .chunks(SIZE)
                .flat_map(|block| Sha256::digest(block).to_vec())
                .collect();
            for piece in [1000, SIZE / 3, SIZE, 2 * SIZE + 1] {
                let hash = hashed(&content, piece);
                assert!(hash.blocks().as_bytes() == expected, "{length} in {piece}");
                assert_eq!(hash.digest().as_bytes()[..], Sha256::digest(&content)[..]);
            }
            let digest = hashed(&content, SIZE).blocks().digest();
            let list = Blocks::read(expected, length as u64, &digest).unwrap();
            for (number, block) in (0..).zip(content.chunks(SIZE)) {
                assert!(list.matches(number, block), "{length}: block {number}");
                assert!(!list.matches(number, &block[1..]));
                assert!(!list.matches(number + 1, block) || length > SIZE);
            }
            assert!(!list.matches(block_count(length as u64), b""));
        }
    }

    #[test]
    fn a_clone_goes_on_from_where_it_was() {
        let content: Vec<u8> = (0..=250).cycle().take(2 * SIZE + 9).collect();
        let early = hashed(&content[..SIZE + 7], 4096);
        let mut late = early.clone();
        late.update(&content[SIZE + 7..]);
        assert_eq!(late.blocks(), hashed(&content, SIZE).blocks());
        assert_eq!(early.blocks(), hashed(&content[..SIZE + 7], SIZE).blocks());
    }

    #[test]
    fn a_list_of_other_bytes_or_another_length_is_refused() {
        let list = hashed(b"abc", 1).blocks();
        let digest = list.digest();
        let other = hashed(b"abd", 1).blocks();
        let read = |bytes: &[u8], size| Blocks::read(bytes.to_vec(), size, &digest);
        assert_eq!(read(list.as_bytes(), 3), Ok(list.clone()));
        assert_eq!(
            read(other.as_bytes(), 3),
            Err(BlocksError::Digest(other.digest()))
        );
        for (bytes, size) in [(0, 3), (31, 3), (32, 0), (32, BLOCK + 1), (64, 3)] {
            let given = vec![0; bytes];
            let refused = BlocksError::Length { found: bytes, size };
            assert_eq!(read(&given, size), Err(refused), "{bytes} of {size}");
        }
    }
}
