//! Programs as they are: ELF with `AppImage`, PE, Mach-O. Read are the headers alone.

use crate::{
    Arch, Facts, Kind, Platform,
    source::{Fault, Source, u16_le, u32_be, u32_le},
};

/// ELF. An `AppImage` carries `AI` and its type in the padding of the identification (`AppImage`
/// specification, part "Image format"); any other ELF is an unpacked program for Linux.
pub(crate) fn elf(head: &[u8]) -> Option<Facts> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let app_image = matches!(head.get(8..11)?, b"AI\x01" | b"AI\x02");
    let mut facts = Facts::of(if app_image {
        Kind::AppImage
    } else {
        Kind::Other
    });
    facts.platform = Some(Platform::Linux);
    let big_endian = head.get(5) == Some(&2);
    let machine = u16_le(head, 18)?;
    facts.arch = match (big_endian, machine) {
        (false, 0x03) => Some(Arch::X86),
        (false, 0x28) => Some(Arch::Armv7),
        (false, 0x3e) => Some(Arch::X86_64),
        (false, 0xb7) => Some(Arch::Aarch64),
        _ => None,
    };
    Some(facts)
}

/// Windows PE (Microsoft, "PE Format"). `None` for what begins with `MZ` and is for DOS.
pub(crate) fn pe(source: &mut Source<'_>, head: &[u8]) -> Result<Option<Facts>, Fault> {
    let Some(offset) = u32_le(head, 0x3c).filter(|_| head.starts_with(b"MZ")) else {
        return Ok(None);
    };
    let offset = u64::from(offset);
    if offset + 6 > source.length() {
        return Ok(None);
    }
    let header = source.read(offset, 6)?;
    if !header.starts_with(b"PE\0\0") {
        return Ok(None);
    }
    let mut facts = Facts::of(Kind::Exe);
    facts.arch = match u16_le(&header, 4) {
        Some(0x8664) => Some(Arch::X86_64),
        Some(0xaa64) => Some(Arch::Aarch64),
        Some(0x01c4) => Some(Arch::Armv7),
        // 32-bit code runs on every Windows, and most installers are 32-bit whatever they install:
        // these bytes do not say for which machine the package is.
        _ => None,
    };
    Ok(Some(facts))
}

/// Mach-O, thin or fat (`mach-o/loader.h`, `mach-o/fat.h`).
pub(crate) fn mach_o(source: &Source<'_>, head: &[u8]) -> Option<Facts> {
    let arches = match head.get(..4)? {
        b"\xce\xfa\xed\xfe" | b"\xcf\xfa\xed\xfe" => vec![cpu(u32_le(head, 4)?)],
        b"\xca\xfe\xba\xbe" => fat(source.length(), head)?,
        _ => return None,
    };
    let mut facts = Facts::of(Kind::MachO);
    facts.arch = match arches[..] {
        [one] => one,
        _ => Some(Arch::Universal),
    };
    Some(facts)
}

/// The architectures of a fat file. A Java class begins with the same four bytes, and then has its
/// version, 45 or more, where this has a count: no fat file has so many, nor parts outside of it.
fn fat(length: u64, head: &[u8]) -> Option<Vec<Option<Arch>>> {
    const MOST: u32 = 20;
    let count = u32_be(head, 4).filter(|count| (1..=MOST).contains(count))?;
    let mut arches = Vec::new();
    for index in 0..count as usize {
        let at = 8 + index * 20;
        let end = u64::from(u32_be(head, at + 8)?) + u64::from(u32_be(head, at + 12)?);
        if end > length {
            return None;
        }
        arches.push(cpu(u32_be(head, at)?));
    }
    arches.dedup();
    Some(arches)
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
    use std::io::Cursor;

    use super::{elf, mach_o, pe};
    use crate::{Arch, Facts, Kind, Platform, source::Source};

    fn elf_of(kind: [u8; 3], data: u8, machine: u8) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, data]);
        head[8..11].copy_from_slice(&kind);
        head[18] = machine;
        head
    }

    fn pe_of(machine: u16) -> Vec<u8> {
        let mut head = vec![0; 0x60];
        head[..2].copy_from_slice(b"MZ");
        head[0x3c] = 0x50;
        head[0x50..0x54].copy_from_slice(b"PE\0\0");
        head[0x54..0x56].copy_from_slice(&machine.to_le_bytes());
        head
    }

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

    fn read(bytes: &[u8]) -> Option<Facts> {
        let mut input = Cursor::new(bytes);
        let mut source = Source::new(&mut input).unwrap();
        pe(&mut source, bytes)
            .unwrap()
            .or_else(|| mach_o(&source, bytes))
    }

    #[test]
    fn an_app_image_is_an_elf_that_says_so() {
        for (machine, arch) in [
            (0x3e, Arch::X86_64),
            (0xb7, Arch::Aarch64),
            (0x28, Arch::Armv7),
            (3, Arch::X86),
        ] {
            let facts = elf(&elf_of(*b"AI\x02", 1, machine)).unwrap();
            assert_eq!((facts.kind, facts.arch), (Kind::AppImage, Some(arch)));
            assert_eq!(facts.platform, Some(Platform::Linux));
        }
        let plain = elf(&elf_of([0; 3], 1, 0x3e)).unwrap();
        assert_eq!((plain.kind, plain.arch), (Kind::Other, Some(Arch::X86_64)));
        assert_eq!(
            elf(&elf_of(*b"AI\x02", 2, 0x3e)).unwrap().arch,
            None,
            "big-endian"
        );
        assert!(elf(b"\x7fELF").is_none());
    }

    #[test]
    fn a_windows_program_says_its_machine_unless_it_runs_on_all() {
        for (machine, arch) in [
            (0x8664, Some(Arch::X86_64)),
            (0xaa64, Some(Arch::Aarch64)),
            (0x14c, None),
        ] {
            let facts = read(&pe_of(machine)).unwrap();
            assert_eq!((facts.kind, facts.arch), (Kind::Exe, arch));
            assert_eq!(facts.platform, Some(Platform::Windows));
        }
        let mut dos = pe_of(0x8664);
        dos[0x50] = b'N';
        assert!(read(&dos).is_none());
        dos[0x3f] = 0xff;
        assert!(read(&dos).is_none(), "a header far outside of the file");
    }

    #[test]
    fn a_mach_o_is_thin_or_fat_and_never_a_java_class() {
        let thin = read(&[0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1]).unwrap();
        assert_eq!((thin.kind, thin.arch), (Kind::MachO, Some(Arch::Aarch64)));
        let both = read(&fat_of(&[0x0100_0007, 0x0100_000c])).unwrap();
        assert_eq!(both.arch, Some(Arch::Universal));
        assert_eq!(
            read(&fat_of(&[0x0100_0007])).unwrap().arch,
            Some(Arch::X86_64)
        );
        let java = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 20, 0, 0];
        assert!(read(&java).is_none());
        let mut outside = fat_of(&[7]);
        outside[16] = 0xff;
        assert!(read(&outside).is_none());
    }
}
