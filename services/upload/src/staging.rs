//! Incoming bytes: a file in the store's folder `staging` until its digest is known, then a blob under that digest.
//!
//! A staged file is locked while somebody has it open, so what lies there unlocked was left by a process that died:
//! the sweep removes it unless it belongs to a session. A file becomes a blob by one rename, after its bytes and the list of
//! its blocks are on the disk, and the rename is on the disk before anybody is told of it: there is no moment at which a
//! blob has other bytes than its name says, whatever is killed and wherever the power goes.

mod staged;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _};
use slipway_contract::{Blocks, Digest, FileHash};
use slipway_runtime::data::{DataDir, private_folder, private_folders, sync_folder};

use crate::settings;
use staged::{Space, free_bytes};

pub(crate) use staged::{Retention, Staged, persist};

/// Bytes of one read when a file is hashed again.
const READ: usize = 1 << 20;
/// Mode of what has its place in the store: it never changes again.
pub(crate) const FINISHED: u32 = 0o444;

/// The store, seen by the one who writes it; cheap to clone.
#[derive(Clone)]
pub(crate) struct Staging {
    root: Arc<Path>,
    store: Arc<dyn ObjectStore>,
    reserve: u64,
}

impl Staging {
    /// Makes the folders that are missing. All 256 folders of blobs are made here, once and durably, so that no upload
    /// can lie in a folder that another one has made and not yet synced.
    pub(crate) fn open(settings: &settings::Store, data: &DataDir) -> anyhow::Result<Self> {
        let root = settings.folder.clone().unwrap_or_else(|| data.blobs());
        private_folder(&root.join("staging"))?;
        private_folder(&root.join("trash"))?;
        let first = (0..=u8::MAX).map(|first| format!("{first:02x}"));
        private_folders(&root.join("sha256"), first)?;
        let store = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Self {
            root: root.into(),
            store: Arc::new(store),
            reserve: settings.reserve_bytes,
        })
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join("staging")
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder().join(id)
    }

    /// Makes the folder of incoming bytes again, durably, in a store that is there.
    fn make_folder(&self) -> io::Result<()> {
        std::fs::metadata(self.blobs())?;
        private_folder(&self.folder()).map_err(io::Error::other)
    }

    /// The folder of blobs, by the first two digits of their digests.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("sha256")
    }

    /// Where what nobody refers to lies for a time.
    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    /// Whether the store's folder answers. A missing folder of incoming bytes is made again with the next of them; a
    /// missing store is none of ours to make: it may be a disk that is not there.
    pub(crate) fn ready(&self) -> anyhow::Result<()> {
        std::fs::metadata(self.blobs()).context("the store does not answer")?;
        Ok(())
    }

    /// Whether `announced` bytes leave the disk its reserve.
    pub(crate) fn has_room(&self, announced: u64) -> io::Result<bool> {
        let free = free_bytes(&self.root)?;
        Ok(free >= self.reserve.saturating_add(announced))
    }

    /// The disk of the store.
    pub(crate) fn space(&self) -> io::Result<Space> {
        staged::space(&self.root)
    }

    /// Bytes that are in the place of a digest, those of its list too; 0 when there are none.
    pub(crate) fn length(&self, digest: &Digest) -> io::Result<u64> {
        let mut length = 0;
        for path in [digest.blob_path(), digest.blocks_path()] {
            match std::fs::metadata(self.root.join(path)) {
                Ok(file) => length += file.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }

    /// A new empty file, named `id`.
    pub(crate) fn create(&self, id: &str, retention: Retention) -> io::Result<Staged> {
        let path = self.path(id);
        loop {
            let mut options = OpenOptions::new();
            options.append(true).read(true).create_new(true);
            let file = match options.open(&path) {
                // Somebody has removed the folder.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.make_folder()?;
                    options.open(&path)?
                }
                opened => opened?,
            };
            file.lock()?;
            // Between its making and its locking the sweep may have taken it for one that was left behind.
            if file.metadata()?.nlink() > 0 {
                return Ok(self.staged(id, file, (0, FileHash::default()), retention));
            }
        }
    }

    /// The file of a session, if nobody has it open. `None` when there is no such file.
    pub(crate) fn lock(&self, id: &str) -> Result<Option<File>, TryLockError> {
        let opened = OpenOptions::new()
            .append(true)
            .read(true)
            .open(self.path(id));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(TryLockError::Error(error)),
        };
        file.try_lock()?;
        // It may have become a blob, or gone, between its opening and its locking: a blob must not be written to.
        let ours = file.metadata().map_err(TryLockError::Error)?;
        let there = std::fs::metadata(self.path(id));
        let is_ours =
            there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
        Ok(is_ours.then_some(file))
    }

    /// Returns when the names of new files survive the loss of power.
    pub(crate) async fn sync_folder(&self) -> io::Result<()> {
        let folder = self.folder();
        let syncing = tokio::task::spawn_blocking(move || sync_folder(&folder));
        syncing.await.map_err(io::Error::other)?
    }

    /// Goes on with a session's file after its first `length` bytes; what lies behind them was never confirmed. Their
    /// hash is what this process still knows, or the bytes are read once.
    pub(crate) fn resume(
        &self,
        id: &str,
        mut file: File,
        length: u64,
        known: Option<FileHash>,
    ) -> io::Result<Staged> {
        if file.metadata()?.len() < length {
            return Err(io::Error::other(
                "a staged file is shorter than what was confirmed of it",
            ));
        }
        file.set_len(length)?;
        let hash = match known {
            Some(hash) => hash,
            None => hash_again(&mut file)?,
        };
        Ok(self.staged(id, file, (length, hash), Retention::Keep))
    }

    fn staged(
        &self,
        id: &str,
        file: File,
        (length, hash): (u64, FileHash),
        retention: Retention,
    ) -> Staged {
        Staged {
            id: id.to_owned(),
            path: self.path(id),
            file,
            length,
            hash,
            checksums: Vec::new(),
            retention,
            reserve: self.reserve,
            looked_at: length,
        }
    }

    /// Gives a durable staged file its digest's name, in place of bytes that are there already: they are the same. The
    /// list of its blocks is there before it. When this returns, both are durable; it returns the digest of the list.
    pub(crate) async fn promote(&self, staged: Staged, digest: &Digest) -> anyhow::Result<Digest> {
        let blocks = staged.hash.blocks();
        self.put_blocks(&staged.id, digest, &blocks).await?;
        self.place(staged, digest.blob_path()).await?;
        Ok(blocks.digest())
    }

    /// Puts the list of a blob's blocks beside it, durably. `id` is no other file's in staging.
    pub(crate) async fn put_blocks(
        &self,
        id: &str,
        digest: &Digest,
        blocks: &Blocks,
    ) -> anyhow::Result<()> {
        let id = format!("{id}.blocks");
        // What a killed process has left of the same session.
        self.remove(&id)?;
        let mut list = self.create(&id, Retention::Remove)?;
        list.append_whole(blocks.as_bytes())?;
        self.place(persist(list).await?, digest.blocks_path()).await
    }

    /// Moves a durable staged file to its place, durably. The mode comes last: until then it may have to be written to.
    async fn place(&self, mut staged: Staged, to: String) -> anyhow::Result<()> {
        let from = format!("staging/{}", staged.id).into();
        self.store
            .rename(&from, &to.into())
            .await
            .context("could not move a file to its place in the store")?;
        staged.retention = Retention::Keep;
        finish(&staged.file)?;
        Ok(())
    }

    /// Where the bytes of a digest are, when they are here.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join(digest.blob_path())
    }

    /// Whether the bytes of a digest are in their place.
    pub(crate) fn has_blob(&self, digest: &Digest) -> io::Result<bool> {
        self.blob(digest).try_exists()
    }

    /// The names of all files in staging. There are none where the folder was removed; the next upload makes it again.
    pub(crate) fn list(&self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.folder()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    /// Removes a file that the caller has locked, or that is not there.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// Takes from a file in its place the right to be written.
pub(crate) fn finish(file: &File) -> io::Result<()> {
    file.set_permissions(std::fs::Permissions::from_mode(FINISHED))
}

fn hash_again(file: &mut File) -> io::Result<FileHash> {
    let mut hash = FileHash::default();
    let mut buffer = vec![0; READ];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hash);
        }
        hash.update(&buffer[..count]);
    }
}
