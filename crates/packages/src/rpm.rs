//! RPM packages, version 3 of the format (rpm.org, "V4 Package format"): kind and architecture.

use crate::{
    Arch, Facts, Kind,
    source::{u16_be, u32_be},
};

const LEAD_LENGTH: usize = 96;
const HEADER: &[u8] = b"\x8e\xad\xe8\x01";
const ARCH_TAG: u32 = 1022;

/// `None` when it is no RPM. The lead names a machine too, but the same one for i386 and `x86_64`, so
/// the architecture comes out of the header, if that lies within the bytes given.
pub(crate) fn read(head: &[u8]) -> Option<Facts> {
    if !head.starts_with(b"\xed\xab\xee\xdb") {
        return None;
    }
    let mut facts = Facts::of(Kind::Rpm);
    if u16_be(head, 6) == Some(1) {
        facts.warn("this is a source package: nobody can install it");
    } else {
        match arch(head) {
            Some(b"x86_64") => facts.arch = Some(Arch::X86_64),
            Some(b"aarch64") => facts.arch = Some(Arch::Aarch64),
            Some(b"armv7hl" | b"armv7hnl") => facts.arch = Some(Arch::Armv7),
            Some(b"i386" | b"i486" | b"i586" | b"i686") => facts.arch = Some(Arch::X86),
            Some(b"noarch") => facts.arch = Some(Arch::Universal),
            _ => facts.warn("its architecture could not be read, or is none that is known here"),
        }
    }
    Some(facts)
}

fn arch(head: &[u8]) -> Option<&[u8]> {
    let signatures = Header::at(head, LEAD_LENGTH)?;
    let header = Header::at(head, signatures.end.next_multiple_of(8))?;
    let entry = (0..header.entries)
        .map(|index| header.start + 16 * index)
        .find(|entry| u32_be(head, *entry) == Some(ARCH_TAG))?;
    let offset = u32_be(head, entry + 8)? as usize;
    let value = head.get(header.start + 16 * header.entries + offset..)?;
    value.split(|byte| *byte == 0).next()
}

struct Header {
    start: usize,
    entries: usize,
    end: usize,
}

impl Header {
    fn at(head: &[u8], at: usize) -> Option<Self> {
        if !head.get(at..)?.starts_with(HEADER) {
            return None;
        }
        let entries = u32_be(head, at + 8)? as usize;
        let start = at + 16;
        let end = start + 16 * entries + u32_be(head, at + 12)? as usize;
        (16 * entries <= head.len()).then_some(Self {
            start,
            entries,
            end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{Arch, Kind};

    fn rpm(arch: &str, source: bool) -> Vec<u8> {
        let mut bytes = vec![0; 96];
        bytes[..4].copy_from_slice(b"\xed\xab\xee\xdb");
        bytes[7] = u8::from(source);
        // Signatures: one entry without a value, and padding to 8 bytes.
        bytes.extend(b"\x8e\xad\xe8\x01\0\0\0\0\0\0\0\x01\0\0\0\x03");
        bytes.extend([0; 24]);
        bytes.extend(b"\x8e\xad\xe8\x01\0\0\0\0\0\0\0\x02\0\0\0\x20");
        for (tag, offset) in [(1000_u32, 0_u32), (1022, 6)] {
            for number in [tag, 6, offset, 1] {
                bytes.extend(number.to_be_bytes());
            }
        }
        bytes.extend(b"notes\0");
        bytes.extend(arch.as_bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn the_architecture_comes_out_of_the_header() {
        for (name, arch) in [
            ("x86_64", Some(Arch::X86_64)),
            ("i686", Some(Arch::X86)),
            ("noarch", Some(Arch::Universal)),
            ("s390x", None),
        ] {
            let facts = read(&rpm(name, false)).unwrap();
            assert_eq!((facts.kind, facts.arch), (Kind::Rpm, arch));
            assert_eq!(facts.warnings.is_empty(), arch.is_some());
        }
        assert!(read(&rpm("x86_64", true)).unwrap().warnings[0].contains("source package"));
        assert!(read(b"\xed\xab\xee").is_none());
    }

    #[test]
    fn no_cut_of_an_rpm_panics() {
        let whole = rpm("x86_64", false);
        for length in 4..whole.len() - 8 {
            assert_eq!(read(&whole[..length]).unwrap().kind, Kind::Rpm);
        }
    }
}
