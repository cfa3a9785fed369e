//! The hash of what is confirmed of a session, while this process remembers it. It saves reading the bytes again; what
//! is forgotten is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use slipway_contract::FileHash;

use crate::staging::Staged;

/// More than sessions are open at once; 400 bytes each.
const MOST: usize = 10_000;
/// Bytes of memory for the blocks of all of them: 32 for each MiB that has arrived, so 2 TiB of open sessions.
const MOST_BYTES: usize = 64 << 20;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Hashes(Arc<Mutex<HashMap<String, (u64, FileHash)>>>);

impl Hashes {
    pub(crate) fn keep(&self, id: &str, staged: &Staged) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = staged.hash();
        let bytes: usize = known.values().map(|(_, hash)| hash.heap_bytes()).sum();
        if known.len() >= MOST || bytes + hash.heap_bytes() > MOST_BYTES {
            known.clear();
        }
        known.insert(id.to_owned(), (staged.length(), hash));
    }

    /// The hash of the first `length` bytes: those never change, so another instance may have gone on meanwhile, but
    /// not have written others.
    pub(crate) fn take(&self, id: &str, length: u64) -> Option<FileHash> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (hashed, hash) = known.remove(id)?;
        (hashed == length).then_some(hash)
    }

    pub(crate) fn forget(&self, id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(id);
    }
}
