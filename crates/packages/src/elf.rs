//! ELF, with `AppImage` (System V ABI, "Object Files"; `AppImage` specification, "Image format").

mod header;
mod target;

use slipway_contract::{Facts, Kind, Platform};

use self::header::{Fields, Header, TABLE, Table, entries};
use crate::facts::Fill as _;
use crate::{
    disk_image,
    source::{Fault, Source, u64_le},
};

/// A segment that is loaded, and a section without bytes in the file.
const LOAD: u64 = 1;
const NO_BITS: u64 = 8;

/// `None` when it is no ELF. An `AppImage` carries `AI` and its type in the padding of the identification; any other ELF
/// is an unpacked program, for Linux if nothing in it says otherwise.
pub(crate) fn read(source: &mut Source<'_>, head: &[u8]) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let fields = Fields::of(head).ok_or_else(|| Fault::damaged("its ELF header is damaged"))?;
    let cut = || Fault::damaged("it begins as an ELF, but its header is cut");
    let header = Header::read(fields, head).ok_or_else(cut)?;
    let end = end(source, fields, &header)?;
    let image = head.get(8..11).unwrap_or_default();
    let is_image = image == b"AI\x01" || image == b"AI\x02";
    if image == b"AI\x01" {
        disk_image::iso_is_whole(source)?;
    } else {
        squashfs_is_whole(source, end, is_image)?;
    }
    let mut facts = Facts::of(if is_image {
        Kind::AppImage
    } else {
        Kind::Other
    });
    facts.arch = target::arch(fields, header.machine);
    if is_image {
        return Ok(Some(facts));
    }
    let system = target::system(source, fields, head, &header)?;
    match system.platform {
        Platform::None => facts.set_no_platform(system.name),
        platform => facts.platform = Some(platform),
    }
    Ok(Some(facts))
}

/// Where the ELF ends, all of whose parts are within the file. Bytes may follow it.
///
/// The sections cover all that a linker wrote. Without them, which `sstrip` and packers take out, the segments do; files
/// of debug information keep the segments of a program whose bytes are elsewhere.
fn end(source: &mut Source<'_>, fields: Fields, header: &Header) -> Result<u64, Fault> {
    let segments = header.segments;
    source.needs("its table of segments", segments.offset, segments.length())?;
    let mut sections = header.sections;
    if sections.offset == 0 {
        return segments_end(source, fields, segments);
    }
    if sections.count == 0 {
        // More than a header can count: the first section has their number in place of its size.
        let first = source.part("its table of sections", sections.offset, sections.entry)?;
        sections.count = fields.long(&first, 20, 32).unwrap_or(0);
    }
    source.needs("its table of sections", sections.offset, sections.length())?;
    let mut end = sections.end();
    let mut is_empty = true;
    for section in entries(source, sections)? {
        let parts = || {
            let kind = fields.word(&section, 4)?;
            let offset = fields.long(&section, 16, 24)?;
            let size = fields.long(&section, 20, 32)?;
            Some((kind, offset, size))
        };
        let Some((kind, offset, size)) = parts() else {
            return Err(Fault::damaged("its table of sections is damaged"));
        };
        is_empty &= kind == 0;
        if kind != 0 && kind != NO_BITS {
            source.needs("a section", offset, size)?;
            end = end.max(offset + size);
        }
    }
    // The first section is always unused. Where a download left a hole all of them are.
    if is_empty && sections.count > 1 && sections.length() <= TABLE {
        return Err(Fault::damaged("its table of sections is empty"));
    }
    Ok(end)
}

fn segments_end(source: &mut Source<'_>, fields: Fields, table: Table) -> Result<u64, Fault> {
    let mut end = table.end();
    for segment in entries(source, table)? {
        let parts = || {
            let kind = fields.word(&segment, 0)?;
            let offset = fields.long(&segment, 4, 8)?;
            let size = fields.long(&segment, 16, 32)?;
            Some((kind, offset, size))
        };
        let Some((kind, offset, size)) = parts() else {
            return Err(Fault::damaged("its table of segments is damaged"));
        };
        if kind == LOAD {
            source.needs("a segment", offset, size)?;
            end = end.max(offset + size);
        }
    }
    Ok(end)
}

/// The file system of an `AppImage` of type 2 begins where its ELF ends; a squashfs says how long it is.
fn squashfs_is_whole(source: &mut Source<'_>, start: u64, expected: bool) -> Result<(), Fault> {
    if expected && start >= source.length() {
        return Err(Fault::damaged("its file system is missing"));
    }
    let rest = source.length().saturating_sub(start);
    let head = source.read(start.min(source.length()), rest.min(48))?;
    if !head.starts_with(b"hsqs") {
        return Ok(());
    }
    let used = u64_le(&head, 40).ok_or_else(|| Fault::damaged("its file system is cut"))?;
    source.needs("its file system", start, used)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::source::read_bytes;
    use slipway_contract::{Arch, Facts, Kind, Platform};

    fn elf_of(kind: [u8; 3], data: u8, machine: u8) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, data]);
        head[8..11].copy_from_slice(&kind);
        head[18] = machine;
        head
    }

    fn app_image(data: u8, machine: u8, used: u64, there: usize) -> Vec<u8> {
        let mut image = elf_of(*b"AI\x02", data, machine);
        image[4] = 2;
        // One empty section, so that the ELF ends at 128.
        if data == 1 {
            image[40] = 64;
            image[58] = 64;
            image[60] = 1;
            image.resize(128, 0);
        }
        let mut system = b"hsqs".to_vec();
        system.resize(40, 0);
        system.extend(used.to_le_bytes());
        system.resize(there, 0);
        image.extend(system);
        image
    }

    fn of(bytes: &[u8]) -> Result<Facts, String> {
        read_bytes(read, bytes).map(|facts| facts.expect("an ELF"))
    }

    #[test]
    fn an_app_image_is_an_elf_that_says_so() {
        for (machine, arch) in [
            (0x3e, Arch::X86_64),
            (0xb7, Arch::Aarch64),
            (0x28, Arch::Armv7),
            (3, Arch::X86),
        ] {
            let facts = of(&app_image(1, machine, 96, 96)).unwrap();
            assert_eq!((facts.kind, facts.arch), (Kind::AppImage, Some(arch)));
            assert_eq!(facts.platform, Some(Platform::Linux));
        }
        let plain = of(&elf_of([0; 3], 1, 0x3e)).unwrap();
        assert_eq!((plain.kind, plain.arch), (Kind::Other, Some(Arch::X86_64)));
        let power = of(&app_image(1, 0x15, 96, 96)).unwrap().arch;
        assert_eq!(power, Some("ppc64le".parse().unwrap()));
    }

    #[test]
    fn an_app_image_without_all_of_its_file_system_is_damaged() {
        let whole = app_image(1, 0x3e, 4096, 4096);
        assert!(of(&whole).is_ok());
        for length in [4, 5, 63, 64, 100, 128, 140, whole.len() - 1] {
            assert!(of(&whole[..length]).is_err(), "{length}");
        }
        assert!(of(&whole[..128]).unwrap_err().contains("missing"));
        assert!(of(&whole[..2000]).unwrap_err().contains("file system"));
    }

    #[test]
    fn a_program_that_is_cut_is_damaged_and_one_that_is_stripped_is_not() {
        let itself = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(of(&itself).is_ok());
        let mut hole = itself.clone();
        hole[512..].fill(0);
        assert!(of(&hole).unwrap_err().contains("empty"));
        let mut longer = itself.clone();
        longer.extend(b"an appended archive");
        assert!(of(&longer).is_ok());
        for length in [10, 64, 1000, itself.len() / 2, itself.len() - 1] {
            assert!(of(&itself[..length]).is_err(), "{length}");
        }
        let mut bare = itself;
        bare[40..48].fill(0);
        bare[60..62].fill(0);
        assert!(of(&bare).is_ok(), "without a table of sections");
        assert!(of(&bare[..bare.len() / 20]).is_err());
    }
}
