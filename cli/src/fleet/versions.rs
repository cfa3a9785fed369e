//! The programs: `DIR/versions/<digest>/` holds one executable, whose SHA-256 is the folder's name.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;
use slipway_runtime::data::{DataDir, private_folder, sync_folder};

use crate::run::Service;

/// The names of the executables that hold all services.
const COMMANDS: [&str; 2] = ["slipway", "slipway-server"];
/// Bytes.
const READ_AT_ONCE: usize = 256 * 1024;

/// A program whose bytes were found to be those of its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    seen: Seen,
}

/// The digests of the programs that are there.
pub(crate) fn installed(data: &DataDir) -> Vec<Digest> {
    let Ok(entries) = fs::read_dir(data.versions()) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

/// What the file was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Program {
    /// Finds the program and reads it to its end: what lies there may have been put there by anybody, or have been damaged.
    pub(crate) fn find(data: &DataDir, digest: Digest) -> anyhow::Result<Self> {
        let folder = data.versions().join(digest.to_string());
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("there is no program {digest} in {}", folder.display()))?;
        let paths: Vec<_> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        let [path] = &paths[..] else {
            bail!("{} holds {} files, not one", folder.display(), paths.len());
        };
        let seen = Seen::of(path)?;
        let found = digest_of(path)?;
        ensure!(
            found == digest,
            "{} is damaged: its SHA-256 is {found}; put the program there again",
            path.display()
        );
        Ok(Self {
            path: path.clone(),
            seen,
        })
    }

    /// Whether the file is still the one that was read.
    pub(crate) fn is_unchanged(&self) -> bool {
        Seen::of(&self.path).is_ok_and(|now| now == self.seen)
    }

    /// Whether it is the command, which takes the service as an argument; else it is the program of one service.
    pub(crate) fn is_command(&self) -> bool {
        let name = self.path.file_name().unwrap_or_default();
        COMMANDS.iter().any(|command| name == *command)
    }

    /// The service that it is the program of; none where it is the command, or of no service.
    pub(crate) fn service(&self) -> Option<Service> {
        let name = self.path.file_name()?.to_str()?;
        let service = name.strip_prefix("slipway-")?;
        let mut all = Service::ALL.into_iter();
        all.find(|known| known.name() == service)
    }

    /// What it says of itself: its version.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let shown = self.path.display();
        let output = Command::new(&self.path).arg("--version").output();
        let output = output.with_context(|| format!("{shown} cannot be started"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said.split_whitespace().last();
        let version = version.with_context(|| format!("{shown} does not tell its version"))?;
        Ok(version.to_owned())
    }
}

impl Seen {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            inode: metadata.ino(),
            size: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// SHA-256 of a file.
pub(crate) fn digest_of(path: &Path) -> anyhow::Result<Digest> {
    let read = || -> io::Result<Digest> {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; READ_AT_ONCE];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Digest::from_bytes(hash.finalize().into())),
                length => hash.update(&buffer[..length]),
            }
        }
    };
    read().with_context(|| format!("could not read {}", path.display()))
}

/// Puts an executable there, durably, and says what it is called there. One that is there already is left.
pub(crate) fn install(data: &DataDir, executable: &Path, name: &str) -> anyhow::Result<Digest> {
    let shown = executable.display();
    let digest = digest_of(executable)?;
    let folder = data.versions().join(digest.to_string());
    if Program::find(data, digest).is_ok() {
        return Ok(digest);
    }
    private_folder(&folder)?;
    for entry in fs::read_dir(&folder)? {
        fs::remove_file(entry?.path())?;
    }
    let temporary = data.versions().join(format!(".{digest}.new"));
    let copy = || -> io::Result<()> {
        let mut from = File::open(executable)?;
        let mut to = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o700)
            .open(&temporary)?;
        io::copy(&mut from, &mut to)?;
        to.sync_all()?;
        fs::rename(&temporary, folder.join(name))?;
        sync_folder(&folder)
    };
    let copied = copy();
    if copied.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    copied.with_context(|| format!("could not put {shown} into {}", folder.display()))?;
    Program::find(data, digest).with_context(|| format!("{shown} changed while it was copied"))?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_what_its_digest_says_or_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path().join("data"));
        let executable = folder.path().join("built");
        fs::write(&executable, "the program").expect("a file");
        let digest = install(&data, &executable, "slipway").expect("it is installed");
        let again = install(&data, &executable, "slipway").expect("it is there");
        assert_eq!(again, digest);
        let program = Program::find(&data, digest).expect("a program");
        assert!(program.is_command() && program.is_unchanged());
        fs::write(&program.path, "another program").expect("a file");
        assert!(!program.is_unchanged());
        let error = Program::find(&data, digest).expect_err("other bytes");
        assert!(error.to_string().contains("damaged"), "{error}");
        install(&data, &executable, "slipway").expect("it is put there again");
        Program::find(&data, digest).expect("a program");
    }

    #[test]
    fn the_program_of_one_service_takes_no_service() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path().join("data"));
        for (name, is_command) in [
            ("slipway", true),
            ("slipway-server", true),
            ("slipway-upload", false),
        ] {
            let executable = folder.path().join(name);
            fs::write(&executable, name).expect("a file");
            let digest = install(&data, &executable, name).expect("it is installed");
            let program = Program::find(&data, digest).expect("a program");
            assert_eq!(program.is_command(), is_command, "{name}");
        }
    }
}
