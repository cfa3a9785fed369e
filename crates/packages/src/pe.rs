//! Programs for Windows (Microsoft, "PE Format").

mod sections;
mod version;

use slipway_contract::{Arch, Facts, Kind};

use self::sections::{SECTION, place};
use crate::facts::Fill as _;
use crate::{
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le},
};

const DOS_HEADER: u64 = 64;
const COFF_HEADER: u64 = 24;
/// The machine of 32-bit programs.
const INTEL: u16 = 0x014c;
/// Where the optional header names what runs the program.
const SUBSYSTEM: usize = 68;
/// Bytes of code that are looked at.
const CODE: u64 = 512;

/// `None` for what begins with `MZ` and is for DOS, and for everything else.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(b"MZ") {
        return Ok(None);
    }
    let Some(offset) = u32_le(head, 0x3c).map(u64::from) else {
        return Ok(None);
    };
    if offset + 4 > source.length() {
        if has_newer_header(head) {
            source.needs("its header", offset, COFF_HEADER)?;
        }
        return Ok(None);
    }
    if source.read(offset, 4)? != b"PE\0\0" {
        return Ok(None);
    }
    let header = source.part("its header", offset, COFF_HEADER)?;
    let sections = u16_le(&header, 6).unwrap_or(0);
    let optional = u16_le(&header, 20).unwrap_or(0);
    let tables = u64::from(optional) + u64::from(sections) * SECTION as u64;
    let tables = source.part("its table of sections", offset + COFF_HEADER, tables)?;
    let (optional, sections) = tables.split_at(optional.into());
    let end = sections_end(source, sections)?;
    code_is_there(source, optional, sections)?;
    signature_is_there(source, optional)?;
    installer_is_whole(source, end)?;
    let mut facts = Facts::of(Kind::Exe);
    facts.arch = match u16_le(&header, 4) {
        Some(INTEL) if is_any_cpu(source, optional, sections)? => Some(Arch::Universal),
        Some(machine) => arch(machine),
        None => None,
    };
    if let Some(10..=14) = u16_le(optional, SUBSYSTEM) {
        facts.set_no_platform("the firmware of a computer or for a console");
    }
    let described = version::describe(&mut facts, source, optional, sections, limits);
    facts.or_warning("its version", described)?;
    Ok(Some(facts))
}

/// 32-bit code runs on every Windows, and most installers are 32-bit whatever they install: these bytes do not say for
/// which machine the package is, and its uploader may.
fn arch(machine: u16) -> Option<Arch> {
    let name = match machine {
        INTEL => return None,
        0x01c0 | 0x01c2 | 0x01c4 => return Some(Arch::Armv7),
        0x8664 => return Some(Arch::X86_64),
        0xaa64 | 0xa641 | 0xa64e => return Some(Arch::Aarch64),
        0x0200 => "ia64",
        0x5032 => "riscv32",
        0x5064 => "riscv64",
        0x6232 => "loongarch32",
        0x6264 => "loongarch64",
        0x0ebc => "ebc",
        _ => return format!("machine-{machine}").parse().ok(),
    };
    name.parse().ok()
}

/// Whether it is a program for .NET without code of any machine, which may run as 64 bits (ECMA-335, II.25.3.3): what its
/// compilers call "Any CPU".
fn is_any_cpu(source: &mut Source<'_>, optional: &[u8], sections: &[u8]) -> Result<bool, Fault> {
    const IL_ONLY: u32 = 1;
    const NEEDS_32_BIT: u32 = 2;
    const PREFERS_32_BIT: u32 = 0x2_0000;
    // The fifteenth of the directories of a 32-bit program.
    let (count, entry) = (u32_le(optional, 92).unwrap_or(0), 96 + 14 * 8);
    let header = u32_le(optional, entry).filter(|address| *address > 0 && count > 14);
    let place = header.and_then(|address| place(sections, address));
    let Some(place) = place.filter(|place| place.saturating_add(20) <= source.length()) else {
        return Ok(false);
    };
    let flags = u32_le(&source.read(place + 16, 4)?, 0).unwrap_or(0);
    let is_free = flags & NEEDS_32_BIT == 0 || flags & PREFERS_32_BIT != 0;
    Ok(flags & IL_ONLY != 0 && is_free)
}

/// Where the last section ends. Anything may follow.
fn sections_end(source: &Source<'_>, sections: &[u8]) -> Result<u64, Fault> {
    let mut end = 0;
    for section in sections.chunks_exact(SECTION) {
        let number = |at| u32_le(section, at).map_or(0, u64::from);
        let (size, start) = (number(16), number(20));
        if start > 0 && size > 0 {
            source.needs("a section", start, size)?;
            end = end.max(start + size);
        }
    }
    Ok(end)
}

/// No program begins with zeros: where a download left a hole the first instructions are.
fn code_is_there(source: &mut Source<'_>, optional: &[u8], sections: &[u8]) -> Result<(), Fault> {
    let Some(entry) = u32_le(optional, 16).filter(|entry| *entry > 0) else {
        return Ok(());
    };
    for section in sections.chunks_exact(SECTION) {
        let number = |at| u32_le(section, at).map_or(0, u64::from);
        let (address, size, start) = (number(12), number(16), number(20));
        let Some(into) = u64::from(entry).checked_sub(address) else {
            continue;
        };
        if start > 0 && into < size {
            let code = source.read(start + into, (size - into).min(CODE))?;
            if code.iter().all(|byte| *byte == 0) {
                return Err(Fault::damaged("there are only zeros where its code begins"));
            }
        }
    }
    Ok(())
}

/// The table of certificates, the fifth of the directories, is the one part of a PE that lies outside of the sections.
fn signature_is_there(source: &Source<'_>, optional: &[u8]) -> Result<(), Fault> {
    let directories = match u16_le(optional, 0) {
        Some(0x10b) => 96,
        Some(0x20b) => 112,
        _ => return Ok(()),
    };
    let count = u32_le(optional, directories - 4).unwrap_or(0);
    let entry = directories + 4 * 8;
    match (u32_le(optional, entry), u32_le(optional, entry + 4)) {
        (Some(start), Some(size)) if count > 4 && size > 0 => {
            source.needs("its signature", start.into(), size.into())
        }
        _ => Ok(()),
    }
}

/// What the makers of installers append behind the program, as far as it says how long it is: NSIS
/// (`Source/exehead/fileform.h`) and 7-Zip (`DOC/7zFormat.txt`).
fn installer_is_whole(source: &mut Source<'_>, end: u64) -> Result<(), Fault> {
    const NSIS: &[u8] = b"\xef\xbe\xad\xdeNullsoftInst";
    const SEVEN_ZIP: &[u8] = b"7z\xbc\xaf\x27\x1c";
    // NSIS looks for its data at multiples of 512.
    let start = end.next_multiple_of(512);
    if start >= source.length() {
        return Ok(());
    }
    let data = source.read(start, (source.length() - start).min(32))?;
    if data.get(4..20) == Some(NSIS) {
        let length = u32_le(&data, 24).unwrap_or(u32::MAX);
        return source.needs("what it installs", start, length.into());
    }
    if data.starts_with(SEVEN_ZIP) {
        let number = |at| crate::source::u64_le(&data, at).unwrap_or(u64::MAX);
        let length = number(12).saturating_add(number(20)).saturating_add(32);
        return source.needs("what it unpacks", start, length);
    }
    Ok(())
}

/// A program of before Windows 95, all of whose pages are there.
pub(crate) fn is_for_dos(source: &mut Source<'_>) -> Result<bool, Fault> {
    let head = source.head(DOS_HEADER)?;
    if !head.starts_with(b"MZ") || head.len() < 28 {
        return Ok(false);
    }
    let (last, pages) = (u16_le(&head, 2).unwrap_or(0), u16_le(&head, 4).unwrap_or(0));
    if has_newer_header(&head) && !newer_header_is_there(source, &head)? {
        return Ok(false);
    }
    let missing = if last == 0 {
        0
    } else {
        512 - u64::from(last.min(512))
    };
    let length = (u64::from(pages) * 512).checked_sub(missing);
    Ok(length.is_some_and(|length| length > 0 && length <= source.length()))
}

/// Where the relocations begin at 64 or later there is a newer header.
fn has_newer_header(head: &[u8]) -> bool {
    u16_le(head, 0x18).is_some_and(|relocations| u64::from(relocations) >= DOS_HEADER)
}

/// Of those that are no PE: programs for 16-bit Windows and for OS/2, and drivers.
fn newer_header_is_there(source: &mut Source<'_>, head: &[u8]) -> Result<bool, Fault> {
    let Some(offset) = u32_le(head, 0x3c).map(u64::from) else {
        return Ok(false);
    };
    if offset + 2 > source.length() {
        return Ok(false);
    }
    let magic = source.read(offset, 2)?;
    Ok(matches!(magic.as_slice(), b"NE" | b"LE" | b"LX"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{is_for_dos, read};
    use crate::{
        limits::Limits,
        source::{Source, read_bytes},
    };
    use slipway_contract::{Arch, Facts, Kind, Platform};

    fn pe_of(machine: u16) -> Vec<u8> {
        let mut head = vec![0; 0x50 + 24];
        head[..2].copy_from_slice(b"MZ");
        head[0x3c] = 0x50;
        head[0x50..0x54].copy_from_slice(b"PE\0\0");
        head[0x54..0x56].copy_from_slice(&machine.to_le_bytes());
        head
    }

    /// One section of 512 bytes at 1024, a signature of 64 bytes behind it, and `more`.
    fn signed(more: &[u8]) -> Vec<u8> {
        let mut file = pe_of(0x8664);
        file[0x18] = 0x40;
        file[0x50 + 6] = 1;
        file[0x50 + 20] = 240;
        let mut optional = vec![0; 240];
        optional[..2].copy_from_slice(&[0x0b, 0x02]);
        optional[108] = 16;
        let start = u32::try_from(1536 + more.len()).unwrap();
        optional[144..148].copy_from_slice(&start.to_le_bytes());
        optional[148] = 64;
        file.extend(optional);
        let mut section = vec![0; 40];
        section[16..20].copy_from_slice(&512_u32.to_le_bytes());
        section[20..24].copy_from_slice(&1024_u32.to_le_bytes());
        file.extend(section);
        file.resize(1536, 0);
        file.extend(more);
        file.resize(file.len() + 64, 7);
        file
    }

    fn of(bytes: &[u8]) -> Result<Option<Facts>, String> {
        read_bytes(|source, head| read(source, head, &Limits::default()), bytes)
    }

    #[test]
    fn a_windows_program_says_its_machine_unless_it_runs_on_all() {
        for (machine, arch) in [
            (0x8664, Some(Arch::X86_64)),
            (0xaa64, Some(Arch::Aarch64)),
            (0x14c, None),
            (0x5064, Some("riscv64".parse().unwrap())),
        ] {
            let facts = of(&pe_of(machine)).unwrap().unwrap();
            assert_eq!((facts.kind, facts.arch), (Kind::Exe, arch));
            assert_eq!(facts.platform, Some(Platform::Windows));
        }
        let mut dos = pe_of(0x8664);
        dos[0x50] = b'N';
        assert_eq!(of(&dos), Ok(None));
        dos[0x3f] = 0xff;
        assert_eq!(of(&dos), Ok(None), "a number of a program for DOS");
    }

    #[test]
    fn a_program_for_net_may_be_for_any_machine_and_one_for_firmware_is_for_no_platform() {
        let of = |flags: u32, subsystem: u8| {
            let mut file = pe_of(0x14c);
            file[0x50 + 6] = 1;
            file[0x50 + 20] = 224;
            let mut optional = vec![0; 224];
            optional[..2].copy_from_slice(&[0x0b, 0x01]);
            (optional[68], optional[92]) = (subsystem, 16);
            // The header of .NET, 8 bytes into a section that is loaded at 4096.
            optional[208..210].copy_from_slice(&4104_u16.to_le_bytes());
            file.extend(optional);
            let mut section = vec![0; 40];
            section[12..14].copy_from_slice(&4096_u16.to_le_bytes());
            section[16..18].copy_from_slice(&512_u16.to_le_bytes());
            section[20..22].copy_from_slice(&1024_u16.to_le_bytes());
            file.extend(section);
            file.resize(1536, 0);
            file[1024 + 8 + 16..][..4].copy_from_slice(&flags.to_le_bytes());
            of(&file).unwrap().unwrap()
        };
        for (flags, arch) in [
            (1, Some(Arch::Universal)),
            (0x2_0003, Some(Arch::Universal)),
            (3, None),
            (0, None),
        ] {
            assert_eq!(of(flags, 3).arch, arch, "{flags}");
        }
        assert_eq!(of(0, 2).platform, Some(Platform::Windows));
        for subsystem in 10..=14 {
            assert_eq!(of(0, subsystem).platform, Some(Platform::None));
        }
    }

    #[test]
    fn a_windows_program_that_is_cut_is_damaged_wherever() {
        let whole = signed(b"");
        assert!(of(&whole).unwrap().is_some());
        for length in 64..whole.len() {
            assert!(of(&whole[..length]).is_err(), "{length}");
        }
        assert!(of(&whole[..1599]).unwrap_err().contains("signature"));
        assert!(of(&whole[..1500]).unwrap_err().contains("section"));
        let mut overlay = whole;
        overlay.extend([1; 9]);
        assert!(of(&overlay).unwrap().is_some(), "bytes behind the program");
    }

    #[test]
    fn a_windows_program_has_code_where_it_begins() {
        let mut file = signed(b"");
        // The address of its first instruction, 16 bytes into a section that is loaded at 4096.
        file[0x50 + 24 + 16..][..2].copy_from_slice(&4112_u16.to_le_bytes());
        file[0x50 + 24 + 240 + 12..][..2].copy_from_slice(&4096_u16.to_le_bytes());
        assert!(of(&file).unwrap_err().contains("zeros"));
        file[1024] = 0xcc;
        assert!(of(&file).is_err(), "before its first instruction");
        file[1024 + 16] = 0xcc;
        assert!(of(&file).unwrap().is_some());
    }

    #[test]
    fn an_installer_has_all_that_it_installs() {
        let mut nsis = vec![0; 28];
        nsis[4..20].copy_from_slice(b"\xef\xbe\xad\xdeNullsoftInst");
        nsis[24..28].copy_from_slice(&300_u32.to_le_bytes());
        nsis.resize(300, 1);
        let mut seven = b"7z\xbc\xaf\x27\x1c\0\x04".to_vec();
        seven.resize(12, 0);
        seven.extend(200_u64.to_le_bytes());
        seven.extend(68_u64.to_le_bytes());
        seven.resize(300, 1);
        for data in [nsis, seven] {
            let mut file = signed(&data);
            // Without its signature, whose absence would be seen.
            file[0x50 + 24 + 148] = 0;
            file.truncate(1536 + 300);
            assert!(of(&file).unwrap().is_some());
            assert!(of(&file[..1536 + 299]).unwrap_err().contains("what it"));
        }
    }

    #[test]
    fn a_program_for_dos_has_all_of_its_pages() {
        let dos = |length: usize| {
            let mut bytes = vec![0; length];
            bytes[..6].copy_from_slice(b"MZ\x90\0\x03\0");
            let mut input = Cursor::new(bytes);
            is_for_dos(&mut Source::new(&mut input).unwrap()).unwrap()
        };
        assert!(dos(1168) && dos(5000));
        assert!(!dos(1167) && !dos(64) && !dos(10));
        let newer = |magic: &[u8; 2]| {
            let mut bytes = vec![0; 1168];
            bytes[..6].copy_from_slice(b"MZ\x90\0\x03\0");
            (bytes[0x18], bytes[0x3c]) = (0x40, 0x80);
            bytes[0x80..0x82].copy_from_slice(magic);
            let mut input = Cursor::new(bytes);
            is_for_dos(&mut Source::new(&mut input).unwrap()).unwrap()
        };
        assert!(newer(b"NE") && newer(b"LE") && newer(b"LX"));
        assert!(!newer(b"\0\0"), "a hole where its header was");
    }
}
