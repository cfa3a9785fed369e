//! What is cut off, or only named as a package, is told from what is whole.

use std::io::Write;

use slipway_contract::Kind;
use slipway_packages::{Limits, Outcome};

use crate::{
    Random,
    archive::{Entry, number, zip, zip_64},
    damage_of, facts, inspected, manifests,
};

const RPM: &[u8] = include_bytes!("../files/rpm-x86_64.rpm");
const MSI: &[u8] = include_bytes!("../files/msi-x64.msi");
const APK: &[u8] = include_bytes!("../files/signed-rsa.apk");

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            bytes.len()
        );
        archive.extend(header.as_bytes());
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(2), b'\n');
    }
    archive
}

fn deb() -> Vec<u8> {
    ar(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &[0; 1024]),
        ("data.tar.gz", &gzip(&[7; 999])),
    ])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn tar_gz() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("notes/README").expect("a short path");
    header.set_size(9);
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.extend(b"read this");
    tar.resize(2048, 0);
    gzip(&tar)
}

fn dmg() -> Vec<u8> {
    let mut image = vec![b'x'; 4096];
    let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
    trailer.resize(512, 0);
    image.extend(trailer);
    image
}

fn zipped(names: &[&str]) -> Vec<u8> {
    let entries: Vec<Entry> = names.iter().map(|name| Entry::new(name, b"x")).collect();
    zip(&entries)
}

/// A whole one of each kind, but Mach-O and ELF, which have no names, and what is tested beside its reader.
fn whole() -> Vec<(&'static str, Kind, Vec<u8>)> {
    let mut whole = kinds_without_manifests();
    whole.extend(
        manifests::trades()
            .into_iter()
            .map(|(kind, bytes)| (kind.as_str(), kind, bytes)),
    );
    whole
}

fn kinds_without_manifests() -> Vec<(&'static str, Kind, Vec<u8>)> {
    vec![
        ("apk", Kind::Apk, APK.to_vec()),
        (
            "aab",
            Kind::Aab,
            zipped(&["BundleConfig.pb", "base/manifest/AndroidManifest.xml"]),
        ),
        ("ipa", Kind::Ipa, zipped(&["Payload/Notes.app/Info.plist"])),
        ("zip", Kind::Zip, zipped(&["notes"])),
        ("64-bit zip", Kind::Zip, zip_64("notes", b"x")),
        ("deb", Kind::Deb, deb()),
        ("rpm", Kind::Rpm, RPM.to_vec()),
        ("msi", Kind::Msi, MSI.to_vec()),
        ("tar.gz", Kind::TarGz, tar_gz()),
        ("dmg", Kind::Dmg, dmg()),
        ("encrypted dmg", Kind::Dmg, manifests::encrypted_dmg()),
        ("snap", Kind::Snap, manifests::SNAP[..304].to_vec()),
        ("pkg", Kind::Pkg, manifests::pkg()),
        ("flatpak", Kind::Flatpak, manifests::flatpak()),
        ("7z", Kind::SevenZip, manifests::seven_zip()),
        ("tar.xz", Kind::TarXz, manifests::TAR_XZ.to_vec()),
        ("tar.zst", Kind::TarZst, manifests::zstd(&manifests::tar())),
        ("tar.bz2", Kind::TarBz2, manifests::bzip2(&manifests::tar())),
    ]
}

fn named(bytes: &[u8], kind: Kind) -> Outcome {
    inspected(bytes, Some(kind), &Limits::default()).outcome
}

/// What is missing of bytes with such a name.
fn lack(bytes: &[u8], kind: Kind) -> Option<String> {
    match named(bytes, kind) {
        Outcome::Damaged { detail } => Some(detail),
        _ => None,
    }
}

#[test]
fn every_kind_that_is_cut_anywhere_is_damaged() {
    for (name, kind, bytes) in whole() {
        assert_eq!(facts(&bytes).kind, kind, "{name}");
        assert!(
            matches!(named(&bytes, kind), Outcome::Understood(_)),
            "{name}"
        );
        let last = bytes.len() - 1;
        for length in (0..last).step_by(1 + bytes.len() / 1500).chain([last]) {
            assert!(lack(&bytes[..length], kind).is_some(), "{name}: {length}");
        }
    }
}

#[test]
fn what_begins_as_a_kind_is_damaged_whatever_its_name() {
    for (name, kind, bytes) in whole() {
        // The beginning of a disk image can be anything.
        if kind != Kind::Dmg {
            assert!(damage_of(&bytes[..bytes.len() - 1]).is_some(), "{name}");
            assert!(damage_of(&bytes[..bytes.len() * 3 / 4]).is_some(), "{name}");
        }
    }
}

#[test]
fn a_middle_that_is_missing_is_seen() {
    for (name, kind, bytes) in whole() {
        // Only the digest in the signature of an APK covers every byte of its entries.
        if matches!(kind, Kind::Dmg | Kind::Msi) {
            continue;
        }
        let mut shorter = bytes.clone();
        shorter.drain(bytes.len() / 2..bytes.len() / 2 + 7);
        assert!(lack(&shorter, kind).is_some(), "{name}");
    }
}

#[test]
fn what_a_server_sends_instead_is_no_package_whatever_it_is_named() {
    for kind in Kind::ALL {
        if matches!(kind, Kind::Other | Kind::MachO) {
            continue;
        }
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"<html><h1>502 Bad Gateway</h1>", "HTML"),
            (b"{\"message\":\"Not Found\"}", "JSON"),
            (b"404: Not Found", "text"),
            (&[0; 5000], "begin"),
        ] {
            let lack = lack(bytes, kind).unwrap_or_else(|| panic!("{kind}: {bytes:?}"));
            assert!(
                lack.contains(words) && lack.contains(kind.as_str()),
                "{lack}"
            );
        }
    }
}

#[test]
fn whole_bytes_of_another_kind_are_not_what_the_name_says() {
    for (name, kind, bytes) in whole() {
        for promised in Kind::ALL {
            let is_zip = bytes.starts_with(b"PK");
            let parts = [Kind::Xapk, Kind::Apks, Kind::Apkm];
            let fits = promised == kind
                || promised == Kind::Zip && is_zip
                || promised == Kind::Jar && kind == Kind::Zip
                || promised == Kind::Pkg && matches!(kind, Kind::TarXz | Kind::TarZst)
                || parts.contains(&promised) && parts.contains(&kind);
            let promises = !matches!(promised, Kind::Other | Kind::MachO);
            assert_eq!(
                lack(&bytes, promised).is_none() || !promises,
                fits || !promises,
                "{name} as {promised}"
            );
        }
    }
    let words = lack(&zipped(&["notes"]), Kind::Apk).unwrap();
    assert!(words.contains("without the AndroidManifest.xml"), "{words}");
}

#[test]
fn honest_files_of_a_name_are_not_refused_for_being_unknown() {
    let mut script = b"#!/bin/sh\nexec java -jar \"$0\"\n".to_vec();
    script.extend(zipped(&["META-INF/MANIFEST.MF"]));
    assert!(matches!(
        named(&script, Kind::Zip),
        Outcome::NotUnderstood { .. }
    ));
    assert!(lack(&script[..script.len() - 1], Kind::Zip).is_some());
    assert!(
        lack(&script, Kind::Apk).is_some(),
        "Android starts no script"
    );

    let mut dos = b"MZ\0\0\x02\0".to_vec();
    dos.resize(1024, 0);
    assert!(matches!(
        named(&dos, Kind::Exe),
        Outcome::NotUnderstood { .. }
    ));
    assert!(lack(&dos[..1023], Kind::Exe).is_some());

    let mut volume = vec![0; 8 << 10];
    volume[1024..1026].copy_from_slice(b"H+");
    volume[1024 + 42] = 16;
    volume[1024 + 47] = 2;
    assert!(matches!(
        named(&volume, Kind::Dmg),
        Outcome::NotUnderstood { .. }
    ));
    assert!(lack(&volume[..5000], Kind::Dmg).is_some());

    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(lack(&program, Kind::AppImage).is_none(), "without its mark");
}

#[test]
fn the_last_part_of_a_zip_is_none() {
    let entries = |count: usize| -> Vec<Entry> {
        (0..count)
            .map(|at| Entry::new(&format!("notes/{at}"), &[b'x'; 300]))
            .collect()
    };
    let whole = [
        ("zip", zip(&entries(20))),
        ("a zip of one entry", zip(&entries(1))),
        ("64-bit zip", zip_64("notes", &[b'x'; 300])),
    ];
    for (name, bytes) in whole {
        // The record alone begins as a zip.
        for start in 1..bytes.len() - 22 {
            assert!(
                lack(&bytes[start..], Kind::Zip).is_some(),
                "{name}: {start}"
            );
        }
        let mut hole = bytes.clone();
        hole[..100].fill(0);
        assert!(lack(&hole, Kind::Zip).is_some(), "{name}");
    }
    // Places in a zip that a script starts are counted from its own beginning or, as `zip -A` does, from that of the file.
    let script = b"#!/bin/sh\nexec java -jar \"$0\"\n";
    let mut moved = entries(2);
    let mut at = script.len();
    for entry in &mut moved {
        entry.offset = Some(number(at));
        at += 30 + entry.name.len() + entry.bytes.len();
    }
    let mut moved = zip(&moved);
    let directory = moved.len() - 6;
    moved[directory..directory + 4].copy_from_slice(&number(at).to_le_bytes());
    for archive in [zip(&entries(2)), moved] {
        let started = [&script[..], &archive].concat();
        assert!(lack(&started, Kind::Zip).is_none());
        assert!(lack(&started[script.len() + 1..], Kind::Zip).is_some());
    }
}

#[test]
fn bytes_behind_the_end_are_no_part_of_a_package() {
    for (name, kind, mut bytes) in whole() {
        // Installers carry what they install there; what reads an RPM, a squashfs or an encrypted image stops at its end, as
        // what reads a xar does, behind which a signature may lie.
        if matches!(kind, Kind::Msi | Kind::Rpm | Kind::Snap | Kind::Pkg) || name == "encrypted dmg"
        {
            continue;
        }
        bytes.extend(b"\r\n--boundary--\r\n");
        assert!(lack(&bytes, kind).is_some(), "{name}");
    }
    for rest in ["\n", "\r\n", "\n\n\n"] {
        let ended = [&deb(), rest.as_bytes()].concat();
        assert!(lack(&ended, Kind::Deb).is_none(), "dpkg takes {rest:?}");
    }
    let mut padded = tar_gz();
    padded.resize(padded.len().next_multiple_of(10_240), 0);
    assert!(lack(&padded, Kind::TarGz).is_none(), "as tapes are");
    let two = [tar_gz(), tar_gz()].concat();
    assert!(
        lack(&two, Kind::TarGz).is_none(),
        "members one after the other"
    );
}

#[test]
fn a_tarball_that_is_too_large_to_be_unpacked_is_taken_with_a_warning() {
    let limits = Limits {
        stream: 2047,
        ..Limits::default()
    };
    let outcome = |bytes: &[u8]| inspected(bytes, Some(Kind::TarGz), &limits).outcome;
    match outcome(&tar_gz()) {
        Outcome::Understood(facts) => assert!(facts.warnings[0].contains("2047"), "{facts:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deb_has_both_of_its_archives() {
    let start = ("debian-binary", &b"2.0\n"[..]);
    let (control, data) = (("control.tar", &[0; 64][..]), ("data.tar.xz", &[0; 64][..]));
    for (members, missing) in [
        (&[start, control][..], "data.tar"),
        (&[start, data], "control.tar"),
        (&[start], "control.tar"),
    ] {
        let words = damage_of(&ar(members)).unwrap();
        assert!(words.contains(missing), "{words}");
    }
}

#[test]
fn a_deb_whose_packing_is_not_known_is_taken_with_a_warning() {
    let bytes = ar(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &[0; 1024]),
        ("data.tar.lzma", &[7; 64]),
    ]);
    let warnings = facts(&bytes).warnings;
    assert!(
        warnings.iter().any(|words| words.contains("data.tar.lzma")),
        "{warnings:?}"
    );
}

#[test]
fn every_stream_of_a_debs_files_is_looked_at() {
    let deb = |name: &str, data: &[u8]| {
        ar(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar", &[0; 1024]),
            (name, data),
        ])
    };
    // As tools that pack in parallel write them.
    let bzip2 = manifests::bzip2 as fn(&[u8]) -> Vec<u8>;
    for (name, pack) in [("data.tar.bz2", bzip2), ("data.tar.gz", gzip)] {
        let streams = [pack(&[1; 4096]), pack(&[2; 4096])].concat();
        let complete = facts(&deb(name, &streams)).warnings;
        assert!(
            !complete.iter().any(|words| words.contains(name)),
            "{complete:?}"
        );
        let cut = deb(name, &streams[..streams.len() - 12]);
        assert!(
            damage_of(&cut).is_some_and(|words| words.contains(name)),
            "{name}"
        );
    }
}

#[test]
fn one_byte_of_damage_to_any_kind_never_panics() {
    let mut random = Random(0x0a11_0f7e);
    let mut samples = whole();
    let program = std::fs::read("/bin/true").expect("every system has it");
    samples.push(("elf", Kind::AppImage, program));
    for (_, kind, bytes) in samples {
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            // The headers at both ends lead furthest astray.
            let reach = bytes.len().min(600);
            let place = match random.below(3) {
                0 => random.below(reach),
                1 => bytes.len() - 1 - random.below(reach),
                _ => random.below(bytes.len()),
            };
            damaged[place] ^= u8::try_from(1 + random.below(255)).unwrap();
            named(&damaged, kind);
            named(&damaged[..random.below(damaged.len())], kind);
        }
    }
}

/// Each takes time to begin, so that a file of them would be read until the inspection is ended.
#[test]
fn members_and_streams_without_content_are_not_read_without_end() {
    let tar = manifests::tar();
    for (kind, first, empty) in [
        (Kind::TarGz, gzip(&tar), gzip(b"")),
        (Kind::TarBz2, manifests::bzip2(&tar), manifests::bzip2(b"")),
    ] {
        let of = |count: usize| match named(&[&*first, &empty.repeat(count)].concat(), kind) {
            Outcome::Understood(facts) => facts.warnings,
            other => panic!("{other:?}"),
        };
        assert!(of(1000).is_empty(), "{kind}");
        let warnings = of(300_000);
        assert!(
            warnings.iter().any(|words| words.contains("not looked")),
            "{kind}: {warnings:?}"
        );
    }
}

#[test]
fn a_short_text_that_is_packed_is_whole_and_no_tarball() {
    for packed in [manifests::zstd(b"a text"), manifests::bzip2(b"a text")] {
        let outcome = inspected(&packed, None, &Limits::default()).outcome;
        assert!(
            matches!(outcome, Outcome::NotUnderstood { .. }),
            "{outcome:?}"
        );
        let cut = inspected(&packed[..packed.len() - 2], None, &Limits::default()).outcome;
        assert!(matches!(cut, Outcome::Damaged { .. }), "{cut:?}");
    }
}
