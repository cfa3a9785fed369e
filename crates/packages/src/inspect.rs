//! Recognising a package by its content, never by its name, and reading its facts.
//!
//! Read are the first and last bytes, the directory of a zip and the few entries that facts are in.
//! Nothing is ever unpacked whole, and nothing is written. Any bytes at all give an [`Outcome`]; the
//! caller still runs this in a process of its own, with limits on memory and time, since the decoders
//! are other people's code and the bytes are a stranger's.

use std::io::{self, Read, Seek};

use flate2::read::GzDecoder;

use crate::{
    Facts, Kind, Limits, Outcome, apk, deb, executable, rpm,
    source::{Fault, Source, u16_le, u32_be, u32_le},
    zip::{self, Archive},
};

/// Enough for every magic number, and for the headers of most RPMs.
const HEAD: u64 = 64 << 10;

/// Says what kind of package these bytes are and what they say of themselves.
///
/// `input` is read at places, so it must not change meanwhile; `&File` will do. Fails only when
/// reading fails.
pub fn inspect<R: Read + Seek>(mut input: R, limits: &Limits) -> io::Result<Outcome> {
    let mut source = Source::new(&mut input)?;
    match recognise(&mut source, limits) {
        Ok(facts) => Ok(Outcome::Understood(Box::new(facts))),
        Err(Fault::Refused { rule, detail }) => Ok(Outcome::Refused { rule, detail }),
        Err(Fault::Malformed(warning)) => Ok(Outcome::NotUnderstood { warning }),
        Err(Fault::Io(error)) => Err(error),
    }
}

fn recognise(source: &mut Source<'_>, limits: &Limits) -> Result<Facts, Fault> {
    let head = source.head(HEAD)?;
    if head.starts_with(zip::LOCAL_HEADER) || head.starts_with(zip::END_RECORD) {
        return zip_family(source, limits).map_err(|fault| match fault {
            Fault::Malformed(why) => Fault::malformed(format!("it begins as a zip, but {why}")),
            other => other,
        });
    }
    if let Some(facts) = deb::read(source, &head, limits)? {
        return Ok(facts);
    }
    if let Some(facts) = executable::pe(source, &head)? {
        return Ok(facts);
    }
    if is_msi(source, &head)? {
        return Ok(Facts::of(Kind::Msi));
    }
    rpm::read(&head)
        .or_else(|| executable::elf(&head))
        .or_else(|| executable::mach_o(source, &head))
        .or_else(|| is_tar_gz(&head).then(|| Facts::of(Kind::TarGz)))
        .map_or_else(|| disk_image(source), Ok)
}

/// An Apple disk image has its header, 512 bytes, at its end; its beginning can be anything.
fn disk_image(source: &mut Source<'_>) -> Result<Facts, Fault> {
    let (_, trailer) = source.tail(512)?;
    if trailer.starts_with(b"koly") && u32_be(&trailer, 8) == Some(512) {
        return Ok(Facts::of(Kind::Dmg));
    }
    Err(Fault::malformed(
        "this is no kind of package that is known here; it is served as it is",
    ))
}

/// Zip, and the three kinds of package that are one.
fn zip_family(source: &mut Source<'_>, limits: &Limits) -> Result<Facts, Fault> {
    let archive = Archive::open(source, limits)?;
    if archive.find(b"BundleConfig.pb").is_some()
        && archive.find(b"base/manifest/AndroidManifest.xml").is_some()
    {
        let mut facts = Facts::of(Kind::Aab);
        let base = archive
            .names()
            .filter_map(|name| name.strip_prefix(b"base/"));
        apk::native_code(&mut facts, base);
        return Ok(facts);
    }
    // A library for Android (AAR) has the manifest too, and its code in `classes.jar`.
    if archive.find(apk::MANIFEST).is_some() && archive.find(b"classes.jar").is_none() {
        return apk::read(source, &archive, limits);
    }
    if archive.names().any(is_ios_app) {
        return Ok(Facts::of(Kind::Ipa));
    }
    Ok(Facts::of(Kind::Zip))
}

/// `Payload/<name>.app/Info.plist`.
fn is_ios_app(name: &[u8]) -> bool {
    name.strip_prefix(b"Payload/")
        .and_then(|rest| rest.strip_suffix(b".app/Info.plist"))
        .is_some_and(|app| !app.is_empty() && !app.contains(&b'/'))
}

/// A compound file ([MS-CFB]) is an installer if its root has the class of one; others are documents.
fn is_msi(source: &mut Source<'_>, head: &[u8]) -> Result<bool, Fault> {
    const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    /// {000C1084-0000-0000-C000-000000000046}
    const INSTALLER: &[u8] = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";
    let place = || {
        let shift = u16_le(head, 30).filter(|shift| matches!(shift, 9 | 12))?;
        Some((u64::from(u32_le(head, 48)?) + 1) << shift)
    };
    let Some(root) = place().filter(|_| head.starts_with(MAGIC)) else {
        return Ok(false);
    };
    if root + 128 > source.length() {
        return Ok(false);
    }
    Ok(source.read(root + 80, 16)? == INSTALLER)
}

/// Gzip whose content begins with the header of a tar member, its checksum right.
fn is_tar_gz(head: &[u8]) -> bool {
    let mut block = [0; 512];
    if !head.starts_with(b"\x1f\x8b\x08") || GzDecoder::new(head).read_exact(&mut block).is_err() {
        return false;
    }
    let header = tar::Header::from_byte_slice(&block);
    let sum: u32 = (0..block.len())
        .map(|at| {
            if (148..156).contains(&at) {
                b' '
            } else {
                block[at]
            }
        })
        .map(u32::from)
        .sum();
    header.cksum().is_ok_and(|stated| stated == sum)
}
