//! A file in staging while somebody writes it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use slipway_contract::{BlockHash, Digest, FileHash};

use crate::checksum::Checksum;

/// Bytes written between two looks at the free space of the disk.
const LOOK_AT_DISK: u64 = 16 << 20;

/// What becomes of a staged file when nobody has it open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    /// It goes: the request that brought it was refused or ended early.
    Remove,
    /// It stays, for a session to go on with.
    Keep,
}

/// A staged file and the hash of all that is in it. Its methods block.
pub(crate) struct Staged {
    pub(super) id: String,
    pub(super) path: PathBuf,
    /// Locked while it is open.
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) hash: FileHash,
    pub(super) checksums: Vec<Checksum>,
    pub(super) retention: Retention,
    pub(super) reserve: u64,
    pub(super) looked_at: u64,
}

/// A place in a staged file to go back to.
pub(crate) struct Mark {
    pub(super) length: u64,
    pub(super) hash: FileHash,
}

impl Staged {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The hash so far, to go on with later.
    pub(crate) fn hash(&self) -> FileHash {
        self.hash.clone()
    }

    pub(crate) fn digest(&self) -> Digest {
        self.hash.digest()
    }

    pub(crate) fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
    }

    /// Hashes what comes from now on for its own checksums too.
    pub(crate) fn expect(&mut self, checksums: impl IntoIterator<Item = Checksum>) {
        self.checksums = checksums.into_iter().collect();
    }

    /// Whether what came since [`Self::expect`] has the checksums that were expected.
    pub(crate) fn is_as_expected(&mut self) -> bool {
        std::mem::take(&mut self.checksums)
            .into_iter()
            .all(Checksum::matches)
    }

    /// The blocks' part of the hash, for somebody who updates it with what [`Self::append_whole`] has taken.
    pub(crate) fn split(&mut self) -> BlockHash {
        self.hash.split()
    }

    pub(crate) fn join(&mut self, blocks: BlockHash) {
        self.hash.join(blocks);
    }

    /// Appends bytes and hashes all but the blocks.
    pub(crate) fn append_whole(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length.saturating_sub(self.looked_at) >= LOOK_AT_DISK {
            self.looked_at = self.length;
            if free_bytes(&self.path)? < self.reserve {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        self.file.write_all(bytes)?;
        self.hash.update_whole(bytes);
        for checksum in &mut self.checksums {
            checksum.update(bytes);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Returns when all that was appended survives the loss of power. A write that failed may have left a part of its
    /// bytes; they are cut off.
    pub(crate) fn persist(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() != self.length {
            self.file.set_len(self.length)?;
        }
        self.file.sync_all()
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            length: self.length,
            hash: self.hash.clone(),
        }
    }

    /// Takes back what was appended since `mark`.
    pub(crate) fn go_back(&mut self, mark: Mark) -> io::Result<()> {
        self.file.set_len(mark.length)?;
        self.length = mark.length;
        self.looked_at = mark.length;
        self.hash = mark.hash;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.retention == Retention::Remove
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "a staged file could not be removed; the sweep will");
        }
    }
}

/// Bytes that the disk has for us.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    space(path).map(|space| space.free)
}

/// Bytes of a disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) size: u64,
    /// That may still be written.
    pub(crate) free: u64,
}

pub(super) fn space(path: &Path) -> io::Result<Space> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(Space {
        size: disk.f_blocks.saturating_mul(disk.f_frsize),
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

/// Returns when the file survives the loss of power.
pub(crate) async fn persist(mut staged: Staged) -> io::Result<Staged> {
    let persisting = tokio::task::spawn_blocking(move || staged.persist().map(|()| staged));
    persisting.await.map_err(io::Error::other)?
}
