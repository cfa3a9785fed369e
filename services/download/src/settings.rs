//! The service's own sections of the settings.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub store: Store,
    pub counters: Counters,
    #[schemars(extend("x-applies" = "live"))]
    pub page: Page,
}

impl slipway_runtime::settings::Settings for Settings {}

/// Where the bytes are, and how they are checked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder that upload writes to; it may be mounted read-only. Default: `blobs` in the data folder.
    #[schemars(extend("x-applies" = "local"))]
    pub folder: Option<PathBuf>,
    /// Seconds for which a block that was found right is sent unread while its file stays the same: a day, so that what
    /// decays on the disk without a trace is found, and a file that everybody fetches costs one hash a day.
    pub trust_seconds: u64,
    /// Bytes of memory for what was found right, 32 for each MiB: 1 TiB of files that are fetched on one day.
    pub memory_bytes: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            folder: None,
            trust_seconds: 24 * 3600,
            memory_bytes: 32 << 20,
        }
    }
}

/// How downloads are counted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
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

/// What stands on the pages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Page {
    /// Lines of a release's notes that are shown at once, about a screen of a phone; what is longer is folded.
    pub notes_lines: usize,
    /// Older versions that an app's page names; the next so many are a link away. Each costs a folded line.
    pub older_versions: u16,
    /// Apps that the start page names; more are left out. 0, the default, names none: whoever runs a platform decides
    /// whether its apps are to be found by who does not know their address.
    pub apps: u16,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            notes_lines: 16,
            older_versions: 10,
            apps: 0,
        }
    }
}
