//! The bytes that upload has stored, where signing and download read them.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use slipway_contract::{Digest, FileHash};
use slipway_runtime::data::DataDir;

#[derive(Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(crate) fn of(data: &DataDir) -> Self {
        Self {
            folder: data.blobs().join("sha256"),
        }
    }

    /// Keeps `bytes` under their SHA-256 and returns it in hex.
    pub(crate) fn put(&self, bytes: &[u8]) -> String {
        let digest = Digest::from_bytes(Sha256::digest(bytes).into()).as_hex();
        let file = self.file(&digest);
        // One that somebody reads is not written again.
        if !file.exists() {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(&file, bytes).expect("a blob");
        }
        digest
    }

    pub(crate) fn get(&self, sha256: &str) -> Vec<u8> {
        fs::read(self.file(sha256)).expect("a stored blob")
    }

    /// Puts the list of the blocks beside a blob, and returns its digest in hex.
    pub(crate) fn list(&self, sha256: &str) -> String {
        let mut hash = FileHash::default();
        hash.update(&self.get(sha256));
        let list = hash.blocks();
        let file = self.file(sha256).with_extension("blocks");
        fs::write(file, list.as_bytes()).expect("a list");
        list.digest().as_hex()
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.folder.join(&sha256[..2]).join(sha256)
    }
}
