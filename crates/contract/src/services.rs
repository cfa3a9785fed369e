//! The six services.

/// Each is a folder of the data folder.
pub const SERVICES: [&str; 6] = [
    "registry", "upload", "signing", "catalog", "download", "gateway",
];
