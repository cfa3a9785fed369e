//! What is served of files that are right, wrong, and changed while they are read.

use std::path::Path;

use futures_util::TryStreamExt as _;
use slipway_contract::BLOCK;

use super::file::index;
use super::reading::CHUNK;
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
