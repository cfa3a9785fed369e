//! What the fuzz targets share: tight limits, an input that counts what is read of it, what holds for every outcome, and a
//! writer of archives.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use flate2::Crc;
use slipway_contract::shown::legible;
use slipway_contract::{Facts, Kind, Version};

use crate::{
    inspect,
    limits::Limits,
    outcome::{Inspected, Outcome},
};

/// So small that a fuzzer reaches each of them.
pub(crate) const LIMITS: Limits = Limits {
    entries: 1000,
    headers: 100,
    directory: 64 << 10,
    unpacked: 1 << 20,
    ratio: 100,
    ratio_from: 256 << 10,
    manifest: 64 << 10,
    resources: 64 << 10,
    icon: 16 << 10,
    layer: 16 << 10,
    signature: 64 << 10,
    control: 64 << 10,
    data: 256 << 10,
    stream: 256 << 10,
    window: 1 << 20,
    text: 256,
};

/// What a reader may read of a file, for each byte of it and at all. The latter is what a stream of an MSI may have, four
/// times: its sectors can follow each other in a circle.
const FOR_EACH_BYTE: u64 = 128;
const AT_ALL: u64 = 72 << 20;
/// What one call costs, so that a loop that reads nothing ends too.
const CALL: u64 = 64;
/// The largest outcome as JSON, beside its icon.
const LONGEST: usize = 64 << 10;

/// Bytes that panic when a reader reads more of them than any file is worth: work is counted, not timed, so that a slow
/// machine changes nothing.
pub(crate) struct Metered<'a> {
    bytes: Cursor<&'a [u8]>,
    left: u64,
}

impl<'a> Metered<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: Cursor::new(bytes),
            left: FOR_EACH_BYTE * bytes.len() as u64 + AT_ALL,
        }
    }

    fn pay(&mut self, length: usize) {
        let left = self.left.checked_sub(CALL + length as u64);
        self.left = left.expect("a reader reads without end");
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        self.pay(length);
        Ok(length)
    }
}

impl Seek for Metered<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.pay(0);
        self.bytes.seek(to)
    }
}

/// Inspects the bytes and asserts what holds for any: they give the same each time, it is bounded, and it travels between
/// two processes unchanged. A name that says what was found changes nothing.
pub(crate) fn inspected(bytes: &[u8]) -> Outcome {
    let inspected = |named| {
        inspect::inspect(Metered::new(bytes), named, &LIMITS).expect("memory can always be read")
    };
    let found = inspected(None);
    assert_eq!(found, inspected(None), "the same bytes twice");
    let text = serde_json::to_string(&found).expect("an outcome is JSON");
    let icon = usize::try_from(LIMITS.icon).expect("it is small");
    assert!(text.len() <= LONGEST + 2 * icon, "{} bytes", text.len());
    let read: Inspected = serde_json::from_str(&text).expect("an outcome is read again");
    assert_eq!(read, found, "after its way as JSON");
    if let Outcome::Understood(facts) = &found.outcome {
        check(facts);
        let named = inspected(Some(facts.kind)).outcome;
        assert_eq!(named, found.outcome, "with a name that says so");
    }
    if let Some(content) = &found.content {
        content
            .fit(Cursor::new(bytes))
            .expect("what is digested lies in the file");
    }
    found.outcome
}

/// What is shown to people is short and legible, and a version that was translated is one.
fn check(facts: &Facts) {
    let texts = [
        &facts.identifier,
        &facts.version,
        &facts.native_version,
        &facts.label,
        &facts.split,
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.chars().count() <= LIMITS.text, "{text:?}");
        assert_eq!(legible(text, LIMITS.text).as_ref(), Some(text));
    }
    assert!(facts.abis.len() <= 16, "{:?}", facts.abis);
    assert!(facts.warnings.len() <= 32, "{:?}", facts.warnings);
    if let (Kind::Deb | Kind::Rpm, Some(version)) = (facts.kind, &facts.version) {
        assert!(version.parse::<Version>().is_ok(), "{version:?}");
    }
    assert!(!facts.signer_verified);
}

/// A zip of these entries as they are, and `before` its directory.
pub(crate) fn archive(entries: &[(&[u8], &[u8])], before: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in entries {
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 2];
        let mut crc = Crc::new();
        crc.update(bytes);
        for number in [crc.sum(), number(bytes.len()), number(bytes.len())] {
            fields.extend(number.to_le_bytes());
        }
        fields.extend(&number(name.len()).to_le_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(number(archive.len()).to_le_bytes());
        directory.extend(*name);
        for part in [b"PK\x03\x04", &fields[..], name, bytes] {
            archive.extend(part);
        }
    }
    archive.extend(before);
    let count = number(entries.len()).to_le_bytes();
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([count[0], count[1], count[0], count[1]]);
    end.extend(number(directory.len()).to_le_bytes());
    end.extend(number(archive.len()).to_le_bytes());
    end.extend([0, 0]);
    archive.extend(directory);
    archive.extend(end);
    archive
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("it is made of a few kilobytes")
}
