//! What the signatures of an APK say of its content (source.android.com, "APK Signature Scheme v2", "Integrity-protected
//! contents"), and whether it is so.
//!
//! Everything but the block of the signatures is digested: the entries, the directory, and the record at the end, in which
//! the directory's place is replaced by that of the block. An inspection reads what is said; the bytes are read by whoever
//! has them all, once, at the speed of the disk. No trust is needed for it: bytes that differ from what their own signature
//! says were changed after they were signed, or not all there.

use std::io::{self, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::prefixed::prefixed;
use crate::{source::u32_le, zip::Archive};

/// Bytes that are digested as one by the algorithms that are not trees.
const CHUNK: usize = 1 << 20;
/// The record at the end of a zip, and its comment.
const END_LENGTH: u64 = 22;
const LONGEST_END: u64 = END_LENGTH + 0xffff;
/// Where in it the place of the directory stands.
const PLACE: usize = 16;
/// Digests that are compared: two of each algorithm, for each of the schemes and signers that differ only in an attack.
const MOST: usize = 12;

/// How the content is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentAlgorithm {
    /// SHA-256 of the SHA-256 of every MiB.
    Sha256,
    /// SHA-512 of the SHA-512 of every MiB.
    Sha512,
    /// The root of a tree of SHA-256 over blocks of 4 KiB, as fs-verity has it.
    Verity,
}

/// A digest that a signature states.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentDigest {
    pub algorithm: ContentAlgorithm,
    /// In hex.
    pub digest: String,
}

/// The digests that the signatures of an APK state, and where the bytes are that have them: up to `block`, from
/// `directory` to `end`, and from `end` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentDigests {
    /// Where the block of the signatures begins.
    pub block: u64,
    pub directory: u64,
    /// Where the record begins that ends the file.
    pub end: u64,
    /// Each once.
    pub digests: Vec<ContentDigest>,
}

/// The digests in the value of a scheme: of each signer, in its signed data, the first part. An algorithm that is not
/// known is passed over. `None` when the value is damaged.
pub(super) fn stated(value: &[u8]) -> Option<Vec<ContentDigest>> {
    let mut found = Vec::new();
    let (mut signers, _) = prefixed(value)?;
    while !signers.is_empty() {
        let (signer, others) = prefixed(signers)?;
        let (data, _) = prefixed(signer)?;
        let (mut digests, _) = prefixed(data)?;
        while !digests.is_empty() {
            let (digest, rest) = prefixed(digests)?;
            let (bytes, _) = prefixed(digest.get(4..)?)?;
            if let Some(algorithm) = algorithm(u32_le(digest, 0)?) {
                found.push(ContentDigest {
                    algorithm,
                    digest: hex::encode(bytes),
                });
            }
            digests = rest;
        }
        signers = others;
    }
    Some(found)
}

/// The content digest of a signature algorithm.
fn algorithm(signature: u32) -> Option<ContentAlgorithm> {
    match signature {
        0x0101 | 0x0103 | 0x0201 | 0x0301 => Some(ContentAlgorithm::Sha256),
        0x0102 | 0x0104 | 0x0202 => Some(ContentAlgorithm::Sha512),
        0x0421 | 0x0423 | 0x0425 => Some(ContentAlgorithm::Verity),
        _ => None,
    }
}

impl ContentDigests {
    /// `None` when there are none, or the archive has the 64-bit form, which the schemes do not know.
    pub(super) fn new(
        mut digests: Vec<ContentDigest>,
        block: u64,
        archive: &Archive,
    ) -> Option<Self> {
        digests.sort_unstable();
        digests.dedup();
        digests.truncate(MOST);
        (!digests.is_empty() && !archive.is_wide).then_some(Self {
            block,
            directory: archive.directory_offset,
            end: archive.end_offset,
            digests,
        })
    }

    /// Whether the bytes of `input` have every one of the digests. They are read once, whatever the digests.
    ///
    /// Fails with [`io::ErrorKind::InvalidData`] when the places do not fit the file: whoever read them may be wrong.
    pub fn fit<R: Read + Seek>(&self, mut input: R) -> io::Result<bool> {
        let length = input.seek(SeekFrom::End(0))?;
        let end_length = length.saturating_sub(self.end);
        let fits = self.block <= self.directory
            && self.directory <= self.end
            && (END_LENGTH..=LONGEST_END).contains(&end_length)
            && self.digests.len() <= MOST;
        let block = u32::try_from(self.block).ok().filter(|_| fits);
        let Some(block) = block else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the parts of the APK do not lie in it",
            ));
        };
        let mut sums = Sums::new(&self.digests);
        sums.take(&mut input, 0, self.block)?;
        sums.take(&mut input, self.directory, self.end)?;
        let mut record = Vec::new();
        input.seek(SeekFrom::Start(self.end))?;
        input.take(LONGEST_END).read_to_end(&mut record)?;
        record[PLACE..PLACE + 4].copy_from_slice(&block.to_le_bytes());
        sums.part(&record);
        let sums = sums.finish();
        Ok(self.digests.iter().all(|stated| sums.contains(stated)))
    }
}

/// The digests that are wanted, under way.
#[derive(Default)]
struct Sums {
    sha256: Option<Chunks<Sha256>>,
    sha512: Option<Chunks<Sha512>>,
    verity: Option<Tree>,
}

impl Sums {
    fn new(digests: &[ContentDigest]) -> Self {
        let wanted = |algorithm| digests.iter().any(|digest| digest.algorithm == algorithm);
        Self {
            sha256: wanted(ContentAlgorithm::Sha256).then(Chunks::default),
            sha512: wanted(ContentAlgorithm::Sha512).then(Chunks::default),
            verity: wanted(ContentAlgorithm::Verity).then(Tree::default),
        }
    }

    fn take(&mut self, input: &mut (impl Read + Seek), from: u64, to: u64) -> io::Result<()> {
        input.seek(SeekFrom::Start(from))?;
        let mut input = input.take(to - from);
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            chunk.clear();
            if input.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)? == 0 {
                return Ok(());
            }
            self.chunk(&chunk);
        }
    }

    /// Chunks do not reach from one part into the next.
    fn part(&mut self, bytes: &[u8]) {
        bytes.chunks(CHUNK).for_each(|chunk| self.chunk(chunk));
    }

    fn chunk(&mut self, chunk: &[u8]) {
        if let Some(chunks) = &mut self.sha256 {
            chunks.add(chunk);
        }
        if let Some(chunks) = &mut self.sha512 {
            chunks.add(chunk);
        }
        if let Some(tree) = &mut self.verity {
            tree.add(chunk);
        }
    }

    fn finish(self) -> Vec<ContentDigest> {
        let named = |algorithm, digest: Option<String>| {
            digest.map(|digest| ContentDigest { algorithm, digest })
        };
        [
            named(ContentAlgorithm::Sha256, self.sha256.map(Chunks::finish)),
            named(ContentAlgorithm::Sha512, self.sha512.map(Chunks::finish)),
            named(ContentAlgorithm::Verity, self.verity.map(Tree::finish)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Each chunk is digested with its length, and all of their digests with their number.
#[derive(Default)]
struct Chunks<D> {
    count: u32,
    all: D,
    digests: Vec<u8>,
}

impl<D: sha2::Digest> Chunks<D> {
    fn add(&mut self, chunk: &[u8]) {
        let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let digest = D::new()
            .chain_update([0xa5])
            .chain_update(length.to_le_bytes())
            .chain_update(chunk)
            .finalize();
        self.digests.extend_from_slice(&digest);
        self.count += 1;
    }

    fn finish(self) -> String {
        let digest = self
            .all
            .chain_update([0x5a])
            .chain_update(self.count.to_le_bytes())
            .chain_update(&self.digests)
            .finalize();
        hex::encode(digest)
    }
}

/// A tree of digests: each block of a level is digested after eight zeros, and those digests are the level above. The
/// levels are filled as the bytes come, so that no more than one block of each is held.
#[derive(Default)]
struct Tree {
    /// The lowest are the bytes themselves.
    levels: Vec<Vec<u8>>,
    length: u64,
}

impl Tree {
    const BLOCK: usize = 4096;

    fn add(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = self.room(0);
            let (head, rest) = bytes.split_at(room.min(bytes.len()));
            self.levels[0].extend_from_slice(head);
            bytes = rest;
        }
    }

    /// Bytes that a level takes; a full block goes up first.
    fn room(&mut self, level: usize) -> usize {
        if self.levels.len() == level {
            self.levels.push(Vec::with_capacity(Self::BLOCK));
        }
        if self.levels[level].len() == Self::BLOCK {
            self.raise(level);
        }
        Self::BLOCK - self.levels[level].len()
    }

    fn raise(&mut self, level: usize) {
        let digest = self.block(level);
        self.levels[level].clear();
        self.room(level + 1);
        self.levels[level + 1].extend_from_slice(&digest);
    }

    /// The digest of a level's block, filled up with zeros.
    fn block(&mut self, level: usize) -> [u8; 32] {
        self.levels[level].resize(Self::BLOCK, 0);
        Sha256::new()
            .chain_update([0; 8])
            .chain_update(&self.levels[level])
            .finalize()
            .into()
    }

    /// The root, and the length of all.
    fn finish(mut self) -> String {
        self.room(0);
        let mut level = 0;
        // The bytes are always digested, also when they are one block.
        while level == 0 || level + 1 < self.levels.len() {
            self.raise(level);
            level += 1;
        }
        let root = self.block(level);
        hex::encode([&root[..], &self.length.to_le_bytes()].concat())
    }
}
