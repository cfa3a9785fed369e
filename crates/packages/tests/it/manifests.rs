//! What packages of every trade say of themselves, and what hostile ones must not get by it.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};
use slipway_contract::{Arch, Facts, Kind, Platform, Rule};
use slipway_packages::{Limits, Outcome};

use crate::{
    Random,
    archive::{Entry, zip},
    damage_of, facts, inspected, rule,
};

pub(crate) const SNAP: &[u8] = include_bytes!("../files/snap.snap");
pub(crate) const TAR_XZ: &[u8] = include_bytes!("../files/tar-xz.tar.xz");

const MSIX: &str = r#"<?xml version="1.0"?><Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"><Identity Name="Notes" Version="1.2.3.0" ProcessorArchitecture="x64"/><Properties><DisplayName>Notes &amp; more</DisplayName></Properties></Package>"#;
const BUNDLE: &str = r#"<Bundle><Identity Name="Notes" Version="1.2.3.0"/><Packages><Package Type="application" Architecture="x64"/><Package Type="application" Architecture="arm64"/><Package Type="resource"/></Packages></Bundle>"#;
const NUSPEC: &str = "<package><metadata><id>Notes.Core</id><version>1.2.3-beta</version><title>Notes</title><dependencies><group><dependency id='x' version='9'/></group></dependencies></metadata></package>";
const PLIST: &str = r#"<?xml version="1.0"?><plist version="1.0"><dict><key>CFBundleIdentifier</key><string>org.example.notes</string><key>CFBundleShortVersionString</key><string>1.2.3</string><key>CFBundleDisplayName</key><string>Notes</string></dict></plist>"#;
const HAP: &str = r#"{"app":{"bundleName":"org.example.notes","versionName":"1.2.3","versionCode":10203},"module":{}}"#;
const XAPK: &str = r#"{"package_name":"org.example.notes","version_name":"1.2.3","version_code":"42","name":"Notes"}"#;
const APKM: &str = r#"{"pname":"org.example.notes","release_version":"1.2.3","versioncode":"42","app_name":"Notes"}"#;
const JAR: &str = "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.example.no\r\n tes;singleton:=true\r\nImplementation-Version: 1.2.3\r\n\r\nName: x\r\nImplementation-Version: 9\r\n";
const WHEEL: &str = "Wheel-Version: 1.0\nTag: py3-none-any\n";
const METADATA: &str = "Metadata-Version: 2.1\nName: notes\nVersion: 1.2.3\n\nName: x\n";

pub(crate) fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<Entry> = entries
        .iter()
        .map(|(name, bytes)| Entry::new(name, bytes))
        .collect();
    zip(&entries)
}

/// One of each kind that is a zip with a manifest.
pub(crate) fn trades() -> Vec<(Kind, Vec<u8>)> {
    let of = |entries: &[(&str, &str)]| {
        let entries: Vec<(&str, &[u8])> = entries
            .iter()
            .map(|(name, text)| (*name, text.as_bytes()))
            .collect();
        zipped(&entries)
    };
    vec![
        (
            Kind::Msix,
            of(&[("[Content_Types].xml", "x"), ("AppxManifest.xml", MSIX)]),
        ),
        (
            Kind::Nupkg,
            of(&[("Notes.nuspec", NUSPEC), ("lib/a.dll", "x")]),
        ),
        (Kind::Ipa, of(&[("Payload/Notes.app/Info.plist", PLIST)])),
        (
            Kind::Hap,
            of(&[
                ("module.json", HAP),
                ("resources.index", "x"),
                ("libs/arm64-v8a/a.so", "x"),
            ]),
        ),
        (
            Kind::Xapk,
            of(&[
                ("manifest.json", XAPK),
                ("base.apk", "x"),
                ("config.arm64_v8a.apk", "x"),
            ]),
        ),
        (
            Kind::Apkm,
            of(&[
                ("info.json", APKM),
                ("base.apk", "x"),
                ("split_config.x86_64.apk", "x"),
            ]),
        ),
        (
            Kind::Apks,
            of(&[
                ("toc.pb", "\x22\x11org.example.notes"),
                ("splits/base-arm64_v8a.apk", "x"),
            ]),
        ),
        (Kind::Jar, of(&[("META-INF/MANIFEST.MF", JAR)])),
        (
            Kind::Whl,
            of(&[
                ("notes-1.2.3.dist-info/WHEEL", WHEEL),
                ("notes-1.2.3.dist-info/METADATA", METADATA),
            ]),
        ),
    ]
}

pub(crate) fn tar() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("notes/README").expect("a short path");
    header.set_size(9);
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.extend(b"read this");
    tar.resize(2048, 0);
    tar
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

pub(crate) fn seven_zip() -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let (content, directory) = (b"packed content", b"a directory");
    let mut start = Vec::new();
    start.extend((content.len() as u64).to_le_bytes());
    start.extend((directory.len() as u64).to_le_bytes());
    start.extend(crc(directory));
    [
        &b"7z\xbc\xaf\x27\x1c\0\x04"[..],
        &crc(&start),
        &start,
        content,
        directory,
    ]
    .concat()
}

/// A xar with these files, each packed and followed by the next; `claim` is added to the length of each.
fn xar_of(files: &[(&str, &[u8])], claim: u64) -> Vec<u8> {
    let mut heap = vec![7; 20];
    let mut table = "<?xml version=\"1.0\"?><xar><toc><checksum style=\"sha1\"><size>20</size><offset>0</offset></checksum>".to_owned();
    for (name, bytes) in files {
        let packed = zlib(bytes);
        let file = format!(
            "<file id=\"1\"><data><length>{}</length><offset>{}</offset><encoding style=\"application/x-gzip\"/></data><type>file</type><name>{name}</name></file>",
            packed.len() as u64 + claim,
            heap.len()
        );
        table.push_str(&file);
        heap.extend(packed);
    }
    table.push_str("</toc></xar>");
    let packed = zlib(table.as_bytes());
    let mut xar = b"xar!\0\x1c\0\x01".to_vec();
    xar.extend((packed.len() as u64).to_be_bytes());
    xar.extend((table.len() as u64).to_be_bytes());
    xar.extend([0, 0, 0, 1]);
    xar.extend(packed);
    xar.extend(heap);
    xar
}

pub(crate) fn pkg() -> Vec<u8> {
    xar_of(
        &[
            ("PackageInfo", b"<pkg-info identifier=\"org.example.part\" version=\"9\"/>"),
            ("Distribution", b"<installer-gui-script><title>Notes</title><product id=\"org.example.notes\" version=\"1.2.3\"/><options hostArchitectures=\"arm64,x86_64\"/></installer-gui-script>"),
        ],
        0,
    )
}

/// A dictionary of variants, which holds the content too, as the first part of the whole: `flatpak build-bundle` writes it.
pub(crate) fn flatpak() -> Vec<u8> {
    let content = [&b"0\0\0\0\0\0\0\0"[..], &[7; 400], b"\0ay\x02"].concat();
    let mut bundle = Vec::new();
    let mut ends = Vec::new();
    for entry in [
        &b"flatpak\0\x01\0\x89\xe5\0u\x08"[..],
        b"ref\0\0\0\0\0app/org.example.Notes/aarch64/stable\0\0s\x04",
        &content,
    ] {
        bundle.resize(bundle.len().next_multiple_of(8), 0);
        bundle.extend(entry);
        ends.push(bundle.len());
    }
    let place = |end: usize| u16::try_from(end).expect("it is small").to_le_bytes();
    bundle.extend(ends.into_iter().flat_map(place));
    let end = bundle.len();
    bundle.extend([1; 30]);
    for end in [bundle.len(), end] {
        bundle.extend(place(end));
    }
    bundle
}

pub(crate) fn encrypted_dmg() -> Vec<u8> {
    let mut image = b"encrcdsa".to_vec();
    image.resize(72, 0);
    image[63] = 200;
    image[71] = 100;
    image.resize(300, 9);
    image
}

fn said(facts: &Facts) -> [Option<&str>; 3] {
    [&facts.identifier, &facts.version, &facts.label].map(Option::as_deref)
}

#[test]
fn every_trade_says_its_name_its_version_and_what_it_runs_on() {
    let notes = Some("org.example.notes");
    let (version, label) = (Some("1.2.3"), Some("Notes"));
    let wanted = [
        (
            Platform::Windows,
            Some(Arch::X86_64),
            [label, Some("1.2.3.0"), Some("Notes & more")],
        ),
        (
            Platform::Any,
            None,
            [Some("Notes.Core"), Some("1.2.3-beta"), label],
        ),
        (Platform::Ios, None, [notes, version, label]),
        (
            Platform::Harmony,
            Some(Arch::Aarch64),
            [notes, version, None],
        ),
        (
            Platform::Android,
            Some(Arch::Aarch64),
            [notes, version, label],
        ),
        (
            Platform::Android,
            Some(Arch::X86_64),
            [notes, version, label],
        ),
        (Platform::Android, Some(Arch::Aarch64), [notes, None, None]),
        (Platform::Any, Some(Arch::Universal), [notes, version, None]),
        (
            Platform::Any,
            Some(Arch::Universal),
            [Some("notes"), version, None],
        ),
    ];
    for ((kind, bytes), (platform, arch, words)) in trades().into_iter().zip(wanted) {
        let facts = facts(&bytes);
        assert_eq!(facts.kind, kind);
        // What a NuGet package is for, its bytes do not say.
        assert_eq!(facts.platform.unwrap_or(Platform::Any), platform, "{kind}");
        assert_eq!((facts.arch, said(&facts)), (arch, words), "{kind}");
        assert!(facts.warnings.is_empty(), "{kind}: {:?}", facts.warnings);
    }
}

#[test]
fn bundles_of_windows_name_all_of_their_machines() {
    let bundle = zipped(&[
        ("[Content_Types].xml", b"x"),
        ("AppxMetadata/AppxBundleManifest.xml", BUNDLE.as_bytes()),
    ]);
    let facts = facts(&bundle);
    assert_eq!(
        (facts.kind, facts.arch),
        (Kind::Msix, Some(Arch::Universal))
    );
    assert_eq!(facts.abis, ["x86_64", "aarch64"]);
}

#[test]
fn what_is_no_zip_says_it_too() {
    for (bytes, kind, platform, arch, words) in [
        (
            SNAP.to_vec(),
            Kind::Snap,
            Some(Platform::Linux),
            Some(Arch::X86_64),
            [Some("notes"), Some("1.0"), None],
        ),
        (
            pkg(),
            Kind::Pkg,
            Some(Platform::Macos),
            Some(Arch::Universal),
            [Some("org.example.notes"), Some("1.2.3"), Some("Notes")],
        ),
        (
            flatpak(),
            Kind::Flatpak,
            Some(Platform::Linux),
            Some(Arch::Aarch64),
            [Some("org.example.Notes"), None, None],
        ),
        (seven_zip(), Kind::SevenZip, None, None, [None; 3]),
        (TAR_XZ.to_vec(), Kind::TarXz, None, None, [None; 3]),
        (zstd(&tar()), Kind::TarZst, None, None, [None; 3]),
        (
            [&b"\x50\x2a\x4d\x18\x04\0\0\0skip"[..], &zstd(&tar())].concat(),
            Kind::TarZst,
            None,
            None,
            [None; 3],
        ),
        (bzip2(&tar()), Kind::TarBz2, None, None, [None; 3]),
        (
            encrypted_dmg(),
            Kind::Dmg,
            Some(Platform::Macos),
            None,
            [None; 3],
        ),
    ] {
        let facts = facts(&bytes);
        assert_eq!(
            (facts.kind, facts.platform, facts.arch),
            (kind, platform, arch)
        );
        assert_eq!(said(&facts), words, "{kind}");
        assert_eq!(
            facts.warnings.len(),
            usize::from(kind == Kind::Dmg),
            "{kind}: {:?}",
            facts.warnings
        );
    }
}

#[test]
fn what_only_begins_alike_is_another_kind() {
    let plain = [
        zipped(&[("manifest.json", b"{}"), ("icon.png", b"x")]),
        zipped(&[("module.json", b"{}")]),
        zipped(&[("AppxManifest.xml", b"x")]),
        zipped(&[("src/Notes.nuspec", b"x")]),
        zipped(&[("a/b.dist-info/WHEEL", b"x")]),
        zipped(&[("META-INF/manifest.mf", b"x")]),
    ];
    for bytes in plain {
        assert_eq!(facts(&bytes).kind, Kind::Zip);
        let jar = inspected(&bytes, Some(Kind::Jar), &Limits::default()).outcome;
        assert!(
            matches!(jar, Outcome::Understood(facts) if facts.kind == Kind::Jar && facts.platform == Some(Platform::Any))
        );
    }
    let xip = facts(&xar_of(&[("Content", b"x"), ("Metadata", b"x")], 0));
    assert_eq!(
        (xip.kind, xip.platform),
        (Kind::Other, Some(Platform::Macos))
    );
    for bytes in [zstd(&[7; 4000]), bzip2(&[7; 4000])] {
        let outcome = inspected(&bytes, None, &Limits::default()).outcome;
        assert!(
            matches!(outcome, Outcome::NotUnderstood { .. }),
            "{outcome:?}"
        );
    }
}

#[test]
fn what_a_system_installs_whole_has_no_name_twice() {
    for (kind, bytes) in trades() {
        let mut entries = match kind {
            Kind::Msix => vec![
                ("[Content_Types].xml", &b"x"[..]),
                ("AppxManifest.xml", MSIX.as_bytes()),
            ],
            Kind::Hap => vec![("module.json", HAP.as_bytes()), ("resources.index", b"x")],
            Kind::Xapk => vec![("manifest.json", XAPK.as_bytes()), ("base.apk", b"x")],
            Kind::Apkm => vec![("info.json", APKM.as_bytes()), ("base.apk", b"x")],
            _ => continue,
        };
        assert!(rule(&bytes).is_none());
        entries.extend([("twice", &b"1"[..]), ("twice", b"2")]);
        assert_eq!(rule(&zipped(&entries)), Some(Rule::Duplicate), "{kind}");
    }
}

#[test]
fn a_manifest_that_cannot_be_read_is_a_warning() {
    for entries in [
        &[
            ("[Content_Types].xml", &b"x"[..]),
            ("AppxManifest.xml", b"<Package"),
        ][..],
        &[("Notes.nuspec", b"<package><metadata>")],
        &[("Payload/Notes.app/Info.plist", b"bplist00")],
        &[("module.json", b"{"), ("pack.info", b"x")],
        &[("manifest.json", b"["), ("base.apk", b"x")],
        &[("notes.dist-info/WHEEL", b"x")],
    ] {
        let facts = facts(&zipped(entries));
        assert!(
            facts.warnings[0].starts_with("its manifest could not be read"),
            "{facts:?}"
        );
    }
}

#[test]
fn lies_about_lengths_are_damage_and_take_no_memory() {
    assert!(damage_of(&xar_of(&[("Distribution", b"<x/>")], 1)).is_some());
    assert!(damage_of(&xar_of(&[("Distribution", b"<x/>")], u64::MAX >> 1)).is_some());
    let mut table = pkg();
    table[8..16].fill(0xff);
    assert!(damage_of(&table).unwrap().contains("table of contents"));
    let mut seven = seven_zip();
    seven[12] ^= 1;
    assert!(damage_of(&seven).is_some());
    let mut snap = SNAP.to_vec();
    snap[40..48].fill(0xff);
    assert!(damage_of(&snap).is_some());
    let mut dmg = encrypted_dmg();
    dmg[56] = 0xff;
    assert!(damage_of(&dmg).unwrap().contains("encrypted"));
}

#[test]
fn what_unpacks_to_far_more_than_it_is_is_not_held_in_memory() {
    let zeros = vec![b' '; 4 << 20];
    let limits = Limits {
        control: 1 << 20,
        manifest: 1 << 20,
        data: 1 << 18,
        ..Limits::default()
    };
    let outcome = |bytes: &[u8]| inspected(bytes, None, &limits).outcome;
    let warning = |bytes: &[u8]| match outcome(bytes) {
        Outcome::Understood(facts) => facts.warnings.concat(),
        other => panic!("{other:?}"),
    };
    // A table of contents that is a bomb, and a description that is one.
    let packed = zlib(&zeros);
    let mut table = b"xar!\0\x1c\0\x01".to_vec();
    table.extend((packed.len() as u64).to_be_bytes());
    table.extend(64_u64.to_be_bytes());
    table.extend([0, 0, 0, 1]);
    table.extend(packed);
    assert!(matches!(outcome(&table), Outcome::Damaged { detail } if detail.contains("too large")));
    let description = warning(&xar_of(&[("Distribution", &zeros)], 0));
    assert!(description.contains("Distribution could not be read"));
    let mut large = tar();
    large.extend(&zeros);
    for bytes in [zstd(&large), bzip2(&large)] {
        assert!(warning(&bytes).contains("unpacks to more"));
    }
}

/// The checksums of a zip hide most damage from the parsers within: here they are right again.
#[test]
fn one_byte_of_damage_to_any_manifest_never_panics() {
    let mut random = Random(0x3a_1f);
    for (name, beside, text) in [
        ("AppxManifest.xml", "[Content_Types].xml", MSIX),
        ("Notes.nuspec", "x", NUSPEC),
        ("Payload/Notes.app/Info.plist", "x", PLIST),
        ("module.json", "pack.info", HAP),
        ("manifest.json", "base.apk", XAPK),
        ("META-INF/MANIFEST.MF", "x", JAR),
        ("notes.dist-info/WHEEL", "notes.dist-info/METADATA", WHEEL),
    ] {
        for _ in 0..200 {
            let mut bytes = text.as_bytes().to_vec();
            let place = random.below(bytes.len());
            bytes[place] ^= u8::try_from(1 + random.below(255)).unwrap();
            facts(&zipped(&[(name, &bytes), (beside, b"x")]));
        }
    }
    let binary = include_bytes!("../files/Info.plist");
    for place in 0..binary.len() {
        for change in [1, 0x10, 0x7f, 0xff] {
            let mut bytes = binary.to_vec();
            bytes[place] ^= change;
            facts(&zipped(&[("Payload/Notes.app/Info.plist", &bytes)]));
        }
    }
}

#[test]
fn a_binary_property_list_is_read_as_one_of_text() {
    let binary = include_bytes!("../files/Info.plist");
    let facts = facts(&zipped(&[("Payload/Notes.app/Info.plist", binary)]));
    assert_eq!(
        said(&facts),
        [Some("org.example.notes"), Some("1.2.3"), Some("Notes")]
    );
}

#[test]
fn an_installer_says_its_product() {
    let facts = facts(include_bytes!("../files/msi-x64.msi"));
    assert_eq!(facts.arch, Some(Arch::X86_64));
    // The upgrade code stays from version to version; the product code does not.
    let code = "{ABCDDCBA-7349-453F-94F6-BCB5110BA4FD}";
    assert_eq!(said(&facts), [Some(code), Some("1.2.3"), Some("Notes")]);
    assert!(facts.warnings.is_empty(), "{:?}", facts.warnings);
}

#[test]
fn sectors_that_lead_back_into_themselves_are_followed_to_a_limit() {
    let whole = include_bytes!("../files/msi-x64.msi");
    let number = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    let table = (number(76) + 1) * 512;
    for sector in 0..128 {
        let mut bytes = whole.to_vec();
        let place = table + 4 * sector;
        bytes[place..place + 4].copy_from_slice(&u32::try_from(sector).unwrap().to_le_bytes());
        let limits = Limits {
            control: 1 << 20,
            ..Limits::default()
        };
        inspected(&bytes, None, &limits);
    }
}
