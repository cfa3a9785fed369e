//! The bytes that upload has stored, for the peers that read them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use slipway_contract::Digest;

use sha2::{Digest as _, Sha256};

#[derive(Clone, Default)]
pub(crate) struct Store {
    blobs: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Store {
    /// Keeps `bytes` under their SHA-256 and returns it in hex.
    pub(crate) fn put(&self, bytes: &[u8]) -> String {
        let digest = Digest::from_bytes(Sha256::digest(bytes).into()).as_hex();
        self.blobs
            .lock()
            .expect("nobody panics with the lock")
            .insert(digest.clone(), bytes.to_vec());
        digest
    }

    pub(crate) fn get(&self, sha256: &str) -> Option<Vec<u8>> {
        let blobs = self.blobs.lock().expect("nobody panics with the lock");
        blobs.get(sha256).cloned()
    }
}
