//! The file to publish: its name, size and digest.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use slipway_contract::FileName;

use crate::exit::Stop;
use crate::terminal;

pub(crate) struct Package {
    pub(crate) path: PathBuf,
    pub(crate) name: FileName,
    /// Bytes.
    pub(crate) size: u64,
    /// In hex.
    pub(crate) sha256: String,
}

/// Refuses two files of one name: a release has one of each, whatever folders they lie in.
pub(crate) fn check_names(packages: &[Package]) -> anyhow::Result<()> {
    for (index, package) in packages.iter().enumerate() {
        if packages[..index]
            .iter()
            .any(|other| other.name == package.name)
        {
            let words = format!(
                "{} is named twice: a release has one file of a name",
                package.name
            );
            return Err(Stop::usage(words).into());
        }
    }
    Ok(())
}

impl Package {
    /// Reads the whole file once: the digest tells the platform what it has to receive, and a later run what to resume.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = File::open(path)
            .map_err(|error| Stop::usage(format!("could not open {shown}: {error}")))?;
        let facts = file.metadata()?;
        if !facts.is_file() {
            let words = format!("{shown} is not a file: give the package itself");
            return Err(Stop::usage(words).into());
        }
        if facts.len() == 0 {
            return Err(Stop::refused("package_empty", format!("{shown} is empty")).into());
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name
            .ok_or_else(|| Stop::usage(format!("the name of {shown} is not UTF-8: rename it")))?;
        let name = FileName::for_upload(name).map_err(|error| {
            let words = format!("{shown} cannot be published under this name, rename it: {error}");
            Stop::refused("name_refused", words)
        })?;
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
