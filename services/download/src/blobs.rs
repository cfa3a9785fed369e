//! The bytes: read from the store, never written, and checked before they leave.
//!
//! A block of 1 MiB is checked against the list of the file's blocks before a byte of it is sent, and the list against
//! the digest that the catalog has given. Where there is no list, the file is hashed whole before its first byte. What
//! was found right is trusted for a day while the file stays the same; what is found wrong breaks the connection off, so
//! that no client can take a part, or other bytes, for the whole. A file that is put back is served at the next request.

mod blob;
mod damage;
mod file;
mod known;
mod reading;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use prometheus_client::metrics::counter::Counter;
use rustix::fs::Advice;
use slipway_contract::{BLOCK, Blocks, Digest, FileHash, block_count};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

pub(crate) use blob::Blob;
pub(crate) use damage::Damage;
use damage::Findings;
use file::{is_not_a_file, open_file, read_block};
use known::{Identity, Known, Memory};
pub(crate) use store::BlobError;

use reading::{Reading, chunks};
use store::{Hashing, Store};

use crate::settings;

/// Reads under way at once: one is sent while the next is read.
const READ_AHEAD: usize = 2;
/// Blocks that are hashed at once, 1 MiB of memory each: more only take turns on the processors.
const HASHES_AT_ONCE: usize = 8;
/// Files that are hashed whole at once: they are rare, and the blocks of others go on beside them.
const FILES_AT_ONCE: usize = 2;

/// The store; cheap to clone.
#[derive(Clone)]
pub(crate) struct Blobs(Arc<Store>);

impl Blobs {
    pub(crate) fn open(settings: &settings::Store, folder: PathBuf, damaged: Counter) -> Self {
        Self(Arc::new(Store {
            folder,
            trust: Duration::from_secs(settings.trust_seconds),
            memory: Memory::new(settings.memory_bytes),
            findings: Findings::new(damaged),
            hashes: Semaphore::new(HASHES_AT_ONCE),
            files: Semaphore::new(FILES_AT_ONCE),
            under_way: Mutex::default(),
        }))
    }

    /// Whether the store answers: its folder is there.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let folder = &self.0.folder;
        let answer = tokio::fs::metadata(folder).await;
        answer.with_context(|| format!("the store {} does not answer", folder.display()))?;
        Ok(())
    }

    /// Whether a blob is there, as far as can be told without reading it.
    pub(crate) async fn look_at(&self, blob: Blob) -> Result<(), BlobError> {
        self.find(blob).await.map(drop)
    }

    /// Those of `digests` that were found damaged and are not mended.
    pub(crate) async fn damaged(&self, mut digests: Vec<Digest>) -> io::Result<Vec<Digest>> {
        if self.0.findings.is_empty() {
            return Ok(Vec::new());
        }
        let store = self.0.clone();
        let looking = spawn_blocking(move || {
            digests.retain(|digest| {
                let there = std::fs::symlink_metadata(store.folder.join(digest.blob_path()));
                let file = there.ok().filter(std::fs::Metadata::is_file);
                let identity = file.as_ref().map(Identity::of);
                store.findings.stands(digest, identity.as_ref())
            });
            digests
        });
        Ok(looking.await?)
    }

    /// How many files were found damaged and, as far as is known, are not mended.
    pub(crate) fn damaged_count(&self) -> usize {
        self.0.findings.count()
    }

    /// The digest and the size of what lies under a digest, read from the disk to its end; `None` when there is no file. What
    /// was found wrong and is right is served again.
    pub(crate) async fn read_anew(
        &self,
        digest: Digest,
    ) -> Result<Option<(Digest, u64)>, BlobError> {
        let place = self.0.files.acquire().await.map_err(io::Error::other)?;
        let store = self.0.clone();
        let read = spawn_blocking(move || store.read_anew(digest)).await;
        drop(place);
        Ok(read.map_err(io::Error::other)??)
    }

    /// The bytes of `range` of a blob. The first of them are read and checked when this returns.
    pub(crate) async fn read(
        &self,
        blob: Blob,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, BlobError> {
        let file = Arc::new(self.find(blob).await?);
        let known = self.know(blob, &file).await?;
        let reading = Arc::new(Reading {
            store: self.0.clone(),
            blob,
            file,
            known,
            last: tokio::sync::Mutex::default(),
        });
        let mut bytes = stream::iter(chunks(range))
            .map(move |chunk| reading.clone().chunk(chunk))
            .buffered(READ_AHEAD)
            .boxed();
        let first = bytes.next().await.transpose()?;
        let digest = blob.digest;
        let failed =
            move |error: &io::Error| tracing::info!(%digest, %error, "a download was broken off");
        let first = stream::iter(first.map(Ok));
        Ok(first
            .chain(bytes)
            .inspect(move |chunk| {
                let _ = chunk.as_ref().inspect_err(|error| failed(error));
            })
            .boxed())
    }

    /// Opens the file of a blob and looks at all that can be seen without reading it.
    async fn find(&self, blob: Blob) -> Result<File, BlobError> {
        let store = self.0.clone();
        spawn_blocking(move || store.find(blob))
            .await
            .map_err(io::Error::other)?
    }

    /// The digests of a file's blocks, and which of them were found right.
    async fn know(&self, blob: Blob, file: &Arc<File>) -> Result<Arc<Known>, BlobError> {
        let (store, opened) = (self.0.clone(), file.clone());
        let known = spawn_blocking(move || store.know(blob, &opened));
        if let Some(known) = known.await.map_err(io::Error::other)?? {
            return Ok(known);
        }
        let identity = Identity::of(&file.metadata()?);
        let hashing = {
            let mut under_way = self.0.under_way();
            // A hash may have ended since the look above, and is not begun again.
            if let Some(known) = self.0.memory.get(&blob, &identity) {
                return Ok(known);
            }
            let hashing = under_way.entry(blob).or_insert_with(|| {
                // A task of its own: a client that leaves does not end the hash that others wait for.
                let task = tokio::spawn(self.0.clone().hash(blob, file.clone()));
                let ended = async move { task.await.map_err(io::Error::other)? };
                ended
                    .map(|known: Result<_, BlobError>| known.map_err(Arc::new))
                    .boxed()
                    .shared()
            });
            hashing.clone()
        };
        hashing.await.map_err(BlobError::Hash)
    }
}

impl Store {
    fn find(&self, blob: Blob) -> Result<File, BlobError> {
        let found = open_file(&self.folder.join(blob.digest.blob_path()));
        let found = found.and_then(|file| Ok((Identity::of(&file.metadata()?), file)));
        let (identity, file) = match found {
            Ok(found) => found,
            Err(error) => {
                let damage = match error.kind() {
                    io::ErrorKind::NotFound => Damage::Missing,
                    _ if is_not_a_file(&error) => Damage::NotAFile,
                    _ => return Err(error.into()),
                };
                self.findings.add(blob.digest, None, damage);
                return Err(damage.into());
            }
        };
        if identity.size() != blob.size {
            let damage = Damage::Size(identity.size());
            self.findings.add(blob.digest, Some(identity), damage);
            return Err(damage.into());
        }
        if let Some(damage) = self.findings.refuses(&blob.digest, &identity) {
            return Err(damage.into());
        }
        self.findings.stands(&blob.digest, Some(&identity));
        Ok(file)
    }

    /// What is remembered of the file, or else its list in the store; `None` when that is missing or wrong.
    fn know(&self, blob: Blob, file: &File) -> io::Result<Option<Arc<Known>>> {
        let identity = Identity::of(&file.metadata()?);
        if let Some(known) = self.memory.get(&blob, &identity) {
            return Ok(Some(known));
        }
        let Some(expected) = blob.blocks else {
            return Ok(None);
        };
        match self.read_list(blob, &expected) {
            Ok(list) => {
                let known = Arc::new(Known::new(identity, blob.size, list, self.trust));
                self.memory.put(blob, known.clone());
                Ok(Some(known))
            }
            Err(error) => {
                self.findings.tell(
                    blob.digest,
                    &format!("the list of its blocks cannot be used: {error}"),
                );
                Ok(None)
            }
        }
    }

    fn read_list(&self, blob: Blob, expected: &Digest) -> io::Result<Blocks> {
        let file = open_file(&self.folder.join(blob.digest.blocks_path()))?;
        // Not what the file says: it may have grown to any size.
        let length = usize::try_from(block_count(blob.size) * 32).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0)?;
        Blocks::read(bytes, blob.size, expected).map_err(io::Error::other)
    }

    /// Hashes a file whole. What is right is trusted, and makes the list that is missing.
    async fn hash(self: Arc<Self>, blob: Blob, file: Arc<File>) -> Result<Arc<Known>, BlobError> {
        let place = self.files.acquire().await.map_err(io::Error::other)?;
        let store = self.clone();
        let hashing = spawn_blocking(move || store.hash_now(blob, &file));
        let known = hashing.await.map_err(io::Error::other);
        drop(place);
        self.under_way().remove(&blob);
        known?
    }

    fn hash_now(&self, blob: Blob, file: &File) -> Result<Arc<Known>, BlobError> {
        let before = Identity::of(&file.metadata()?);
        let mut hash = FileHash::default();
        for number in 0..block_count(blob.size) {
            match read_block(file, number, blob.size) {
                Ok(block) => hash.update(&block),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error.into()),
            }
        }
        let after = Identity::of(&file.metadata()?);
        if hash.digest() != blob.digest {
            self.findings.add(blob.digest, Some(after), Damage::Whole);
            return Err(Damage::Whole.into());
        }
        self.findings.withdraw(&blob.digest, Damage::Whole);
        let known = Arc::new(Known::new(before, blob.size, hash.blocks(), self.trust));
        (0..block_count(blob.size)).for_each(|number| known.trust(number, &after));
        self.memory.put(blob, known.clone());
        Ok(known)
    }

    fn read_anew(&self, digest: Digest) -> io::Result<Option<(Digest, u64)>> {
        let mut file = match open_file(&self.folder.join(digest.blob_path())) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Against a page of the memory that is wrong while the disk is right: a hint, which may come to nothing.
        let _ = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
        let mut hash = FileHash::default();
        let mut size = 0;
        let mut piece = vec![0; usize::try_from(BLOCK).map_err(io::Error::other)?];
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => {
                    hash.update(&piece[..length]);
                    size += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let found = hash.digest();
        if found == digest {
            self.findings.forget(&digest);
        }
        Ok(Some((found, size)))
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<Blob, Hashing>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
