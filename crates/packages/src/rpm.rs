//! RPM packages, version 3 of the format (rpm.org, "V4 Package format", "V6 Package format"): kind, architecture, name and version.

use slipway_contract::{Facts, Kind};

use crate::facts::Fill as _;
use crate::{
    facts::shown,
    limits::Limits,
    native_version::{self, of_rpm, written_by_rpm},
    source::{Fault, Source, u16_be, u32_be, u64_be},
};

const LEAD_LENGTH: u64 = 96;
const INTRO_LENGTH: u64 = 16;
const HEADER: &[u8] = b"\x8e\xad\xe8\x01";
/// Entries of a header that `rpm` takes.
const ENTRIES: u32 = 0xffff;
/// Bytes of a name, of a package, a version or an architecture, that are read.
const TEXT: u64 = 256;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCH: u32 = 1022;
/// Only a source package has it.
const SOURCE_PACKAGE: u32 = 1106;
/// Of the payload as it lies in the file.
const PAYLOAD_SIZE: u32 = 5112;
/// Of the header and the payload, among the signatures, in 32 and in 64 bits.
const SIZE: u32 = 1000;
const LONG_SIZE: u32 = 270;

/// `None` when it is no RPM. The lead names a machine too, but the same one for i386 and `x86_64`, so
/// the architecture comes out of the header.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(b"\xed\xab\xee\xdb") {
        return Ok(None);
    }
    let signatures = Header::read(source, "its signatures", LEAD_LENGTH)?;
    let start = signatures.end().next_multiple_of(8);
    let header = Header::read(source, "its header", start)?;
    payload_is_there(source, start, &signatures, &header)?;
    let mut facts = Facts::of(Kind::Rpm);
    describe(&mut facts, source, &header, limits)?;
    if u16_be(head, 6) == Some(1) || header.has(SOURCE_PACKAGE) {
        facts.set_source();
        return Ok(Some(facts));
    }
    facts.set_arch(&header.text(source, ARCH)?.unwrap_or_default());
    Ok(Some(facts))
}

fn describe(
    facts: &mut Facts,
    source: &mut Source<'_>,
    header: &Header,
    limits: &Limits,
) -> Result<(), Fault> {
    let name = header.text(source, NAME)?;
    facts.identifier = name.and_then(|name| shown(&name, limits.text));
    let epoch = header.value(source, EPOCH, 4)?;
    let epoch = epoch.and_then(|epoch| u32_be(&epoch, 0)).unwrap_or(0);
    if let (Some(version), Some(release)) =
        (header.text(source, VERSION)?, header.text(source, RELEASE)?)
        && let Some(native) = written_by_rpm(epoch, &version, &release, limits.text)
    {
        native_version::set(facts, native, of_rpm);
    }
    Ok(())
}

/// The signatures say how long header and payload are, or the header how long the payload is. Where neither does, there
/// is at least something.
fn payload_is_there(
    source: &mut Source<'_>,
    start: u64,
    signatures: &Header,
    header: &Header,
) -> Result<(), Fault> {
    let end = if let Some(size) = signatures.value(source, LONG_SIZE, 8)? {
        u64_be(&size, 0).map(|size| start.saturating_add(size))
    } else if let Some(size) = signatures.value(source, SIZE, 4)? {
        u32_be(&size, 0).map(|size| start.saturating_add(size.into()))
    } else if let Some(size) = header.value(source, PAYLOAD_SIZE, 8)? {
        u64_be(&size, 0).map(|size| header.end().saturating_add(size))
    } else {
        None
    };
    let least = header.end().saturating_add(1);
    source.needs("its payload", 0, end.unwrap_or(least).max(least))
}

/// An index, and the values that it tells the places of.
struct Header {
    index: Vec<u8>,
    values: u64,
    length: u64,
}

impl Header {
    fn read(source: &mut Source<'_>, what: &str, at: u64) -> Result<Self, Fault> {
        let damaged = || {
            Fault::damaged(format!(
                "{what} should be at byte {at}, and other bytes are there"
            ))
        };
        let intro = source.part(what, at, INTRO_LENGTH)?;
        let entries =
            u32_be(&intro, 8).filter(|entries| intro.starts_with(HEADER) && *entries <= ENTRIES);
        let entries = entries.ok_or_else(damaged)?;
        let length = u32_be(&intro, 12).ok_or_else(damaged)?.into();
        let index = source.part(what, at + INTRO_LENGTH, 16 * u64::from(entries))?;
        let values = at + INTRO_LENGTH + index.len() as u64;
        source.needs(what, values, length)?;
        Ok(Self {
            index,
            values,
            length,
        })
    }

    fn end(&self) -> u64 {
        self.values + self.length
    }

    /// The text of a value.
    fn text(&self, source: &mut Source<'_>, tag: u32) -> Result<Option<String>, Fault> {
        let value = self.value(source, tag, TEXT)?.unwrap_or_default();
        let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok((!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned()))
    }

    fn has(&self, tag: u32) -> bool {
        let mut tags = self.index.chunks_exact(16).map(|entry| u32_be(entry, 0));
        tags.any(|own| own == Some(tag))
    }

    /// The first bytes of a value, `most` of them or all up to the end of the values.
    fn value(
        &self,
        source: &mut Source<'_>,
        tag: u32,
        most: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let entry = self
            .index
            .chunks_exact(16)
            .find(|entry| u32_be(entry, 0) == Some(tag));
        let place = entry.and_then(|entry| u32_be(entry, 8)).map(u64::from);
        let Some(place) = place.filter(|place| *place < self.length) else {
            return Ok(None);
        };
        let length = most.min(self.length - place);
        source.read(self.values + place, length).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{
        limits::Limits,
        source::{Source, read_bytes},
    };
    use slipway_contract::{Arch, Facts, Kind, Platform};

    /// Which of the sizes a package says.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Says {
        Size,
        LongSize,
        PayloadSize,
        Nothing,
    }

    fn rpm(arch: &str, source: bool, says: Says) -> Vec<u8> {
        let payload = b"the payload";
        let mut values = b"notes\0".to_vec();
        values.extend(arch.as_bytes());
        values.push(0);
        values.resize(20, 0);
        values.extend(b"1.0~rc1\x002.fc39\0");
        values.resize(40, 0);
        let mut tags = vec![(1000, 0), (1001, 20), (1002, 28), (1022, 6)];
        if says == Says::PayloadSize {
            values.extend((payload.len() as u64).to_be_bytes());
            tags.push((5112, 40));
        }
        let header = header(&tags, &values);
        let size = header.len() + payload.len();
        let signatures = match says {
            Says::Size => self::header(&[(1000, 0)], &u32::try_from(size).unwrap().to_be_bytes()),
            Says::LongSize => self::header(&[(270, 0)], &(size as u64).to_be_bytes()),
            Says::PayloadSize | Says::Nothing => self::header(&[(1, 0)], &[0; 3]),
        };
        let mut bytes = vec![0; 96];
        bytes[..4].copy_from_slice(b"\xed\xab\xee\xdb");
        bytes[7] = u8::from(source);
        bytes.extend(signatures);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(header);
        bytes.extend(payload);
        bytes
    }

    fn header(tags: &[(u32, u32)], values: &[u8]) -> Vec<u8> {
        let mut header = b"\x8e\xad\xe8\x01\0\0\0\0".to_vec();
        let lengths = [tags.len(), values.len()].map(|length| u32::try_from(length).unwrap());
        header.extend(lengths.into_iter().flat_map(u32::to_be_bytes));
        for (tag, offset) in tags {
            header.extend([*tag, 6, *offset, 1].into_iter().flat_map(u32::to_be_bytes));
        }
        header.extend(values);
        header
    }

    fn of(bytes: &[u8]) -> Result<Facts, String> {
        let limits = Limits::default();
        let read = |source: &mut Source<'_>, head: &[u8]| read(source, head, &limits);
        read_bytes(read, bytes).map(|facts| facts.expect("an RPM"))
    }

    #[test]
    fn the_architecture_comes_out_of_the_header() {
        for (name, arch) in [
            ("x86_64", Some(Arch::X86_64)),
            ("i686", Some(Arch::X86)),
            ("noarch", Some(Arch::Universal)),
            ("s390x", Some("s390x".parse().unwrap())),
            ("(none)", None),
        ] {
            let facts = of(&rpm(name, false, Says::Size)).unwrap();
            assert_eq!((facts.kind, facts.arch), (Kind::Rpm, arch));
            assert_eq!(facts.warnings.is_empty(), arch.is_some());
            assert_eq!(facts.identifier.as_deref(), Some("notes"));
            assert_eq!(facts.native_version.as_deref(), Some("1.0~rc1-2.fc39"));
            assert_eq!(facts.version.as_deref(), Some("1.0-rc1+2.fc.39"));
        }
        let source = of(&rpm("x86_64", true, Says::Size)).unwrap();
        assert!(source.warnings[0].contains("source_package"));
        assert_eq!(
            (source.platform, source.arch),
            (Some(Platform::None), Some(Arch::SOURCE))
        );
    }

    #[test]
    fn an_rpm_that_is_cut_is_damaged_wherever() {
        for says in [Says::Size, Says::LongSize, Says::PayloadSize, Says::Nothing] {
            let whole = rpm("x86_64", false, says);
            assert_eq!(of(&whole).unwrap().arch, Some(Arch::X86_64), "{says:?}");
            let payload = whole.len() - b"the payload".len();
            let least = if says == Says::Nothing {
                payload + 1
            } else {
                whole.len()
            };
            for length in 4..least {
                assert!(of(&whole[..length]).is_err(), "{says:?}: {length}");
            }
        }
        let whole = rpm("x86_64", false, Says::Size);
        assert!(
            of(&whole[..whole.len() - 1])
                .unwrap_err()
                .contains("payload")
        );
        let mut longer = whole;
        longer[104] = 0xff;
        assert!(of(&longer).is_err(), "more entries than rpm takes");
    }
}
