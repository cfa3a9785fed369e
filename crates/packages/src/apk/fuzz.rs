//! The three formats within an APK: its manifest, its resources, and the block of its signatures.

use super::{
    MANIFEST,
    manifest::Manifest,
    prefixed::prefixed,
    resources::Resources,
    signer::{self, Signatures},
    value::Value,
    xml::Xml,
};
use crate::{
    outcome::Outcome,
    source::{Source, u16_le, u32_le},
    trial::{self, LIMITS, Metered},
    zip::Archive,
};

/// Bytes of an attribute.
const ATTRIBUTE: usize = 20;
/// Bytes of a string of resources, at most: three for each unit of UTF-16.
const LONGEST: usize = 3 * 4096;

/// A manifest has no more attributes than it has room for, is read the same each time, and in an APK is what that is.
pub(crate) fn xml(bytes: &[u8], planted: bool) {
    if let Some(xml) = Xml::read(bytes) {
        let mut count = 0;
        for element in xml.elements() {
            element.attributes(|_| count += 1);
            if planted {
                last_attribute(element.chunk.body());
            }
        }
        assert!(count * ATTRIBUTE <= bytes.len(), "{count} attributes");
    }
    let manifest = Manifest::read(bytes);
    assert_eq!(manifest, Manifest::read(bytes));
    // Right before the directory its last bytes could be those of a block of signatures.
    let apk = trial::archive(&[(MANIFEST, bytes), (b"last", b"")], &[]);
    let outcome = trial::inspected(&apk);
    let Outcome::Understood(facts) = outcome else {
        panic!("an APK with any manifest is an APK: {outcome:?}");
    };
    let package = manifest.and_then(|manifest| manifest.package);
    let package = package.filter(|_| bytes.len() as u64 <= LIMITS.manifest);
    let shown = package.and_then(|text| crate::facts::shown(&text, LIMITS.text));
    assert_eq!(facts.identifier, shown);
}

/// A planted fault: the number of attributes is believed.
fn last_attribute(body: &[u8]) -> u8 {
    let number = |at| usize::from(u16_le(body, at).unwrap_or(0));
    let (start, size, count) = (number(8), number(10), number(12));
    count
        .checked_sub(1)
        .map_or(0, |last| body[start + size * last])
}

/// A question has an end, whatever leads to what, and so have its answers.
pub(crate) fn resources(bytes: &[u8], planted: bool) {
    let Some(resources) = Resources::read(bytes) else {
        return;
    };
    for id in [0x0101_0000, 0x7f01_0000, 0x7f02_0000, 0x7f03_0000]
        .into_iter()
        .flat_map(|kind| kind..kind + 4)
    {
        let texts = resources.texts(id);
        assert!(texts.len() <= 1024, "{} texts", texts.len());
        assert!(texts.iter().all(|found| found.text.len() <= LONGEST));
        let words = |texts: Vec<super::Found>| texts.into_iter().map(|f| f.text);
        assert!(words(texts).eq(words(resources.texts(id))));
        assert_eq!(resources.color(id), resources.color(id));
        assert_eq!(resources.share(id), resources.share(id));
        if planted {
            follow(&resources, id);
        }
    }
}

/// A planted fault: a reference is followed without asking where one was before.
fn follow(resources: &Resources<'_>, mut id: u32) {
    while let Some(Value::Reference(next)) = resources.values(id).next().map(|(_, value)| value) {
        id = std::hint::black_box(next);
    }
}

/// What stores and tools add to the block changes nothing of the signatures, and what these say of the content can be
/// compared.
pub(crate) fn signing_block(pairs: &[u8], planted: bool) {
    signed(pairs, planted);
    if let Some(certificate) = signer::only_certificate(pairs) {
        assert_eq!(certificate[0], signer::SEQUENCE);
        let (whole, rest) = signer::element(certificate, signer::SEQUENCE).expect("it is one");
        assert!(whole.whole == certificate && rest.is_empty());
    }
    let (Some(plain), Some(padded)) = (
        signed(pairs, false),
        signed(
            &[b"\x08\0\0\0\0\0\0\0\x77\x65\x72\x42\0\0\0\0", pairs].concat(),
            false,
        ),
    ) else {
        return;
    };
    if pairs.len() < 32 * 12 {
        assert_eq!(plain.certificate, padded.certificate);
    }
}

/// The signatures of an APK with this block.
fn signed(pairs: &[u8], planted: bool) -> Option<Signatures> {
    let size = (pairs.len() as u64 + 24).to_le_bytes();
    let block = [&size, pairs, &size, b"APK Sig Block 42"].concat();
    let apk = trial::archive(&[(MANIFEST, b"a")], &block);
    let mut input = Metered::new(&apk);
    let mut source = Source::new(&mut input).expect("bytes can be sought in");
    let archive = Archive::open(&mut source, &LIMITS).expect("an honest archive is taken");
    if planted && let Some(value) = pairs.get(12..) {
        first_digest(value);
    }
    let signatures = signer::read(&mut source, &archive, &LIMITS).ok()?;
    trial::inspected(&apk);
    Some(signatures)
}

/// A planted fault: behind three lengths that were held against the bytes, a fourth is believed.
fn first_digest(value: &[u8]) -> Option<&[u8]> {
    let (signers, _) = prefixed(value)?;
    let (signer, _) = prefixed(signers)?;
    let (data, _) = prefixed(signer)?;
    Some(&data[4..][..u32_le(data, 0)? as usize])
}
