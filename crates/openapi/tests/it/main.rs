//! Nothing that a released version has promised is taken back: `contracts/VERSION` against that of today.
//!
//! The documents of today are made by `slipway openapi`, and a test of the command compares them with the code. Those of a
//! released version are never changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use slipway_openapi::compatibility::{Break, What, breaks};
use slipway_testkit::contracts::{contract, platform_version};

mod exceptions;

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

fn read(version: &str, name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(contracts().join(version).join(name)).ok()?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn released() -> BTreeSet<String> {
    let folders = std::fs::read_dir(contracts()).expect("the contracts");
    let names = folders.map(|folder| folder.expect("a folder").file_name());
    let versions = names.map(|name| name.into_string().expect("a version"));
    versions
        .filter(|version| *version != platform_version())
        .collect()
}

#[test]
fn no_released_contract_is_broken() {
    let mut unused: BTreeSet<usize> = (0..exceptions::LIST.len()).collect();
    let mut faults = Vec::new();
    for version in released() {
        for name in ["public", "internal"] {
            let Some(old) = read(&version, &format!("{name}.json")) else {
                continue;
            };
            let new = contract(name);
            for found in breaks(&old, &new) {
                match exceptions::LIST
                    .iter()
                    .position(|exception| exception.covers(&version, &found))
                {
                    Some(number) => drop(unused.remove(&number)),
                    None => faults.push(format!(
                        "{version} {name}.json: {}: {:?}",
                        found.place, found.what
                    )),
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "clients of a released version would break; take it back, or say in tests/it/exceptions.rs why nobody does:\n{}",
        faults.join("\n")
    );
    let unused: Vec<_> = unused
        .into_iter()
        .map(|number| exceptions::LIST[number].place)
        .collect();
    assert!(
        unused.is_empty(),
        "exceptions that nothing needs any more: {unused:?}"
    );
}

#[test]
fn every_released_version_has_its_contract() {
    let list =
        std::fs::read_to_string(contracts().join("../deploy/releases")).expect("the releases");
    let versions = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next());
    for version in versions {
        assert!(
            read(version, "public.json").is_some(),
            "contracts/{version}/public.json is missing"
        );
    }
}

#[test]
fn a_planted_break_is_found_in_the_real_documents() {
    let new = contract("public");
    let mut broken = new.clone();
    broken["components"]["schemas"]["Release"]["properties"]
        .as_object_mut()
        .expect("members")
        .remove("notes");
    let found = breaks(&new, &broken);
    let is_of = |found: &Break| {
        found.what == What::MemberRemoved && found.place.rsplit('.').next() == Some("notes")
    };
    assert!(!found.is_empty() && found.iter().all(is_of), "{found:?}");
}
