//! A data folder that was moved or copied: what it remembers of a running platform is another's.
//!
//! `DIR/place` holds its own path and inode. A copy has another inode, and a moved folder another path; the device is not
//! looked at, because a mount may change it. A copy that went on with the addresses of its original would hand it requests
//! that are not meant for it, so they are dropped: views, ports, and what ran there.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use slipway_contract::services::NAMES;

use super::DataDir;

impl DataDir {
    /// Drops what only held at another place, and returns the words for it. The first of the processes that start together
    /// does it; the others wait for it.
    pub fn notice_move(&self) -> anyhow::Result<Option<String>> {
        let path = self.root().join("place");
        let mut marker = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("could not open {}", path.display()))?;
        marker.lock()?;
        let here = format!(
            "{}\n{}\n",
            fs::canonicalize(&path)?.display(),
            marker.metadata()?.ino()
        );
        let mut before = String::new();
        marker.read_to_string(&mut before)?;
        if before == here {
            return Ok(None);
        }
        // One of a version that left no marker is taken to be where it was.
        let moved = !before.is_empty();
        if moved {
            self.forget_addresses()?;
        }
        // In place, because the inode counts; a line that was cut off by a crash is a move that is noticed once more.
        rewrite(&mut marker, &here)
            .with_context(|| format!("could not write {}", path.display()))?;
        Ok(moved.then(|| {
            format!(
                "{} was moved or copied: the addresses that it remembers are dropped",
                self.root().display()
            )
        }))
    }

    fn forget_addresses(&self) -> anyhow::Result<()> {
        for service in NAMES {
            for path in files(&self.service(service)) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name == "view.json" || name.starts_with("listen-") {
                    fs::remove_file(&path)?;
                }
            }
        }
        for path in files(&self.run()) {
            if path.extension().is_some_and(|end| end == "json") && !is_held(&path) {
                fs::remove_file(&path)?;
            }
        }
        match fs::remove_file(self.run_id()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Whether a process lives that holds the lock beside an announcement.
fn is_held(announcement: &Path) -> bool {
    File::open(announcement.with_extension("lock")).is_ok_and(|lock| lock.try_lock().is_err())
}

fn rewrite(marker: &mut File, text: &str) -> std::io::Result<()> {
    use std::io::Seek as _;
    marker.rewind()?;
    marker.set_len(0)?;
    marker.write_all(text.as_bytes())?;
    marker.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembering(folder: &Path) -> DataDir {
        let data = DataDir::new(folder);
        data.make_folders().expect("a data folder");
        data.notice_move().expect("a place");
        fs::write(data.service("upload").join("view.json"), "[]").unwrap();
        fs::write(data.service("upload").join("listen-1"), "127.0.0.1:1").unwrap();
        fs::write(data.service("upload").join("upload.db"), "").unwrap();
        fs::write(data.run().join("registry-1.json"), "{}").unwrap();
        fs::write(data.run_id(), "a run").unwrap();
        data
    }

    fn remembered(data: &DataDir) -> usize {
        let upload = data.service("upload");
        let paths = [
            upload.join("view.json"),
            upload.join("listen-1"),
            data.run().join("registry-1.json"),
            data.run_id(),
        ];
        paths.iter().filter(|path| path.exists()).count()
    }

    #[test]
    fn a_folder_that_stays_keeps_what_it_remembers() {
        let folder = tempfile::tempdir().unwrap();
        let data = remembering(folder.path());
        data.notice_move().unwrap();
        assert_eq!(remembered(&data), 4);
    }

    #[test]
    fn a_moved_folder_and_a_copied_one_drop_addresses_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        remembering(&folder.path().join("old"));
        let moved = folder.path().join("new");
        fs::rename(folder.path().join("old"), &moved).unwrap();
        let copied = folder.path().join("copy");
        let done = std::process::Command::new("cp")
            .args([Path::new("-a"), &moved, &copied])
            .status();
        assert!(done.unwrap().success());
        // The copy where the original was: the path is right, the inode is not.
        fs::rename(&copied, folder.path().join("old")).unwrap();
        for name in ["new", "old"] {
            let data = DataDir::new(folder.path().join(name));
            assert!(data.notice_move().unwrap().is_some());
            assert_eq!(remembered(&data), 0, "{name}");
            assert!(data.service("upload").join("upload.db").exists());
            fs::write(data.service("upload").join("view.json"), "[]").unwrap();
            assert!(data.notice_move().unwrap().is_none());
            assert_eq!(remembered(&data), 1, "noticed once: {name}");
        }
    }
}
