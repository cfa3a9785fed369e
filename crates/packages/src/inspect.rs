//! Recognising a package by its content and reading its facts. Its name is only held against that.
//!
//! Read are the first and last bytes, the directory of a zip and the few entries that facts are in.
//! Nothing is ever unpacked whole, and nothing is written. Any bytes at all give an [`Outcome`]; the
//! caller still runs this in a process of its own, with limits on memory and time, since the decoders
//! are other people's code and the bytes are a stranger's.

use std::io::{self, Read, Seek};

use crate::{
    ContentDigests, Facts, Inspected, Kind, Limits, Outcome, apk, compound, deb, disk_image, elf,
    mach_o, named, pe, rpm,
    source::{Fault, Source},
    tar_gz,
    zip::{self, Archive},
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
        return zip_family(source, content, limits);
    }
    if let Some(facts) = deb::read(source, &head, limits)? {
        return Ok(facts);
    }
    if let Some(facts) = rpm::read(source, &head, limits)? {
        return Ok(facts);
    }
    for read in [pe::read, compound::read, elf::read, mach_o::read] {
        if let Some(facts) = read(source, &head)? {
            return Ok(facts);
        }
    }
    if let Some(facts) = tar_gz::read(source, &head, limits)? {
        return Ok(facts);
    }
    disk_image::read(source)?.ok_or_else(|| {
        Fault::malformed("this is no kind of package that is known here; it is served as it is")
    })
}

/// Zip, and the three kinds of package that are one.
fn zip_family(
    source: &mut Source<'_>,
    content: &mut Option<ContentDigests>,
    limits: &Limits,
) -> Result<Facts, Fault> {
    let archive =
        Archive::open(source, limits).map_err(|fault| fault.into_damage("it begins as a zip"))?;
    let kind = zipped_kind(&archive);
    let oddities = archive.oddities(kind)?;
    let mut facts = match kind {
        Kind::Apk => apk::read(source, &archive, content, limits)?,
        _ => Facts::of(kind),
    };
    if kind == Kind::Aab {
        let base = archive
            .names()
            .filter_map(|name| name.strip_prefix(b"base/"));
        apk::native_code(&mut facts, base);
    }
    facts.warnings.extend(oddities);
    Ok(facts)
}

fn zipped_kind(archive: &Archive) -> Kind {
    if archive.find(b"BundleConfig.pb").is_some()
        && archive.find(b"base/manifest/AndroidManifest.xml").is_some()
    {
        return Kind::Aab;
    }
    // A library for Android (AAR) has the manifest too, and its code in `classes.jar`.
    if archive.find(apk::MANIFEST).is_some() && archive.find(b"classes.jar").is_none() {
        return Kind::Apk;
    }
    if archive.names().any(is_ios_app) {
        return Kind::Ipa;
    }
    Kind::Zip
}

/// `Payload/<name>.app/Info.plist`.
fn is_ios_app(name: &[u8]) -> bool {
    name.strip_prefix(b"Payload/")
        .and_then(|rest| rest.strip_suffix(b".app/Info.plist"))
        .is_some_and(|app| !app.is_empty() && !app.contains(&b'/'))
}
