fn main() {
    // The configuration that it serves, and the documents that a new database of it begins with.
    slipway_sources::tell_with(&["crates/central", "crates/fleet", "deploy/config"]);
}
