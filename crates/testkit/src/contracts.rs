//! What this version of the platform promises: `contracts/VERSION`.

use std::path::Path;

use serde_json::Value;

/// The platform's version, the workspace's: crates that services share have none.
pub fn platform_version() -> String {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let text = std::fs::read_to_string(manifest).expect("the workspace");
    let mut lines = text.lines();
    let version = lines.find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.expect("the version of the workspace").to_owned()
}

/// What this version promises: `public` or `internal`.
pub fn contract(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts");
    let path = Path::new(folder).join(platform_version());
    let text = std::fs::read_to_string(path.join(format!("{name}.json")))
        .expect("the description of this version");
    serde_json::from_str(&text).expect("JSON")
}
