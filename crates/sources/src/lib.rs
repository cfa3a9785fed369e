//! For build scripts of services: the digest of the sources that a binary is made of.
//!
//! A binary says which sources made it, so that an operator can tell two builds of one version apart. The commit is not
//! compiled in: the same sources give the same bytes wherever they lie.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest as _, Sha256};

/// What all services are made of, from the workspace's root.
const SHARED: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "crates/configuration",
    "crates/contract",
    "crates/database",
    "crates/openapi",
    "crates/packages",
    "crates/peers",
    "crates/runtime",
    "crates/signatures",
];
/// Of a crate, what is compiled into it.
const COMPILED: [&str; 5] = [
    "Cargo.toml",
    "src",
    "migrations",
    "templates",
    "openapi.json",
];

/// Sets `SLIPWAY_SOURCES` for the crate that is being built: SHA-256 in hex over what it is made of. A migration that is
/// added or changed is compiled in too: `sqlx::migrate!` reads the folder, and the compiler does not know.
pub fn tell() {
    tell_with(&[]);
}

/// The same with what this crate alone is made of beside its own folder, from the workspace's root.
pub fn tell_with(more: &[&str]) {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = root_of(&package).expect("a crate of a workspace with Cargo.lock");
    let own = package
        .strip_prefix(&root)
        .expect("a folder of the workspace");
    let shared = SHARED.iter().chain(more).map(PathBuf::from);
    let places: Vec<PathBuf> = shared.chain([own.to_owned()]).collect();
    for place in places.iter().flat_map(|place| watched(&root, place)) {
        say(&format!("rerun-if-changed={}", place.display()));
    }
    let digest = digest(&root, &places).expect("sources that can be read");
    say(&format!("rustc-env=SLIPWAY_SOURCES={digest}"));
}

#[expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn say(line: &str) {
    println!("cargo::{line}");
}

fn root_of(package: &Path) -> Option<PathBuf> {
    let mut above = package.ancestors();
    let root = above.find(|folder| folder.join("Cargo.lock").exists());
    root.map(Path::to_owned)
}

/// What of `place` is compiled: a file itself, of a crate its parts, of any other folder all of it.
fn watched(root: &Path, place: &Path) -> Vec<PathBuf> {
    let whole = root.join(place);
    if whole.is_file() {
        return vec![whole];
    }
    if !whole.join("src").exists() {
        return vec![whole];
    }
    let parts = COMPILED.iter().map(|part| whole.join(part));
    parts.filter(|part| part.exists()).collect()
}

/// Over each file's path from the root, its length and its bytes, in the order of the paths.
fn digest(root: &Path, places: &[PathBuf]) -> io::Result<String> {
    let mut files = Vec::new();
    for place in places.iter().flat_map(|place| watched(root, place)) {
        collect(&place, &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let bytes = fs::read(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file);
        hash.update(name.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    Ok(hex::encode(hash.finalize()))
}

fn collect(place: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if place.is_file() {
        files.push(place.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(place)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_every_name_counts_and_the_place_does_not() {
        let made = |lines: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in lines {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            digest(folder.path(), &["Cargo.lock".into(), "one".into()]).unwrap()
        };
        let whole = [
            ("Cargo.lock", "a"),
            ("one/src/lib.rs", "b"),
            ("one/README.md", "c"),
        ];
        assert_eq!(made(&whole), made(&whole));
        assert_eq!(made(&whole), made(&whole[..2]), "what is not compiled");
        for (index, changed) in [(0, "A"), (1, "B")] {
            let mut other = whole;
            other[index].1 = changed;
            assert_ne!(made(&whole), made(&other));
        }
        assert_ne!(made(&whole), made(&[whole[0], ("one/src/main.rs", "b")]));
    }
}
