//! Reading a package's bytes once, to its end, for both digests in one pass and in constant memory.
//!
//! What a caller says of a blob is never believed: between upload and signing a disk can fail and a store can be
//! written to by others.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;
use slipway_signatures::minisign::{Prehash, Prehasher};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Bytes of a file that are read at once: the stream of `object_store` reads 8 KiB and hops between threads for each.
const CHUNK: usize = 1024 * 1024;

/// The store, read only.
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    turns: Semaphore,
    shutdown: CancellationToken,
}

/// Why a blob cannot be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("the store has no blob {0}")]
    Missing(Digest),
    #[error("the blob {wanted} has the size {size} and the SHA-256 {found}")]
    Differs {
        wanted: Digest,
        found: Digest,
        size: u64,
    },
    #[error("the blob {wanted} has {found} bytes instead of {size}")]
    OtherSize {
        wanted: Digest,
        size: u64,
        found: u64,
    },
    #[error("the store does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the process ends")]
    Ending,
}

impl Blobs {
    /// Opens the store's folder, reading at most `concurrent_reads` blobs at once until `shutdown`.
    pub(crate) fn open(
        folder: PathBuf,
        concurrent_reads: usize,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let store = LocalFileSystem::new_with_prefix(&folder)
            .with_context(|| format!("the store {} cannot be opened", folder.display()))?;
        Ok(Self {
            store: Arc::new(store),
            folder,
            turns: Semaphore::new(concurrent_reads.max(1)),
            shutdown,
        })
    }

    /// Whether the store is there. A folder that is not mounted looks like an empty one to `object_store`.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let folder = tokio::fs::read_dir(&self.folder).await;
        folder
            .map(drop)
            .with_context(|| format!("the store {} does not answer", self.folder.display()))
    }

    /// What is signed of the blob `sha256` of `size` bytes, after it has proven to be that blob.
    pub(crate) async fn prehash(&self, sha256: Digest, size: u64) -> Result<Prehash, BlobError> {
        let _turn = self.turns.acquire().await.map_err(|_| BlobError::Ending)?;
        let found = match self.store.get(&Path::from(sha256.blob_path())).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => {
                // With the whole store away nothing is said of one blob: "missing" ends a release.
                self.ready().await.map_err(unavailable)?;
                return Err(BlobError::Missing(sha256));
            }
            Err(error) => return Err(unavailable(error)),
        };
        if found.meta.size != size {
            return Err(BlobError::OtherSize {
                wanted: sha256,
                size,
                found: found.meta.size,
            });
        }
        let mut hashes = Hashes::default();
        let hashes = match found.payload {
            GetResultPayload::File(file, _) => {
                let shutdown = self.shutdown.clone();
                tokio::task::spawn_blocking(move || read_file(file, hashes, &shutdown))
                    .await
                    .map_err(unavailable)??
            }
            GetResultPayload::Stream(mut chunks) => {
                while let Some(chunk) = chunks.try_next().await.map_err(unavailable)? {
                    hashes.update(&chunk);
                }
                hashes
            }
        };
        hashes.finish(sha256, size)
    }
}

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BlobError {
    BlobError::Unavailable(error.into())
}

/// Reads a local file to its end. A thread cannot be cancelled, so it looks for the end of the process itself.
fn read_file(
    mut file: File,
    mut hashes: Hashes,
    shutdown: &CancellationToken,
) -> Result<Hashes, BlobError> {
    let mut chunk = vec![0; CHUNK];
    loop {
        if shutdown.is_cancelled() {
            return Err(BlobError::Ending);
        }
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hashes),
            Ok(length) => hashes.update(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
}

#[derive(Default)]
struct Hashes {
    sha256: Sha256,
    prehasher: Prehasher,
    size: u64,
}

impl Hashes {
    fn update(&mut self, chunk: &[u8]) {
        self.sha256.update(chunk);
        self.prehasher.update(chunk);
        self.size += chunk.len() as u64;
    }

    fn finish(self, wanted: Digest, size: u64) -> Result<Prehash, BlobError> {
        let found = Digest::from_bytes(self.sha256.finalize().into());
        if found == wanted && self.size == size {
            Ok(self.prehasher.finish())
        } else {
            Err(BlobError::Differs {
                wanted,
                found,
                size: self.size,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    const CONTENT: &[u8] = b"slipway\n";

    /// A store that gives streams instead of files, as one over a network does.
    async fn streaming(stored: &'static [u8], sha256: Digest) -> Blobs {
        let store = InMemory::new();
        let path = Path::from(sha256.blob_path());
        store.put(&path, stored.into()).await.unwrap();
        Blobs {
            store: Arc::new(store),
            folder: std::env::temp_dir(),
            turns: Semaphore::new(1),
            shutdown: CancellationToken::new(),
        }
    }

    fn sha256(content: &[u8]) -> Digest {
        Digest::from_bytes(Sha256::digest(content).into())
    }

    #[tokio::test]
    async fn a_stream_is_digested_as_a_file_is() {
        let wanted = sha256(CONTENT);
        let blobs = streaming(CONTENT, wanted).await;
        let mut prehasher = Prehasher::default();
        prehasher.update(CONTENT);
        let prehash = blobs.prehash(wanted, 8).await.unwrap();
        assert_eq!(prehash.as_bytes(), prehasher.finish().as_bytes());
        let blobs = streaming(b"slipwax\n", wanted).await;
        let error = blobs.prehash(wanted, 8).await.err();
        assert!(
            matches!(error, Some(BlobError::Differs { .. })),
            "{error:?}"
        );
        let error = blobs.prehash(wanted, 9).await.err();
        assert!(
            matches!(error, Some(BlobError::OtherSize { .. })),
            "{error:?}"
        );
        let error = blobs.prehash(sha256(b"other"), 5).await.err();
        assert!(matches!(error, Some(BlobError::Missing(_))), "{error:?}");
    }

    #[tokio::test]
    async fn the_end_of_the_process_does_not_wait_for_a_large_file() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = sha256(CONTENT);
        let path = folder.path().join(wanted.blob_path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, CONTENT).unwrap();
        let shutdown = CancellationToken::new();
        let blobs = Blobs::open(folder.path().to_owned(), 1, shutdown.clone()).unwrap();
        assert!(blobs.prehash(wanted, 8).await.is_ok());
        shutdown.cancel();
        let error = blobs.prehash(wanted, 8).await.err();
        assert!(matches!(error, Some(BlobError::Ending)), "{error:?}");
    }
}
