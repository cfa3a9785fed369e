//! The bytes: read from the store, never written.
//!
//! A file is checked against its row before the first byte is sent. What is found wrong later, such as a file that ends
//! early, breaks the connection off, so that no client can take a part for the whole.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore};
use slipway_packages::Digest;
use slipway_service::Problem;
use tokio::task::spawn_blocking;

/// Bytes of one read. Larger ones are no faster, and each download in flight holds this many per read ahead.
const CHUNK: usize = 256 * 1024;
/// Reads under way at once: one is sent while the next is read.
const READ_AHEAD: usize = 2;

/// The store.
#[derive(Clone)]
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

/// Why a file cannot be served: a fault of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("the store could not be read")]
    Store(#[source] object_store::Error),
    #[error("the blob {digest} has {found} bytes instead of {expected}")]
    Size {
        digest: Digest,
        found: u64,
        expected: u64,
    },
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        Self::internal(error)
    }
}

impl Blobs {
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let store = LocalFileSystem::new_with_prefix(folder)
            .with_context(|| format!("could not open the store in {}", folder.display()))?;
        Ok(Self {
            store: Arc::new(store),
            folder: folder.to_owned(),
        })
    }

    /// Whether the store answers: its folder is there.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let folder = tokio::fs::metadata(&self.folder).await;
        folder.with_context(|| format!("the store {} does not answer", self.folder.display()))?;
        Ok(())
    }

    /// The bytes of `range` of a blob that has `size` bytes.
    pub(crate) async fn read(
        &self,
        digest: Digest,
        size: u64,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, BlobError> {
        let part = (range.end - range.start < size).then(|| GetRange::Bounded(range.clone()));
        let options = GetOptions {
            range: part,
            ..GetOptions::default()
        };
        let location = Location::from(digest.blob_path());
        let found = self
            .store
            .get_opts(&location, options)
            .await
            .map_err(BlobError::Store)?;
        if found.meta.size != size {
            return Err(BlobError::Size {
                digest,
                found: found.meta.size,
                expected: size,
            });
        }
        let bytes = match found.payload {
            GetResultPayload::File(file, _) => read_file(file, range).boxed(),
            GetResultPayload::Stream(stream) => stream.map_err(io::Error::other).boxed(),
        };
        let failed =
            move |error: &io::Error| tracing::error!(%digest, %error, "a download was broken off");
        Ok(bytes.inspect_err(failed).boxed())
    }
}

/// Reads on the threads for blocking work, each read by itself, so that slow clients hold none of them.
fn read_file(
    file: File,
    range: Range<u64>,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let file = Arc::new(file);
    let end = range.end;
    stream::iter(range.step_by(CHUNK))
        .map(move |begin| {
            let file = file.clone();
            async move { spawn_blocking(move || read_chunk(&file, begin, end)).await? }
        })
        .buffered(READ_AHEAD)
}

fn read_chunk(file: &File, begin: u64, end: u64) -> io::Result<Bytes> {
    let length = usize::try_from(end - begin).map_or(CHUNK, |left| left.min(CHUNK));
    let mut chunk = BytesMut::zeroed(length);
    file.read_exact_at(&mut chunk, begin)?;
    Ok(chunk.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of the empty string; the store trusts names.
    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn stored(content: &[u8]) -> (tempfile::TempDir, Blobs, Digest) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let digest: Digest = HEX.parse().expect("a digest");
        let path = folder.path().join(digest.blob_path());
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the blob's folder");
        std::fs::write(path, content).expect("a blob");
        let blobs = Blobs::open(folder.path()).expect("a store");
        (folder, blobs, digest)
    }

    #[tokio::test]
    async fn any_part_of_a_file_comes_as_it_is() {
        let content: Vec<u8> = (0..=250).cycle().take(CHUNK * 2 + 7).collect();
        let size = content.len() as u64;
        let (_folder, blobs, digest) = stored(&content);
        let chunk = CHUNK as u64;
        for range in [
            0..size,
            0..1,
            size - 1..size,
            chunk - 1..chunk + 1,
            chunk..2 * chunk,
            3..size - 2,
        ] {
            let stream = blobs
                .read(digest, size, range.clone())
                .await
                .expect("a file");
            let bytes: Vec<Bytes> = stream.try_collect().await.expect("whole");
            let expected = &content
                [usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(bytes.concat() == expected, "{range:?}");
        }
    }

    #[tokio::test]
    async fn an_empty_file_is_served_as_nothing() {
        let (_folder, blobs, digest) = stored(b"");
        let mut stream = blobs.read(digest, 0, 0..0).await.expect("a file");
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_file_of_another_size_is_refused_before_the_first_byte() {
        let (_folder, blobs, digest) = stored(b"abc");
        let refused = blobs.read(digest, 4, 0..4).await.err().expect("a refusal");
        assert!(
            refused.to_string().contains("has 3 bytes instead of 4"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn a_file_that_ends_early_is_an_error_in_the_stream() {
        let (folder, blobs, digest) = stored(&vec![7; CHUNK * 4]);
        let size = CHUNK as u64 * 4;
        let stream = blobs.read(digest, size, 0..size).await.expect("a file");
        let path = folder.path().join(digest.blob_path());
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(CHUNK as u64 * 3 + 5)
            .unwrap();
        let error = stream.try_collect::<Vec<_>>().await.expect_err("too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
