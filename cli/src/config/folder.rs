//! Documents in a folder: `base.toml`, `production.toml`, `production/upload.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value};
use slipway_configuration::DocumentName;
use slipway_runtime::settings::sources::parse;

use crate::exit::Stop;

/// The documents of `folder`, by their names.
pub(super) fn read(folder: &Path) -> anyhow::Result<BTreeMap<String, Map<String, Value>>> {
    let mut found = BTreeMap::new();
    gather(folder, "", &mut found)?;
    if found.is_empty() {
        let words = format!(
            "{} holds no documents: base.toml, production.toml, …",
            folder.display()
        );
        return Err(Stop::usage(words).into());
    }
    Ok(found)
}

fn gather(
    folder: &Path,
    before: &str,
    found: &mut BTreeMap<String, Map<String, Value>>,
) -> anyhow::Result<()> {
    let unreadable = |error| Stop::usage(format!("{} cannot be read: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if path.is_dir() && before.is_empty() {
            gather(&path, &format!("{stem}/"), found)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            let name: DocumentName = format!("{before}{stem}")
                .parse()
                .map_err(|error| Stop::usage(format!("{}: {error}", path.display())))?;
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
            let content = parse(&text)
                .map_err(|error| Stop::usage(format!("{}: {error:#}", path.display())))?;
            found.insert(name.to_string(), content);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_documents_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/config");
        let found = read(&folder).expect("documents");
        for name in ["base", "dev", "staging", "production"] {
            assert!(found.contains_key(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_document_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Base.toml"), "").expect("a file");
        let refused = read(folder.path()).expect_err("a refusal").to_string();
        assert!(refused.contains("Base"), "{refused}");
        fs::write(folder.path().join("Base.toml"), "").expect("a file");
        fs::rename(
            folder.path().join("Base.toml"),
            folder.path().join("dev.toml"),
        )
        .expect("renamed");
        fs::write(folder.path().join("dev.toml"), "a = ").expect("a file");
        let refused = read(folder.path()).expect_err("a refusal").to_string();
        assert!(refused.contains("dev.toml"), "{refused}");
    }
}
