//! The service's own sections of the settings.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub store: Store,
    pub counters: Counters,
}

/// Where the bytes are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder that upload writes to; it may be mounted read-only. Default: `blobs` in the data folder.
    pub folder: Option<PathBuf>,
}

/// How downloads are counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counters {
    /// Seconds between writes of what was counted. A kill loses the counts of so long, and no download waits for a
    /// write.
    pub flush_seconds: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self { flush_seconds: 10 }
    }
}

impl Counters {
    pub(crate) fn flush(&self) -> Duration {
        Duration::from_secs(self.flush_seconds.max(1))
    }
}
