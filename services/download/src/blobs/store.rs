//! The store as this instance knows it, and why a file of it is not served.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

use super::blob::Blob;
use super::damage::{Damage, Findings};
use super::known::{Known, Memory};

pub(super) struct Store {
    pub(super) folder: PathBuf,
    /// How long a block that was found right is trusted.
    pub(super) trust: Duration,
    pub(super) memory: Memory,
    pub(super) findings: Findings,
    pub(super) hashes: Semaphore,
    pub(super) files: Semaphore,
    /// Files that are being hashed whole: all who ask for one wait for the same hash.
    pub(super) under_way: Mutex<HashMap<Blob, Hashing>>,
}

pub(super) type Hashing = Shared<BoxFuture<'static, Result<Arc<Known>, Arc<BlobError>>>>;

/// Why a file cannot be served: a fault of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("the store could not be read")]
    Store(#[from] io::Error),
    #[error("the file is damaged: {0}")]
    Damaged(#[from] Damage),
    #[error(transparent)]
    Hash(Arc<BlobError>),
}

impl BlobError {
    pub(crate) fn damage(&self) -> Option<Damage> {
        match self {
            Self::Store(error) => error.get_ref()?.downcast_ref::<Damage>().copied(),
            Self::Damaged(damage) => Some(*damage),
            Self::Hash(error) => error.damage(),
        }
    }
}
