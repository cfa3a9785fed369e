//! Debian packages, made by `dpkg-deb` in every packing that it knows.

use std::{fs, process::Command};

use slipway_contract::{Arch, Kind, Platform};
use slipway_packages::{Limits, Outcome};

use crate::{Random, facts, is_installed, outcome, outcome_within, output, skip};

fn deb(packing: &str, architecture: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("DEBIAN")).expect("the folder takes it");
    let control = format!(
        "Package: notes\nVersion: 2.3.4~rc1-5\nArchitecture: {architecture}\n\
         Maintainer: Nobody <nobody@example.org>\nDescription: notes\n Version: 9\n"
    );
    fs::write(tree.join("DEBIAN/control"), control).expect("the folder takes it");
    fs::write(tree.join("notes"), "notes").expect("the folder takes it");
    let file = folder.path().join("notes.deb");
    output(
        Command::new("dpkg-deb")
            .args([
                "--root-owner-group",
                "-Z",
                packing,
                "--uniform-compression",
                "-b",
            ])
            .args([&tree, &file]),
    );
    fs::read(file).expect("dpkg-deb has made it")
}

fn packings() -> &'static [&'static str] {
    if is_installed("dpkg-deb") {
        &["none", "gzip", "xz", "zstd"]
    } else {
        skip("debs, because dpkg-deb is not installed");
        &[]
    }
}

#[test]
fn name_version_and_architecture_are_read_whatever_the_packing() {
    for packing in packings() {
        let facts = facts(&deb(packing, "arm64"));
        assert_eq!(
            (facts.kind, facts.platform),
            (Kind::Deb, Some(Platform::Linux)),
            "{packing}"
        );
        assert_eq!(
            facts.identifier.as_deref(),
            Some("notes"),
            "{packing}: {:?}",
            facts.warnings
        );
        assert_eq!(facts.version.as_deref(), Some("2.3.4-rc1+5"));
        assert_eq!(facts.native_version.as_deref(), Some("2.3.4~rc1-5"));
        assert_eq!(facts.arch, Some(Arch::Aarch64));
        assert!(facts.warnings.is_empty(), "{:?}", facts.warnings);
    }
}

#[test]
fn architectures_of_debian_are_named_as_everywhere_else() {
    if packings().is_empty() {
        return;
    }
    for (name, arch) in [
        ("amd64", Some(Arch::X86_64)),
        ("armhf", Some(Arch::Armv7)),
        ("i386", Some(Arch::X86)),
        ("all", Some(Arch::Universal)),
        ("riscv64", Some("riscv64".parse().unwrap())),
        ("a b", None),
    ] {
        let facts = facts(&deb("gzip", name));
        assert_eq!(facts.arch, arch, "{name}");
        assert_eq!(
            facts.warnings.is_empty(),
            arch.is_some(),
            "{:?}",
            facts.warnings
        );
    }
}

#[test]
fn a_control_archive_over_the_limit_leaves_a_warning() {
    for packing in packings() {
        let limits = Limits {
            control: 100,
            window: 1024,
            ..Limits::default()
        };
        match outcome_within(&deb(packing, "all"), &limits) {
            Outcome::Understood(facts) => {
                assert_eq!(
                    (facts.kind, facts.identifier),
                    (Kind::Deb, None),
                    "{packing}"
                );
                assert!(
                    facts.warnings[0].contains("could not be read"),
                    "{:?}",
                    facts.warnings
                );
            }
            other => panic!("{packing}: {other:?}"),
        }
    }
}

#[test]
fn a_deb_whose_files_have_a_hole_is_damaged() {
    for packing in packings() {
        let mut bytes = deb(packing, "amd64");
        let length = bytes.len();
        // The last member, in a file of so little content, is all of compressed data.
        bytes[length - 40..].fill(0);
        let is_damaged = matches!(outcome(&bytes), Outcome::Damaged { .. });
        assert_eq!(
            is_damaged,
            *packing != "none",
            "{packing}: {:?}",
            outcome(&bytes)
        );
    }
}

#[test]
fn the_files_of_a_deb_over_the_limit_leave_a_warning() {
    for packing in packings() {
        let limits = Limits {
            data: 100,
            ..Limits::default()
        };
        match outcome_within(&deb(packing, "all"), &limits) {
            Outcome::Understood(facts) => {
                assert_eq!(
                    facts.warnings.is_empty(),
                    *packing == "none",
                    "{:?}",
                    facts.warnings
                );
            }
            other => panic!("{packing}: {other:?}"),
        }
    }
}

#[test]
fn one_byte_of_damage_to_a_deb_never_panics() {
    let mut random = Random(0xdeb);
    for packing in packings() {
        let whole = deb(packing, "amd64");
        for _ in 0..500 {
            let mut damaged = whole.clone();
            damaged[random.below(whole.len())] ^= u8::try_from(1 + random.below(255)).unwrap();
            outcome(&damaged);
        }
        for length in (0..whole.len()).step_by(7) {
            outcome(&whole[..length]);
        }
    }
}
