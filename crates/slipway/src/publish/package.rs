//! The file to publish: its name, size and digest.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use slipway_packages::FileName;

use crate::terminal;

pub(super) struct Package {
    pub(super) path: PathBuf,
    pub(super) name: FileName,
    /// Bytes.
    pub(super) size: u64,
    /// In hex.
    pub(super) sha256: String,
}

impl Package {
    /// Reads the whole file once: the digest tells the platform what it has to receive, and a later run what to resume.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("could not open {shown}"))?;
        let facts = file.metadata()?;
        if !facts.is_file() {
            bail!("{shown} is not a file: give the package itself");
        }
        if facts.len() == 0 {
            bail!("{shown} is empty");
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("the name of {shown} is not UTF-8: rename it"))?;
        let name = FileName::for_upload(name)
            .with_context(|| format!("{shown} cannot be published under this name, rename it"))?;
        let mut bytes = terminal::reading(file, facts.len());
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1024 * 1024];
        loop {
            let count = bytes
                .read(&mut buffer)
                .with_context(|| format!("could not read {shown}"))?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
        }
        Ok(Self {
            path: path.to_owned(),
            name,
            size: facts.len(),
            sha256: hex::encode(digest.finalize()),
        })
    }
}
