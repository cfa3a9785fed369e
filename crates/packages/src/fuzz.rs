//! The targets of the fuzzer, and what must hold for any bytes: for `cargo fuzz`, and over its seeds for the tests.
//!
//! Each takes whether to plant a fault, which shows that the fuzzer gets as far as that and sees it.

mod planted;

use slipway_contract::{Facts, Kind};

use crate::{
    apk, compound, deb, elf,
    limits::Limits,
    mach_o,
    outcome::Outcome,
    pe, rpm,
    source::{Fault, Source},
    trial::{self, LIMITS, Metered},
    zip,
};

/// Enough for every magic number, as in an inspection.
const HEAD: u64 = 64 << 10;

/// A zip archive.
pub fn zip(bytes: &[u8], planted: bool) {
    zip::fuzz::archive(bytes, planted);
}

/// An `AndroidManifest.xml` in its binary form.
pub fn apk_xml(bytes: &[u8], planted: bool) {
    apk::fuzz::xml(bytes, planted);
}

/// A `resources.arsc`.
pub fn apk_resources(bytes: &[u8], planted: bool) {
    apk::fuzz::resources(bytes, planted);
}

/// The pairs of an APK Signing Block.
pub fn apk_signing_block(bytes: &[u8], planted: bool) {
    apk::fuzz::signing_block(bytes, planted);
}

pub fn deb(bytes: &[u8], planted: bool) {
    let planted = planted.then_some(planted::deb as fn(&[u8]));
    file(bytes, Kind::Deb, deb::read, planted);
}

pub fn rpm(bytes: &[u8], planted: bool) {
    let planted = planted.then_some(planted::rpm as fn(&[u8]));
    file(bytes, Kind::Rpm, rpm::read, planted);
}

/// A program for Windows.
pub fn pe(bytes: &[u8], planted: bool) {
    let planted = planted.then_some(planted::pe as fn(&[u8]));
    file(bytes, Kind::Exe, pe::read, planted);
}

/// A program for Linux and the like.
pub fn elf(bytes: &[u8], planted: bool) {
    let planted = planted.then_some(planted::elf as fn(&[u8]));
    let read = |source: &mut Source<'_>, head: &[u8], _: &Limits| elf::read(source, head);
    file(bytes, Kind::Other, read, planted);
}

/// A program for macOS or iOS.
pub fn mach_o(bytes: &[u8], planted: bool) {
    let planted = planted.then_some(planted::mach_o as fn(&[u8]));
    let read = |source: &mut Source<'_>, head: &[u8], _: &Limits| mach_o::read(source, head);
    file(bytes, Kind::MachO, read, planted);
}

/// A compound file.
pub fn msi(bytes: &[u8], planted: bool) {
    let planted = planted.then_some(planted::msi as fn(&[u8]));
    file(bytes, Kind::Msi, compound::read, planted);
}

/// A reader gives nothing but its own kind, does not fail where memory is read, and the inspection as a whole makes of the
/// bytes what the reader does.
fn file(
    bytes: &[u8],
    kind: Kind,
    read: impl Fn(&mut Source<'_>, &[u8], &Limits) -> Result<Option<Facts>, Fault>,
    planted: Option<fn(&[u8])>,
) {
    let mut input = Metered::new(bytes);
    let mut source = Source::new(&mut input).expect("bytes can be sought in");
    let head = source.head(HEAD).expect("memory can be read");
    let found = read(&mut source, &head, &LIMITS);
    if let Some(planted) = planted {
        planted(bytes);
    }
    let outcome = trial::inspected(bytes);
    let expected = match found {
        Ok(None) => return,
        Ok(Some(facts)) => {
            let is_image = kind == Kind::Other && facts.kind == Kind::AppImage;
            assert!(facts.kind == kind || is_image, "{facts:?}");
            Outcome::Understood(Box::new(facts))
        }
        Err(Fault::Damaged(detail)) => Outcome::Damaged { detail },
        Err(Fault::Malformed(warning)) => Outcome::NotUnderstood { warning },
        Err(Fault::Refused { rule, detail }) => Outcome::Refused { rule, detail },
        Err(Fault::Io(error)) => panic!("memory could not be read: {error}"),
    };
    assert_eq!(outcome, expected);
}

#[cfg(test)]
mod tests {
    use slipway_seeds::each;

    #[test]
    fn what_must_hold_for_any_bytes_holds_for_the_seeds() {
        for (target, holds) in [
            ("zip", super::zip as fn(&[u8], bool)),
            ("apk_xml", super::apk_xml),
            ("apk_resources", super::apk_resources),
            ("apk_signing_block", super::apk_signing_block),
            ("deb", super::deb),
            ("rpm", super::rpm),
            ("pe", super::pe),
            ("elf", super::elf),
            ("mach_o", super::mach_o),
            ("msi", super::msi),
        ] {
            each(target, |bytes| holds(bytes, false));
        }
    }
}
