//! Every kind is told by its content.

use std::io::Write;

use slipway_contract::{Arch, Facts, Kind, Platform};
use slipway_packages::Outcome;

use crate::{
    archive::{Entry, zip},
    damage_of, facts, outcome,
};

fn zip_of(names: &[&str]) -> Facts {
    let entries: Vec<Entry> = names.iter().map(|name| Entry::new(name, b"x")).collect();
    facts(&zip(&entries))
}

#[test]
fn the_family_of_zip_is_told_apart_by_what_is_in_it() {
    let bundle = [
        "BundleConfig.pb",
        "base/manifest/AndroidManifest.xml",
        "base/lib/x86_64/libx.so",
    ];
    for (names, kind, platform) in [
        (
            &["AndroidManifest.xml", "classes.dex"][..],
            Kind::Apk,
            Some(Platform::Android),
        ),
        (&bundle, Kind::Aab, Some(Platform::Android)),
        (
            &["Payload/Notes.app/Info.plist", "Payload/Notes.app/Notes"],
            Kind::Ipa,
            Some(Platform::Ios),
        ),
        (&["AndroidManifest.xml", "classes.jar"], Kind::Zip, None),
        (
            &["Payload/Notes.app/x/Info.plist", "src/AndroidManifest.xml"],
            Kind::Zip,
            None,
        ),
        (&[], Kind::Zip, None),
    ] {
        let facts = zip_of(names);
        assert_eq!((facts.kind, facts.platform), (kind, platform), "{names:?}");
    }
    assert_eq!(zip_of(&bundle).arch, Some(Arch::X86_64));
}

#[test]
fn native_code_tells_the_architecture_of_an_apk_when_there_is_one() {
    let apk = |libraries: &[&str]| {
        let facts = zip_of(&[&["AndroidManifest.xml"], libraries].concat());
        (facts.arch, facts.abis)
    };
    let named = |abis: &[&str]| abis.iter().map(|abi| (*abi).to_owned()).collect::<Vec<_>>();
    assert_eq!(apk(&[]), (Some(Arch::Universal), vec![]));
    assert_eq!(
        apk(&["lib/arm64-v8a/a.so", "lib/arm64-v8a/b.so"]),
        (Some(Arch::Aarch64), named(&["arm64-v8a"]))
    );
    assert_eq!(
        apk(&["lib/x86/a.so", "lib/arm64-v8a/a.so"]),
        (Some(Arch::Universal), named(&["arm64-v8a", "x86"]))
    );
    assert_eq!(
        apk(&["lib/armeabi/a.so", "lib/armeabi-v7a/a.so"]),
        (Some(Arch::Armv7), named(&["armeabi", "armeabi-v7a"]))
    );
    assert_eq!(
        apk(&["lib/riscv64/a.so"]),
        (Some("riscv64".parse().unwrap()), named(&["riscv64"]))
    );
    assert_eq!(
        apk(&["lib/notes.txt", "lib/x86/"]),
        (Some(Arch::Universal), vec![])
    );
}

#[test]
fn a_tarball_is_a_gzip_with_a_tar_in_it() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut header = tar::Header::new_gnu();
    header.set_path("notes/README").unwrap();
    header.set_size(0);
    header.set_cksum();
    assert_eq!(facts(&gzip(header.as_bytes())).kind, Kind::TarGz);
    for other in [&[b'a'; 1024][..], b"short", &[0; 512]] {
        assert!(matches!(
            outcome(&gzip(other)),
            Outcome::NotUnderstood { .. }
        ));
    }
}

#[test]
fn an_installer_for_windows_is_a_compound_file_of_its_class() {
    let compound = |class: u8| {
        let mut file = vec![0; 512 + 512 + 128];
        file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
        file[30] = 9;
        file[48] = 1;
        file[1024 + 80..1024 + 96].copy_from_slice(b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46");
        file[1024 + 80] = class;
        file
    };
    let facts = facts(&compound(0x84));
    assert_eq!(
        (facts.kind, facts.platform),
        (Kind::Msi, Some(Platform::Windows))
    );
    assert!(
        matches!(outcome(&compound(0)), Outcome::NotUnderstood { .. }),
        "a document"
    );
    assert!(damage_of(&compound(0x84)[..1100]).is_some());
}

#[test]
fn a_disk_image_is_told_by_its_end() {
    let mut image = b"anything\xff".to_vec();
    image.extend(b"koly\0\0\0\x04\0\0\x02\0");
    image.resize(9 + 512, 0);
    let facts = facts(&image);
    assert_eq!(
        (facts.kind, facts.platform),
        (Kind::Dmg, Some(Platform::Macos))
    );
    image.push(0);
    assert!(matches!(outcome(&image), Outcome::NotUnderstood { .. }));
}

#[test]
fn anything_else_is_accepted_with_a_warning() {
    for bytes in [
        &b""[..],
        b"#!/bin/sh\n",
        b"PK",
        b"\xca\xfe\xba\xbe\0\0\0\x34",
    ] {
        match outcome(bytes) {
            Outcome::NotUnderstood { warning } => {
                let facts = Facts::not_understood(warning);
                assert_eq!((facts.kind, facts.warnings.len()), (Kind::Other, 1));
            }
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

#[test]
fn a_program_for_linux_that_is_no_package_says_where_it_runs() {
    let itself = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let facts = facts(&itself);
    assert_eq!(
        (facts.kind, facts.platform),
        (Kind::Other, Some(Platform::Linux))
    );
    let here = match std::env::consts::ARCH {
        "x86_64" => Arch::X86_64,
        "aarch64" => Arch::Aarch64,
        other => panic!("the test does not know {other}"),
    };
    assert_eq!(facts.arch, Some(here));
}
