//! Mach-O, thin or fat (`mach-o/loader.h`, `mach-o/fat.h`).

use crate::{
    Arch, Facts, Kind,
    source::{Fault, Source, u32_be, u32_le, u64_le},
};

/// Bytes of load commands that are read; large programs have 100 KiB.
const COMMANDS: u64 = 16 << 20;
const SEGMENT: u32 = 0x01;
const SEGMENT_64: u32 = 0x19;
const CODE_SIGNATURE: u32 = 0x1d;

/// `None` when it is no Mach-O.
pub(crate) fn read(source: &mut Source<'_>, head: &[u8]) -> Result<Option<Facts>, Fault> {
    let arches = if is_thin(head) {
        vec![thin(source, 0)?]
    } else if head.starts_with(b"\xca\xfe\xba\xbe") {
        match fat(source, head)? {
            Some(arches) => arches,
            None => return Ok(None),
        }
    } else {
        return Ok(None);
    };
    let mut facts = Facts::of(Kind::MachO);
    facts.arch = match arches[..] {
        [one] => one,
        _ => Some(Arch::Universal),
    };
    Ok(Some(facts))
}

fn is_thin(head: &[u8]) -> bool {
    head.starts_with(b"\xce\xfa\xed\xfe") || head.starts_with(b"\xcf\xfa\xed\xfe")
}

/// The architecture of the program at `start`, all of whose parts are within the file.
fn thin(source: &mut Source<'_>, start: u64) -> Result<Option<Arch>, Fault> {
    let wide = source.part("its header", start, 4)?.starts_with(b"\xcf");
    let size = if wide { 32 } else { 28 };
    let header = source.part("its header", start, size)?;
    let commands = u32_le(&header, 20).map_or(0, u64::from);
    source.needs("its list of commands", start + size, commands)?;
    if commands <= COMMANDS {
        let bytes = source.read(start + size, commands)?;
        for (command, body) in Commands(&bytes) {
            let (what, end) = match command {
                SEGMENT => ("a segment", sum(u32_le(body, 32), u32_le(body, 36))),
                SEGMENT_64 => ("a segment", wide_sum(body)),
                CODE_SIGNATURE => ("its signature", sum(u32_le(body, 8), u32_le(body, 12))),
                _ => continue,
            };
            source.needs(what, start, end.unwrap_or(u64::MAX))?;
        }
    }
    Ok(u32_le(&header, 4).and_then(cpu))
}

fn sum(offset: Option<u32>, size: Option<u32>) -> Option<u64> {
    Some(u64::from(offset?) + u64::from(size?))
}

fn wide_sum(body: &[u8]) -> Option<u64> {
    u64_le(body, 40)?.checked_add(u64_le(body, 48)?)
}

/// The load commands: each begins with its number and its length.
struct Commands<'a>(&'a [u8]);

impl<'a> Iterator for Commands<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let command = u32_le(self.0, 0)?;
        let length = u32_le(self.0, 4)?.max(8) as usize;
        let (body, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((command, body))
    }
}

/// The architectures of a fat file. A Java class begins with the same four bytes, and then has its
/// version, 45 or more, where this has a count: no fat file has so many.
fn fat(source: &mut Source<'_>, head: &[u8]) -> Result<Option<Vec<Option<Arch>>>, Fault> {
    const MOST: u32 = 20;
    let Some(count) = u32_be(head, 4).filter(|count| (1..=MOST).contains(count)) else {
        return Ok(None);
    };
    source.needs("its list of architectures", 8, u64::from(count) * 20)?;
    let mut arches = Vec::new();
    for index in 0..count as usize {
        let number = |place| u32_be(head, 8 + index * 20 + place).unwrap_or(0);
        let (start, length) = (u64::from(number(8)), u64::from(number(12)));
        source.needs("the program for one of its architectures", start, length)?;
        if is_thin(&source.read(start, length.min(4))?) {
            thin(source, start)?;
        }
        arches.push(cpu(number(0)));
    }
    arches.dedup();
    Ok(Some(arches))
}

fn cpu(kind: u32) -> Option<Arch> {
    match kind {
        7 => Some(Arch::X86),
        12 => Some(Arch::Armv7),
        0x0100_0007 => Some(Arch::X86_64),
        0x0100_000c => Some(Arch::Aarch64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{Arch, Facts, Kind, source::read_bytes};

    fn fat_of(cpus: &[u32]) -> Vec<u8> {
        let mut head = vec![0xca, 0xfe, 0xba, 0xbe];
        head.extend(u32::try_from(cpus.len()).unwrap().to_be_bytes());
        for cpu in cpus {
            for number in [*cpu, 0, 4, 4, 0] {
                head.extend(number.to_be_bytes());
            }
        }
        head
    }

    /// A segment of 1000 bytes and a signature of 24 behind it.
    fn signed() -> Vec<u8> {
        let mut file = vec![0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1];
        file.resize(32, 0);
        file[16] = 2;
        file[20] = 72 + 16;
        let mut segment = vec![0; 72];
        segment[0] = 0x19;
        segment[4] = 72;
        segment[48..56].copy_from_slice(&1000_u64.to_le_bytes());
        file.extend(segment);
        for number in [0x1d_u32, 16, 1000, 24] {
            file.extend(number.to_le_bytes());
        }
        file.resize(1024, 1);
        file
    }

    fn of(bytes: &[u8]) -> Result<Option<Facts>, String> {
        read_bytes(read, bytes)
    }

    #[test]
    fn a_mach_o_is_thin_or_fat_and_never_a_java_class() {
        let thin = of(&signed()).unwrap().unwrap();
        assert_eq!((thin.kind, thin.arch), (Kind::MachO, Some(Arch::Aarch64)));
        let both = of(&fat_of(&[0x0100_0007, 0x0100_000c])).unwrap().unwrap();
        assert_eq!(both.arch, Some(Arch::Universal));
        let one = of(&fat_of(&[0x0100_0007])).unwrap().unwrap();
        assert_eq!(one.arch, Some(Arch::X86_64));
        let java = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 20, 0, 0];
        assert_eq!(of(&java), Ok(None));
    }

    #[test]
    fn a_mach_o_that_is_cut_is_damaged_wherever() {
        let whole = signed();
        for length in 4..whole.len() {
            assert!(of(&whole[..length]).is_err(), "{length}");
        }
        assert!(of(&whole[..1010]).unwrap_err().contains("signature"));
        let mut outside = fat_of(&[7]);
        outside[16] = 0xff;
        assert!(of(&outside).unwrap_err().contains("architectures"));
        let mut fat = fat_of(&[0x0100_000c]);
        fat[16..20].copy_from_slice(&28_u32.to_be_bytes());
        fat[20..24].copy_from_slice(&1024_u32.to_be_bytes());
        fat.extend(&whole);
        assert!(of(&fat).unwrap().is_some());
        for length in 8..fat.len() {
            assert!(of(&fat[..length]).is_err(), "{length} of a fat one");
        }
    }
}
