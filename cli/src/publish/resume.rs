//! What a later run needs to go on: the address of the upload, in a file of the user's state folder.
//!
//! Its name is the digest of everything that makes two runs the same: platform, app, name and bytes of the file, and what
//! it is sent as. So other bytes are never added to an upload, wherever the file lies and whenever it was touched. It is
//! locked while a run uses it. A torn file holds no address, and then the upload begins anew.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use slipway_runtime::data::private_folder;

use super::publication::Publication;
use crate::exit::{Exit, Stop};

pub(super) struct Resume {
    path: PathBuf,
    file: File,
}

impl Resume {
    pub(super) fn open(origin: &str, publication: &Publication<'_>) -> anyhow::Result<Self> {
        let folder = folder()?;
        private_folder(&folder)?;
        let metadata = publication.metadata();
        let same = [origin, publication.app.as_str(), &metadata];
        let path = folder.join(hex::encode(Sha256::digest(same.join("\n"))));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("could not open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, file }),
            Err(TryLockError::WouldBlock) => Err(Stop::new(
                Exit::Failed,
                "busy",
                "another `slipway publish` is sending this file: wait for that one",
            )
            .into()),
            Err(TryLockError::Error(error)) => {
                Err(error).context(format!("could not lock {}", path.display()))
            }
        }
    }

    /// The address of the upload that was begun, if any.
    pub(super) fn address(&mut self) -> Option<String> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        text.strip_suffix('\n').map(str::to_owned)
    }

    pub(super) fn keep(&mut self, address: &str) -> anyhow::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{address}")?;
        self.file
            .sync_all()
            .with_context(|| format!("could not write {}", self.path.display()))
    }

    /// There is nothing to go on with any more.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A run that began no upload leaves nothing.
impl Drop for Resume {
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|facts| facts.len() == 0) {
            self.forget();
        }
    }
}

/// As the XDG Base Directory Specification 0.8 says.
fn folder() -> anyhow::Result<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state =
        state.context("there is no place to remember the upload: set HOME or XDG_STATE_HOME")?;
    Ok(state.join("slipway/uploads"))
}
