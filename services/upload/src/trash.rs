//! The trash of the store: `trash/ab/abcd…[.blocks]`, where files lie for a time before they are gone.
//!
//! A digest's files are moved while nobody is between the store and the row that refers to them: whoever stores bytes
//! keeps the folder of their digest locked from before the rename to after the commit ([`Staging::keep`]), and the sweep
//! moves files only in a folder that it has locked for itself. The locks are the file system's: they hold between all
//! instances that share the store, and end with their process.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use slipway_contract::Digest;
use slipway_runtime::data::{private_folder, sync_folder};
use tokio::time::Instant;

use crate::rules::sweep::{Found, Move, Pair};
use crate::staging::{FINISHED, Staging};

const BLOCKS: &str = ".blocks";
/// How often a folder's lock is tried.
const TRY_AGAIN: Duration = Duration::from_millis(5);
/// The longest that a folder is waited for: the sweep has it for milliseconds, unless its process is stopped.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The sweep leaves a digest alone while this lives.
pub(crate) struct Kept {
    _folder: File,
}

/// A lock of the sweep's, until it is dropped.
pub(crate) struct Locked {
    _folder: File,
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    pub(crate) trashed: u64,
    pub(crate) trashed_bytes: u64,
    pub(crate) back: u64,
    pub(crate) removed: u64,
    pub(crate) removed_bytes: u64,
}

/// Files and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) files: i64,
    pub(crate) bytes: i64,
}

/// The two digits that the digests of a folder begin with.
pub(crate) fn digits(folder: u8) -> String {
    format!("{folder:02x}")
}

impl Staging {
    fn place_of(&self, folder: &str) -> PathBuf {
        self.blobs().join(folder)
    }

    /// Keeps the sweep from the files of `digest`. Taken before they are put in their place, and kept until the row that
    /// refers to them is committed. `None` when the sweep does not let go of them.
    pub(crate) async fn keep(&self, digest: &Digest) -> io::Result<Option<Kept>> {
        let folder = self.place_of(&digits(digest.as_bytes()[0]));
        let folder = open_folder(&folder)?;
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            match folder.try_lock_shared() {
                Ok(()) => return Ok(Some(Kept { _folder: folder })),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
            }
        }
    }

    /// The lock of the one sweep of this store; `None` while another instance sweeps.
    pub(crate) fn lock_trash(&self) -> anyhow::Result<Option<Locked>> {
        private_folder(&self.trash())?;
        Ok(lock(&self.trash())?)
    }

    /// Keeps everybody from storing bytes whose digests are of `folder`; `None` while somebody does.
    pub(crate) fn lock_folder(&self, folder: u8) -> io::Result<Option<Locked>> {
        lock(&self.place_of(&digits(folder)))
    }

    /// What there is of the digests of a folder. Other files are nobody's business here.
    pub(crate) fn found(&self, folder: u8) -> io::Result<BTreeMap<Digest, Found>> {
        let digits = digits(folder);
        let mut all = BTreeMap::<Digest, Found>::new();
        for_each_file(&self.place_of(&digits), |name, file| {
            note(&mut all, name, |found| &mut found.place, file);
        })?;
        for_each_file(&self.trash().join(&digits), |name, file| {
            note(&mut all, name, |found| &mut found.trash, file);
        })?;
        Ok(all)
    }

    /// Moves files of a folder that the caller has locked. Cut off anywhere, every file is in its place or in the trash.
    pub(crate) fn sweep(&self, folder: u8, moves: &[(Digest, Move)]) -> anyhow::Result<Moved> {
        let digits = digits(folder);
        let folders = Folders {
            place: self.place_of(&digits),
            trash: self.trash().join(&digits),
        };
        private_folder(&folders.trash)?;
        let (back, away): (Vec<_>, Vec<_>) = moves
            .iter()
            .partition(|(_, next)| matches!(next, Move::Back(_)));
        let mut moved = Moved::default();
        // A new name is durable before the old one is durably gone.
        for (moves, from, to) in [
            (back, &folders.trash, &folders.place),
            (away, &folders.place, &folders.trash),
        ] {
            for (digest, next) in &moves {
                folders.carry_out(digest, *next, &mut moved)?;
            }
            if !moves.is_empty() {
                sync_folder(to)?;
                sync_folder(from)?;
            }
        }
        Ok(moved)
    }

    /// The folders of the trash that hold something.
    pub(crate) fn trashed_folders(&self) -> io::Result<Vec<u8>> {
        let mut folders = Vec::new();
        for folder in 0..=u8::MAX {
            let mut holds = false;
            for_each_file(&self.trash().join(digits(folder)), |_, _| holds = true)?;
            if holds {
                folders.push(folder);
            }
        }
        Ok(folders)
    }

    /// What lies in the trash.
    pub(crate) fn trash_size(&self) -> io::Result<Size> {
        let mut size = Size::default();
        for folder in 0..=u8::MAX {
            for_each_file(&self.trash().join(digits(folder)), |_, file| {
                size.files += 1;
                size.bytes += i64::try_from(file.len()).unwrap_or(i64::MAX);
            })?;
        }
        Ok(size)
    }
}

/// The two folders of the same digests.
struct Folders {
    place: PathBuf,
    trash: PathBuf,
}

impl Folders {
    fn carry_out(&self, digest: &Digest, next: Move, moved: &mut Moved) -> io::Result<()> {
        let bytes = digest.as_hex();
        let list = format!("{bytes}{BLOCKS}");
        // Bytes are never in their place without their list: it comes first and goes last.
        match next {
            Move::ToTrash(_) => {
                for name in [bytes, list] {
                    if let Some(length) = self.discard(&name)? {
                        moved.trashed += 1;
                        moved.trashed_bytes += length;
                    }
                }
            }
            Move::Back(_) => {
                for name in [list, bytes] {
                    moved.back += u64::from(self.bring_back(&name)?);
                }
            }
            Move::Remove => {
                for name in [bytes, list] {
                    let path = self.trash.join(name);
                    if let Some(length) = length(&path)? {
                        std::fs::remove_file(path)?;
                        moved.removed += 1;
                        moved.removed_bytes += length;
                    }
                }
            }
        }
        Ok(())
    }

    /// Its length, when it was there.
    fn discard(&self, name: &str) -> io::Result<Option<u64>> {
        let from = self.place.join(name);
        let Some(length) = length(&from)? else {
            return Ok(None);
        };
        // The time of this change is how long it lies in the trash; not every file system notes a rename.
        std::fs::set_permissions(&from, std::fs::Permissions::from_mode(FINISHED))?;
        std::fs::rename(from, self.trash.join(name))?;
        Ok(Some(length))
    }

    /// Whether it was missing in its place. Bytes that came again are the same.
    fn bring_back(&self, name: &str) -> io::Result<bool> {
        let (from, to) = (self.trash.join(name), self.place.join(name));
        if length(&from)?.is_none() {
            return Ok(false);
        }
        if length(&to)?.is_some() {
            std::fs::remove_file(from)?;
            return Ok(false);
        }
        std::fs::rename(from, to)?;
        Ok(true)
    }
}

fn lock(folder: &Path) -> io::Result<Option<Locked>> {
    let folder = File::open(folder)?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(Locked { _folder: folder })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens a folder of blobs; one that somebody has removed is made again, durably.
fn open_folder(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            private_folder(path).map_err(io::Error::other)?;
            File::open(path)
        }
        opened => opened,
    }
}

/// Bytes of a file, when it is there.
fn length(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::symlink_metadata(path) {
        Ok(file) => Ok(Some(file.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Calls `look` with every regular file of a folder that need not be there.
fn for_each_file(folder: &Path, mut look: impl FnMut(&str, &std::fs::Metadata)) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let file = match entry.metadata() {
            // Somebody has moved it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        if let Some(name) = entry.file_name().to_str()
            && file.is_file()
        {
            look(name, &file);
        }
    }
    Ok(())
}

fn note(
    all: &mut BTreeMap<Digest, Found>,
    name: &str,
    side: impl Fn(&mut Found) -> &mut Pair,
    file: &std::fs::Metadata,
) {
    let bytes = name.strip_suffix(BLOCKS);
    let Ok(digest) = bytes.unwrap_or(name).parse() else {
        return;
    };
    let changed = file.ctime().saturating_mul(1000) + file.ctime_nsec() / 1_000_000;
    let pair = side(all.entry(digest).or_default());
    if bytes.is_some() {
        pair.list = Some(changed);
    } else {
        pair.bytes = Some(changed);
    }
}
