//! The hash of what is confirmed of a session, while this process remembers it. It saves reading the bytes again; what
//! is forgotten is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::Sha256;

use crate::staging::Staged;

/// More than sessions are open at once; 200 bytes each.
const MOST: usize = 10_000;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Hashes(Arc<Mutex<HashMap<String, (u64, Sha256)>>>);

impl Hashes {
    pub(crate) fn keep(&self, id: &str, staged: &Staged) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(id.to_owned(), (staged.length(), staged.sha256()));
    }

    /// The hash of the first `length` bytes: those never change, so another instance may have gone on meanwhile, but
    /// not have written others.
    pub(crate) fn take(&self, id: &str, length: u64) -> Option<Sha256> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (hashed, sha256) = known.remove(id)?;
        (hashed == length).then_some(sha256)
    }

    pub(crate) fn forget(&self, id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(id);
    }
}
