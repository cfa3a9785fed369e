//! The data folder: where each thing lies, and who holds which secret.
//!
//! Every file is written whole or not at all (a temporary file, fsync, rename, fsync of the folder), so a start that
//! was killed can be run again. The names of the folders on the way to it are synced too, and those that are found are
//! synced again, because who made them may have been killed before: a sealing key whose folder is gone after a power cut
//! takes every key of every app with it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use slipway_contract::services::NAMES;

mod moved;

/// The layout that this program reads and writes; a later one will migrate.
const FORMAT: &str = "1\n";

/// The environment variable by which `up` tells its children their run.
pub const RUN_VARIABLE: &str = "SLIPWAY_RUN";

/// A data folder (`--data DIR`).
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The store's folder: `staging/…` and `sha256/ab/abcd…`.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// What was stated to be signed, one file each: signing alone writes here. It is no part of the service's own folder,
    /// so that an older copy of that can be put back without it.
    pub fn statements(&self) -> PathBuf {
        self.root.join("statements")
    }

    /// The folder of a service: its database and files.
    pub fn service(&self, service: &str) -> PathBuf {
        self.root.join(service)
    }

    /// The secrets of a service; nobody else's are mounted beside it.
    pub fn secrets(&self, service: &str) -> PathBuf {
        self.root.join("secrets").join(service)
    }

    /// What runs now: one file per instance.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The programs that `slipway up` runs by their digest, and what is to run.
    pub fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    /// Where `slipway up` says which run of it this is.
    pub fn run_id(&self) -> PathBuf {
        self.run().join("run")
    }

    /// The run that a process of this folder belongs to: that of its parent, else the one that is written down. None
    /// where no `up` is, as in containers.
    pub fn current_run(&self) -> Option<String> {
        let given = std::env::var(RUN_VARIABLE).ok();
        let run = given.or_else(|| fs::read_to_string(self.run_id()).ok())?;
        Some(run.trim().to_owned()).filter(|run| !run.is_empty())
    }

    /// The key of the platform's authority and its certificate; for `slipway init` alone.
    pub fn authority(&self) -> PathBuf {
        self.root.join("secrets").join("authority")
    }

    pub fn admin_token(&self) -> PathBuf {
        self.root.join("admin-token")
    }

    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Makes what is missing of folders.
    pub fn make_folders(&self) -> anyhow::Result<()> {
        private_folder(&self.root)?;
        self.check_format()?;
        for folder in [
            self.run(),
            self.blobs().join("staging"),
            self.blobs().join("sha256"),
        ] {
            private_folder(&folder)?;
        }
        for service in NAMES {
            private_folder(&self.service(service))?;
            private_folder(&self.secrets(service))?;
        }
        Ok(())
    }

    /// Every service that has a folder of secrets: the six, and those that an operator has added.
    pub fn services(&self) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join("secrets"))? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.retain(|name| name != "authority");
        names.sort();
        Ok(names)
    }

    /// The key that seals the private keys of apps, which the signing service holds or an operator gives.
    pub fn sealing_key(&self) -> PathBuf {
        self.secrets("signing").join("sealing.key")
    }

    /// The key of the change feed's marks, which the catalog alone holds and its database does not.
    pub fn feed_key(&self) -> PathBuf {
        self.secrets("catalog").join("feed.key")
    }

    fn check_format(&self) -> anyhow::Result<()> {
        let path = self.root.join("format");
        keep_or_write(&path, || Ok(FORMAT.to_owned()))?;
        let found = fs::read_to_string(&path)?;
        if found != FORMAT {
            bail!(
                "{} has the layout {}, this program knows {}: use the version of Slipway that wrote it",
                self.root.display(),
                found.trim(),
                FORMAT.trim()
            );
        }
        Ok(())
    }
}

/// Makes a folder that only its owner may enter, with those above it. When this returns, their names survive the loss of
/// power: a file in it that is synced would be lost with one of them.
pub fn private_folder(path: &Path) -> anyhow::Result<()> {
    make_folder(path).with_context(|| format!("could not make the folder {}", path.display()))
}

fn make_folder(path: &Path) -> io::Result<()> {
    let parent = parent(path);
    let made = match create(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && parent != path => {
            make_folder(parent)?;
            create(path)
        }
        made => made,
    }?;
    match sync_folder(parent) {
        // Who may not read the folder above has made nothing there.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !made => Ok(()),
        // Also for one that was there: a process may have been killed before it had synced it.
        synced => synced,
    }
}

/// Whether the folder was made now; false when it was there.
fn create(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(_) if path.is_dir() => Ok(false),
        made => made.map(|()| true),
    }
}

/// Makes many folders in one, durably too, and syncs that one once.
pub fn private_folders(
    parent: &Path,
    names: impl IntoIterator<Item = String>,
) -> anyhow::Result<()> {
    private_folder(parent)?;
    let make = || -> io::Result<()> {
        for name in names {
            create(&parent.join(name))?;
        }
        sync_folder(parent)
    };
    make().with_context(|| format!("could not make the folders in {}", parent.display()))
}

/// Returns when the names in a folder survive the loss of power.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The folder that a file or folder is in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Writes a file whole: it has the old content or the new one after any crash, and only its owner may read it.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let temporary = path.with_extension(format!("new-{}", uuid::Uuid::now_v7()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(content.as_ref())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(parent(path))
    };
    let written = write();
    if written.is_err() {
        // What a full disk took of it: the next try has another name.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("could not write {}", path.display()))
}

/// Writes a file that is not there yet.
pub fn keep_or_write(
    path: &Path,
    content: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    write_whole(path, content()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn folders_are_made_with_those_above_them_once_or_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let deep = folder.path().join("a").join("b").join("c");
        for _ in 0..2 {
            private_folder(&deep).expect("a folder");
            let names = ["d".to_owned(), "e".to_owned()];
            private_folders(&deep, names).expect("folders in it");
        }
        for path in [deep.join("d"), deep.join("e"), deep] {
            let mode = fs::metadata(path).expect("a folder").permissions().mode();
            assert_eq!(mode & 0o7777, 0o700);
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        private_folder(&file).expect_err("a file is there");
        private_folder(&file.join("below")).expect_err("a file is above");
    }

    #[test]
    fn what_could_not_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("by a folder")).expect("a folder");
        write_whole(&taken, "content").expect_err("a file takes no folder's place");
        let names = fs::read_dir(folder.path()).expect("the folder");
        assert_eq!(names.count(), 1);
    }

    #[test]
    fn an_unknown_layout_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("format"), "7\n").unwrap();
        let error = DataDir::new(folder.path())
            .make_folders()
            .expect_err("layout 7");
        assert!(error.to_string().contains("layout 7"), "{error}");
    }
}
