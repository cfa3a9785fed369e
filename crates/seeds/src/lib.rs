//! The inputs that the fuzzer begins with, for tests that run the same functions over them.

use std::{fs, path::Path};

/// Calls `holds` with every file of `fuzz/seeds/TARGET`. The name is printed before, so that a test that fails shows it.
///
/// Panics when there is no such folder or file.
#[expect(clippy::print_stdout, reason = "a test shows it when it fails")]
pub fn each(target: &str, holds: impl Fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../../fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.sort();
    for path in paths {
        println!("{}", path.display());
        holds(&fs::read(&path).expect("the seed can be read"));
    }
}
