//! The signing service's own settings.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    #[schemars(extend("x-applies" = "local"))]
    pub keys: Keys,
    pub store: Store,
    #[schemars(extend("x-applies" = "local"))]
    pub statements: Statements,
}

impl slipway_runtime::settings::Settings for Settings {}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// File with the key that seals the private keys of apps, 64 hexadecimal digits. Default: `sealing.key` among the
    /// service's secrets, made at the first start. Every instance needs the same one.
    pub sealing_key_file: Option<PathBuf>,
}

/// The store of the bytes; it is only read here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Default: `blobs` in the data folder.
    #[schemars(extend("x-applies" = "local"))]
    pub folder: Option<PathBuf>,
    /// Packages that are read at once. Each takes a core for its digests and 1 MiB of memory; the others wait.
    pub concurrent_reads: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            folder: None,
            concurrent_reads: 4,
        }
    }
}

/// The files of what was stated, which outlive the database.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Statements {
    /// Default: `statements` in the data folder. Nobody else may write there, and it is backed up apart from the
    /// database: an older copy of both would forget which bytes a version has.
    pub folder: Option<PathBuf>,
}
