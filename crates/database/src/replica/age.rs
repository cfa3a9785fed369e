//! How old a copy may be: when the catalog last said that it is the newest.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use slipway_runtime::Process;

/// Milliseconds between two writes of the file: it is only read for words.
const WRITE_AGAIN: i64 = 10_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct Age {
    /// The moment in Unix milliseconds. It outlives the process and may be lost with the power: then the copy looks older.
    file: Arc<PathBuf>,
    confirmed: watch::Sender<Option<i64>>,
}

impl Age {
    pub(super) fn open(process: &Process) -> Self {
        let file = process.data.service(process.service).join("confirmed");
        let text = fs::read_to_string(&file).ok();
        let before = text.and_then(|text| text.trim().parse().ok());
        Self {
            file: Arc::new(file),
            confirmed: watch::Sender::new(before),
        }
    }

    /// The catalog has said that the copy is the newest.
    pub(super) fn confirm(&self, now: i64) {
        let before = self.confirmed.send_replace(Some(now));
        let written = before.is_some_and(|before| before / WRITE_AGAIN == now / WRITE_AGAIN);
        if !written && let Err(error) = fs::write(&*self.file, now.to_string()) {
            tracing::debug!(%error, "the age of the copy could not be written down");
        }
    }

    /// Seconds since the catalog said that the copy is the newest; `None` when it never did.
    pub fn seconds(&self, now: i64) -> Option<i64> {
        let confirmed = *self.confirmed.borrow();
        confirmed.map(|confirmed| (now - confirmed).max(0) / 1000)
    }
}
