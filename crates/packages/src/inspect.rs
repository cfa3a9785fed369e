//! Recognising a package by its content and reading its facts. Its name is only held against that.
//!
//! Read are the first and last bytes, the directory of a zip and the few entries that facts are in.
//! Nothing is ever unpacked whole, and nothing is written. Any bytes at all give an [`Outcome`]; the
//! caller still runs this in a process of its own, with limits on memory and time, since the decoders
//! are other people's code and the bytes are a stranger's.

use std::io::{self, Read, Seek};

use slipway_contract::{Facts, Kind};

use crate::{
    apk::ContentDigests,
    compound, deb, disk_image, elf, flatpak,
    limits::Limits,
    mach_o, named,
    outcome::{Inspected, Outcome},
    pe, rpm, seven_zip,
    source::{Fault, Source},
    squashfs, tar_gz, tarball, xar, zip, zipped,
};

/// Enough for every magic number.
const HEAD: u64 = 64 << 10;

/// Says what kind of package these bytes are, what they say of themselves, and whether they are all there. `named` is the
/// kind that their name stands for.
///
/// `input` is read at places, so it must not change meanwhile; `&File` will do. Fails only when
/// reading fails.
pub fn inspect<R: Read + Seek>(
    mut input: R,
    named: Option<Kind>,
    limits: &Limits,
) -> io::Result<Inspected> {
    let mut source = Source::new(&mut input)?;
    let mut content = None;
    let mut found = recognise(&mut source, &mut content, limits);
    if let Some(promised) = named {
        found = named::hold(&mut source, promised, found);
    }
    let outcome = match found {
        Ok(facts) => Outcome::Understood(Box::new(facts)),
        Err(Fault::Refused { rule, detail }) => Outcome::Refused { rule, detail },
        Err(Fault::Damaged(detail)) => Outcome::Damaged { detail },
        Err(Fault::Malformed(warning)) => Outcome::NotUnderstood { warning },
        Err(Fault::Io(error)) => return Err(error),
    };
    Ok(Inspected { outcome, content })
}

/// What an APK says of its content is put into `content`.
fn recognise(
    source: &mut Source<'_>,
    content: &mut Option<ContentDigests>,
    limits: &Limits,
) -> Result<Facts, Fault> {
    let head = source.head(HEAD)?;
    if head.starts_with(zip::LOCAL_HEADER) || head.starts_with(zip::END_RECORD) {
        return zipped::read(source, content, limits);
    }
    for read in [
        deb::read,
        xar::read,
        squashfs::read,
        flatpak::read,
        seven_zip::read,
        pe::read,
        compound::read,
    ] {
        if let Some(facts) = read(source, &head, limits)? {
            return Ok(facts);
        }
    }
    if let Some(facts) = rpm::read(source, &head, limits)? {
        return Ok(facts);
    }
    for read in [elf::read, mach_o::read] {
        if let Some(facts) = read(source, &head)? {
            return Ok(facts);
        }
    }
    for read in [tar_gz::read, tarball::read] {
        if let Some(facts) = read(source, &head, limits)? {
            return Ok(facts);
        }
    }
    disk_image::read(source)?.ok_or_else(|| {
        Fault::malformed("this is no kind of package that is known here; it is served as it is")
    })
}
