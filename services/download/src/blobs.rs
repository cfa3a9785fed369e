//! The bytes: read from the store, never written, and checked before they leave.
//!
//! A block of 1 MiB is checked against the list of the file's blocks before a byte of it is sent, and the list against
//! the digest that the catalog has given. Where there is no list, the file is hashed whole before its first byte. What
//! was found right is trusted for a day while the file stays the same; what is found wrong breaks the connection off, so
//! that no client can take a part, or other bytes, for the whole. A file that is put back is served at the next request.

mod damage;
mod known;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, Shared};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use rustix::fs::OFlags;
use slipway_packages::{BLOCK, Blocks, Digest, FileHash, block_count};
use slipway_service::Problem;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

pub(crate) use damage::Damage;
use damage::Findings;
use known::{Identity, Known, Memory};

use crate::settings;

/// Bytes of one read; a whole number of them is a block. Larger ones are no faster, and each download in flight holds
/// this many per read ahead.
const CHUNK: u64 = 256 * 1024;
/// Reads under way at once: one is sent while the next is read.
const READ_AHEAD: usize = 2;
/// Blocks that are hashed at once, 1 MiB of memory each: more only take turns on the processors.
const HASHES_AT_ONCE: usize = 8;
/// Files that are hashed whole at once: they are rare, and the blocks of others go on beside them.
const FILES_AT_ONCE: usize = 2;

/// What a file in the store must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    /// Bytes.
    pub(crate) size: u64,
    /// Of the list of its blocks, when it is known.
    pub(crate) blocks: Option<Digest>,
}

/// The store; cheap to clone.
#[derive(Clone)]
pub(crate) struct Blobs(Arc<Store>);

struct Store {
    folder: PathBuf,
    /// How long a block that was found right is trusted.
    trust: Duration,
    memory: Memory,
    findings: Findings,
    hashes: Semaphore,
    files: Semaphore,
    /// Files that are being hashed whole: all who ask for one wait for the same hash.
    flights: Mutex<HashMap<Blob, Flight>>,
}

type Flight = Shared<BoxFuture<'static, Result<Arc<Known>, Arc<BlobError>>>>;

/// Why a file cannot be served: a fault of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("the store could not be read")]
    Store(#[from] io::Error),
    #[error("the file is damaged: {0}")]
    Damaged(#[from] Damage),
    #[error(transparent)]
    Hash(Arc<BlobError>),
}

impl BlobError {
    fn damage(&self) -> Option<Damage> {
        match self {
            Self::Store(error) => error.get_ref()?.downcast_ref::<Damage>().copied(),
            Self::Damaged(damage) => Some(*damage),
            Self::Hash(error) => error.damage(),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        // Without their cause: that is logged where it is found, once, and not by each who asks.
        let fault = |code, detail| Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail);
        match error.damage() {
            // It may come: a store that is mounted late is no reason to give a release up.
            Some(Damage::Missing) => fault(
                "file_missing",
                "this file is missing in the platform's store: its operator has to put it back",
            ),
            Some(_) => fault(
                "damaged",
                "this file is damaged in the platform's store and is not served: its operator has to put the right one back",
            ),
            None => Self::internal(error),
        }
    }
}

impl Blobs {
    pub(crate) fn open(settings: &settings::Store, folder: PathBuf, damaged: Counter) -> Self {
        Self(Arc::new(Store {
            folder,
            trust: Duration::from_secs(settings.trust_seconds),
            memory: Memory::new(settings.memory_bytes),
            findings: Findings::new(damaged),
            hashes: Semaphore::new(HASHES_AT_ONCE),
            files: Semaphore::new(FILES_AT_ONCE),
            flights: Mutex::default(),
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
        let flight = {
            let mut flights = self.0.flights();
            let flight = flights.entry(blob).or_insert_with(|| {
                // A task of its own: a client that leaves does not end the hash that others wait for.
                let task = tokio::spawn(self.0.clone().hash(blob, file.clone()));
                let ended = async move { task.await.map_err(io::Error::other)? };
                ended
                    .map(|known: Result<_, BlobError>| known.map_err(Arc::new))
                    .boxed()
                    .shared()
            });
            flight.clone()
        };
        flight.await.map_err(BlobError::Hash)
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
        self.flights().remove(&blob);
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

    fn flights(&self) -> std::sync::MutexGuard<'_, HashMap<Blob, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer that is being sent.
struct Reading {
    store: Arc<Store>,
    blob: Blob,
    file: Arc<File>,
    known: Arc<Known>,
    /// The block that was checked last, while it cannot be trusted: its other chunks are taken from here.
    last: tokio::sync::Mutex<Option<(u64, Bytes)>>,
}

impl Reading {
    /// Bytes of one block. Each read is by itself on the threads for blocking work, so that slow clients hold none of
    /// them.
    async fn chunk(self: Arc<Self>, range: Range<u64>) -> io::Result<Bytes> {
        if let Some(bytes) = self.clone().trusted(range.clone()).await? {
            return Ok(bytes);
        }
        let mut last = self.last.lock().await;
        // It may have been checked meanwhile.
        if let Some(bytes) = self.clone().trusted(range.clone()).await? {
            return Ok(bytes);
        }
        let number = range.start / BLOCK;
        let block = match &*last {
            Some((there, block)) if *there == number => block.clone(),
            _ => self.clone().checked(number).await?,
        };
        let begin = index(range.start % BLOCK)?;
        let end = begin + index(range.end - range.start)?;
        // A copy, so that a slow client holds a chunk and not a block.
        let bytes = Bytes::copy_from_slice(&block[begin..end]);
        *last = (!self.known.may_trust(number)).then_some((number, block));
        Ok(bytes)
    }

    /// Bytes of a block that is trusted; `None` when it is not. The file is looked at after they were read: what was
    /// written to it before that would show.
    async fn trusted(self: Arc<Self>, range: Range<u64>) -> io::Result<Option<Bytes>> {
        let number = range.start / BLOCK;
        if !self.known.may_trust(number) {
            return Ok(None);
        }
        spawn_blocking(move || {
            let mut bytes = BytesMut::zeroed(index(range.end - range.start)?);
            let read = self.file.read_exact_at(&mut bytes, range.start);
            let now = Identity::of(&self.file.metadata()?);
            Ok((read.is_ok() && self.known.trusts(number, &now)).then(|| bytes.freeze()))
        })
        .await?
    }

    /// A whole block: what is checked is what is sent.
    async fn checked(self: Arc<Self>, number: u64) -> io::Result<Bytes> {
        let store = self.store.clone();
        let _place = store.hashes.acquire().await.map_err(io::Error::other)?;
        spawn_blocking(move || {
            let digest = &self.blob.digest;
            let block = read_block(&self.file, number, self.blob.size);
            let now = Identity::of(&self.file.metadata()?);
            let damage = Damage::Block(number);
            match block {
                Ok(block) if self.known.matches(number, &block) => {
                    self.known.trust(number, &now);
                    self.store.findings.withdraw(digest, damage);
                    Ok(block)
                }
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
                _ => {
                    self.store.findings.add(*digest, Some(now), damage);
                    Err(io::Error::other(damage))
                }
            }
        })
        .await?
    }
}

/// Opens a regular file and nothing else: a link could lead anywhere, and a pipe would hold the thread for ever.
fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(rustix::io::Errno::ISDIR.into());
    }
    Ok(file)
}

/// Whether [`open_file`] met a link, a folder, a device or a socket.
fn is_not_a_file(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::LOOP | Errno::ISDIR | Errno::NXIO))
}

/// A whole block of a file of `size` bytes.
fn read_block(file: &File, number: u64, size: u64) -> io::Result<Bytes> {
    let begin = number * BLOCK;
    let mut block = BytesMut::zeroed(index(BLOCK.min(size - begin))?);
    file.read_exact_at(&mut block, begin)?;
    Ok(block.freeze())
}

/// Cuts a range where chunks begin, and so where blocks do.
fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let Range { start, end } = range;
    let cut = move |begin: u64| end.min((begin / CHUNK + 1) * CHUNK);
    std::iter::successors(Some(start), move |begin| Some(cut(*begin)))
        .take_while(move |begin| *begin < end)
        .map(move |begin| begin..cut(begin))
}

fn index(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    const SIZE: usize = 5 << 19;

    /// A store with one blob of two and a half blocks in it.
    struct Fixture {
        folder: tempfile::TempDir,
        blobs: Blobs,
        blob: Blob,
        content: Vec<u8>,
        counter: Counter,
    }

    impl Fixture {
        fn new(content: Vec<u8>, listed: bool) -> Self {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut hash = FileHash::default();
            hash.update(&content);
            let counter = Counter::default();
            let settings = settings::Store::default();
            let fixture = Self {
                blobs: Blobs::open(&settings, folder.path().to_owned(), counter.clone()),
                blob: Blob {
                    digest: hash.digest(),
                    size: content.len() as u64,
                    blocks: listed.then(|| hash.blocks().digest()),
                },
                folder,
                content,
                counter,
            };
            std::fs::create_dir_all(fixture.path().parent().expect("a folder")).expect("a folder");
            fixture.write(&fixture.content);
            if listed {
                std::fs::write(fixture.list(), hash.blocks().as_bytes()).expect("a list");
            }
            fixture
        }

        fn of_blocks(listed: bool) -> Self {
            Self::new((0..=250).cycle().take(SIZE).collect(), listed)
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join(self.blob.digest.blob_path())
        }

        fn list(&self) -> PathBuf {
            self.folder.path().join(self.blob.digest.blocks_path())
        }

        fn write(&self, content: &[u8]) {
            std::fs::write(self.path(), content).expect("a blob");
        }

        fn flip(&self, place: usize) {
            let mut content = self.content.clone();
            content[place] ^= 1;
            self.write(&content);
        }

        /// What a client has got, and whether it was all.
        async fn get(&self, range: Range<u64>) -> (Vec<u8>, bool) {
            let mut got = Vec::new();
            let Ok(mut stream) = self.blobs.read(self.blob, range).await else {
                return (got, false);
            };
            loop {
                match stream.try_next().await {
                    Ok(Some(chunk)) => got.extend_from_slice(&chunk),
                    Ok(None) => return (got, true),
                    Err(_) => return (got, false),
                }
            }
        }

        async fn assert_whole(&self) {
            let (got, whole) = self.get(0..self.blob.size).await;
            assert!(whole && got == self.content);
        }
    }

    #[tokio::test]
    async fn any_part_of_a_file_comes_as_it_is() {
        for listed in [true, false] {
            let fixture = Fixture::of_blocks(listed);
            let size = fixture.blob.size;
            for range in [
                0..size,
                0..1,
                size - 1..size,
                BLOCK - 1..BLOCK + 1,
                BLOCK..2 * BLOCK,
                CHUNK - 1..CHUNK + 1,
                3..size - 2,
            ] {
                let (got, whole) = fixture.get(range.clone()).await;
                let part = index(range.start).unwrap()..index(range.end).unwrap();
                assert!(whole && got == fixture.content[part], "{range:?}");
            }
            assert_eq!(fixture.counter.get(), 0);
        }
    }

    #[tokio::test]
    async fn an_empty_file_is_served_as_nothing() {
        for listed in [true, false] {
            let fixture = Fixture::new(Vec::new(), listed);
            assert_eq!(fixture.get(0..0).await, (Vec::new(), true));
        }
    }

    #[tokio::test]
    async fn a_wrong_block_ends_the_answer_before_it_and_is_counted_once() {
        let fixture = Fixture::of_blocks(true);
        fixture.flip(index(BLOCK).unwrap() + 7);
        let (got, whole) = fixture.get(0..fixture.blob.size).await;
        assert!(!whole && got == fixture.content[..index(BLOCK).unwrap()]);
        for range in [0..fixture.blob.size, 0..1, BLOCK..BLOCK + 1] {
            assert_eq!(fixture.get(range).await, (Vec::new(), false));
        }
        assert_eq!(fixture.counter.get(), 1);
        let digests = vec![fixture.blob.digest];
        let damaged = fixture.blobs.damaged(digests.clone()).await.unwrap();
        assert_eq!(damaged, digests);
        // A range beside it never meets it, in an instance that has not found it yet.
        let other = Fixture::of_blocks(true);
        other.flip(index(BLOCK).unwrap() + 7);
        assert!(other.get(0..BLOCK).await.1 && other.get(2 * BLOCK..SIZE as u64).await.1);

        fixture.write(&fixture.content);
        assert_eq!(fixture.blobs.damaged(digests).await.unwrap(), []);
        fixture.assert_whole().await;
        assert_eq!(fixture.blobs.damaged_count(), 0);
    }

    #[tokio::test]
    async fn a_file_without_a_list_is_hashed_before_its_first_byte() {
        for place in [0, SIZE - 1] {
            let fixture = Fixture::of_blocks(false);
            fixture.flip(place);
            assert_eq!(fixture.get(0..1).await, (Vec::new(), false));
            assert_eq!(fixture.counter.get(), 1);
            fixture.write(&fixture.content);
            fixture.assert_whole().await;
        }
    }

    #[tokio::test]
    async fn a_list_that_is_missing_or_wrong_is_told_and_hinders_nobody() {
        let right = Fixture::of_blocks(true);
        for list in [None, Some(Vec::new()), Some(vec![7; 96])] {
            let fixture = Fixture::of_blocks(true);
            match list {
                None => std::fs::remove_file(fixture.list()).unwrap(),
                Some(bytes) => std::fs::write(fixture.list(), bytes).unwrap(),
            }
            fixture.assert_whole().await;
            fixture.assert_whole().await;
            assert_eq!(fixture.counter.get(), 1);
        }
        right.assert_whole().await;
    }

    #[tokio::test]
    async fn what_is_no_file_of_this_size_is_never_begun() {
        type Harm = fn(&Path);
        let harms: [(Harm, Damage); 6] = [
            (|_| (), Damage::Missing),
            (
                |path| std::fs::write(path, b"abc").unwrap(),
                Damage::Size(3),
            ),
            (|path| std::fs::create_dir(path).unwrap(), Damage::NotAFile),
            (
                |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
                Damage::NotAFile,
            ),
            (
                |path| std::os::unix::fs::symlink("right", path).unwrap(),
                Damage::NotAFile,
            ),
            (|path| make_pipe(path), Damage::NotAFile),
        ];
        for (harm, damage) in harms {
            let fixture = Fixture::of_blocks(true);
            let kept = fixture.path().with_file_name("right");
            std::fs::rename(fixture.path(), &kept).unwrap();
            harm(&fixture.path());
            let refused = fixture
                .blobs
                .look_at(fixture.blob)
                .await
                .expect_err("a refusal");
            assert_eq!(refused.damage(), Some(damage));
            assert_eq!(fixture.get(0..1).await, (Vec::new(), false));
            let digests = vec![fixture.blob.digest];
            assert_eq!(fixture.blobs.damaged(digests).await.unwrap().len(), 1);
            if fixture.path().is_dir() {
                std::fs::remove_dir(fixture.path()).unwrap();
            }
            std::fs::rename(&kept, fixture.path()).unwrap();
            fixture.assert_whole().await;
        }
    }

    fn make_pipe(path: &Path) {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_ends_early_is_an_error_in_the_stream() {
        let fixture = Fixture::of_blocks(true);
        let size = fixture.blob.size;
        let mut stream = fixture
            .blobs
            .read(fixture.blob, 0..size)
            .await
            .expect("a file");
        let file = File::options().write(true).open(fixture.path()).unwrap();
        file.set_len(2 * BLOCK + 5).unwrap();
        let error = loop {
            match stream.try_next().await {
                Ok(chunk) => assert!(chunk.is_some(), "it came to its end"),
                Err(error) => break error,
            }
        };
        assert!(
            error
                .get_ref()
                .and_then(|error| error.downcast_ref::<Damage>())
                .is_some()
        );
    }

    /// Makes a file old enough to be trusted, as one that was released a while ago is.
    async fn settle(fixture: &Fixture) -> Identity {
        loop {
            let identity = Identity::of(&std::fs::metadata(fixture.path()).unwrap());
            if identity.is_settled() {
                return identity;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    #[tokio::test]
    async fn what_was_found_right_is_not_hashed_again_until_the_file_changes() {
        for listed in [true, false] {
            let fixture = Fixture::of_blocks(listed);
            let identity = settle(&fixture).await;
            fixture.assert_whole().await;
            let known = fixture
                .blobs
                .0
                .memory
                .get(&fixture.blob, &identity)
                .expect("known");
            assert!((0..3).all(|number| known.may_trust(number)));
            // In place, of the same size, and with the time of change set back: the other time tells.
            let modified = std::fs::metadata(fixture.path())
                .unwrap()
                .modified()
                .unwrap();
            let mut stream = fixture
                .blobs
                .read(fixture.blob, 0..fixture.blob.size)
                .await
                .expect("a file");
            fixture.flip(SIZE - 1);
            let file = File::options().write(true).open(fixture.path()).unwrap();
            file.set_modified(modified).unwrap();
            let ended = loop {
                match stream.try_next().await {
                    Ok(Some(_)) => {}
                    other => break other,
                }
            };
            assert!(ended.is_err(), "a download on its way");
            assert_eq!(fixture.get(0..fixture.blob.size).await, (Vec::new(), false));
        }
    }

    #[tokio::test]
    async fn those_who_ask_at_once_wait_for_one_hash() {
        let fixture = Fixture::of_blocks(false);
        let file = Arc::new(fixture.blobs.find(fixture.blob).await.unwrap());
        let asking = (0..16).map(|_| fixture.blobs.know(fixture.blob, &file));
        let known = futures_util::future::try_join_all(asking).await.unwrap();
        assert!(known.iter().all(|one| Arc::ptr_eq(one, &known[0])));
    }
}
