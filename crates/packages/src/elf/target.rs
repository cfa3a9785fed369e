//! The system and the machine that an ELF is for: the ABI in its identification, its interpreter, and the notes that the
//! compilers of some systems leave in it (`elf(5)`, Linux Standard Base, "Note Sections").

use slipway_contract::{Arch, Platform};

use super::header::{Fields, Header, entries};
use crate::source::{Fault, Source};

/// Segments with the path of the interpreter and with notes.
const INTERPRETER: u64 = 3;
const NOTES: u64 = 4;
/// Bytes of one of them that are read.
const MOST: u64 = 4096;
/// Where the identification names the ABI.
const ABI: usize = 7;

/// A system by its name, and the platform that it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) platform: Platform,
}

const LINUX: System = of(Platform::Linux, "Linux");
const ANDROID: System = of(Platform::Android, "Android");
const HARMONY: System = of(Platform::Harmony, "HarmonyOS");

const fn of(platform: Platform, name: &'static str) -> System {
    System { name, platform }
}

const fn other(name: &'static str) -> System {
    of(Platform::None, name)
}

/// What Linux uses is what nearly every compiler writes that knows nothing of a system, so it says nothing.
fn by_abi(abi: u8) -> Option<System> {
    Some(match abi {
        1 => other("HP-UX"),
        2 => other("NetBSD"),
        4 => other("the Hurd"),
        6 => other("Solaris"),
        7 => other("AIX"),
        8 => other("IRIX"),
        9 => other("FreeBSD"),
        12 => other("OpenBSD"),
        13 => other("OpenVMS"),
        17 => other("CloudABI"),
        255 => other("no operating system"),
        _ => return None,
    })
}

fn by_interpreter(path: &[u8]) -> Option<System> {
    const BEGINNINGS: [(&[u8], System); 10] = [
        (b"/system/bin/linker", ANDROID),
        (b"/apex/com.android", ANDROID),
        (b"/libexec/ld-elf", other("FreeBSD")),
        (b"/libexec/ld.elf_so", other("NetBSD")),
        (b"/usr/libexec/ld.elf_so", other("NetBSD")),
        (b"/usr/libexec/ld-elf", other("DragonFly BSD")),
        (b"/usr/libexec/ld.so", other("OpenBSD")),
        (b"/usr/lib/ld.so", other("Solaris")),
        (b"/usr/lib/amd64/ld.so", other("Solaris")),
        (b"/system/runtime_loader", other("Haiku")),
    ];
    let found = BEGINNINGS
        .iter()
        .find(|(beginning, _)| path.starts_with(beginning));
    found.map(|(_, system)| *system)
}

fn by_owner(owner: &[u8]) -> Option<System> {
    Some(match owner {
        b"Android\0" => ANDROID,
        b"OHOS\0" => HARMONY,
        b"FreeBSD\0" => other("FreeBSD"),
        b"NetBSD\0" => other("NetBSD"),
        b"OpenBSD\0" => other("OpenBSD"),
        b"DragonFly\0" => other("DragonFly BSD"),
        _ => return None,
    })
}

/// The first of them that says something; Linux where none does.
pub(super) fn system(
    source: &mut Source<'_>,
    fields: Fields,
    head: &[u8],
    header: &Header,
) -> Result<System, Fault> {
    if let Some(system) = head.get(ABI).copied().and_then(by_abi) {
        return Ok(system);
    }
    for segment in entries(source, header.segments)? {
        let parts = || {
            let kind = fields.word(&segment, 0)?;
            let offset = fields.long(&segment, 4, 8)?;
            let size = fields.long(&segment, 16, 32)?;
            Some((kind, offset, size.min(MOST)))
        };
        let Some((kind @ (INTERPRETER | NOTES), offset, size)) = parts() else {
            continue;
        };
        // Files of debug information keep the segments of a program whose bytes are elsewhere.
        if offset.saturating_add(size) > source.length() {
            continue;
        }
        let bytes = source.read(offset, size)?;
        let found = match kind {
            INTERPRETER => by_interpreter(&bytes),
            _ => owners(&bytes, fields).find_map(by_owner),
        };
        if let Some(system) = found {
            return Ok(system);
        }
    }
    Ok(LINUX)
}

/// Who left each of the notes: a note is three lengths of 4 bytes, the name of its owner and a description, each filled
/// up to 4 bytes.
fn owners(notes: &[u8], fields: Fields) -> impl Iterator<Item = &[u8]> {
    let mut rest = notes;
    std::iter::from_fn(move || {
        let length = |at| usize::try_from(fields.word(rest, at)?).ok();
        let (name, description) = (length(0)?, length(4)?);
        let owner = rest.get(12..)?.get(..name)?;
        let end = 12 + name.next_multiple_of(4) + description.checked_next_multiple_of(4)?;
        rest = rest.get(end..).unwrap_or_default();
        Some(owner)
    })
}

/// As the systems call them; a machine without a name here gets its number.
pub(super) fn arch(fields: Fields, machine: u64) -> Option<Arch> {
    let Fields { wide, big_endian } = fields;
    let by_width = |narrow, wide_one| if wide { wide_one } else { narrow };
    let by_order = |little, big| if big_endian { big } else { little };
    let name = match machine {
        0x02 => "sparc",
        0x03 => return Some(Arch::X86),
        0x04 => "m68k",
        0x08 => match (wide, big_endian) {
            (false, false) => "mipsel",
            (false, true) => "mips",
            (true, false) => "mips64el",
            (true, true) => "mips64",
        },
        0x0f => "hppa",
        0x14 => "ppc",
        0x15 => by_order("ppc64le", "ppc64"),
        0x16 => by_width("s390", "s390x"),
        0x28 if big_endian => "armeb",
        0x28 => return Some(Arch::Armv7),
        0x2a => "sh4",
        0x2b => "sparc64",
        0x32 => "ia64",
        0x3e if !wide => "x32",
        0x3e => return Some(Arch::X86_64),
        0xb7 if big_endian => "aarch64_be",
        0xb7 if !wide => "arm64ilp32",
        0xb7 => return Some(Arch::Aarch64),
        0xf3 => by_width("riscv32", "riscv64"),
        0x102 => by_width("loongarch32", "loongarch64"),
        0x9026 => "alpha",
        _ => return format!("machine-{machine}").parse().ok(),
    };
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::read, by_interpreter};
    use crate::source::read_bytes;
    use slipway_contract::{Arch, Facts, Kind, Platform};

    /// One segment of `kind` that holds `bytes`.
    fn elf(abi: u8, kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, abi]);
        (file[18], file[32], file[54], file[56]) = (0x3e, 64, 56, 1);
        file[64] = kind;
        file[72] = 120;
        file[96..104].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        file.extend(bytes);
        file
    }

    fn note(owner: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for (name, description) in [(&b"GNU\0"[..], &[1; 20][..]), (owner, &[0; 4])] {
            for number in [name.len(), description.len(), 3] {
                note.extend(u32::try_from(number).unwrap().to_le_bytes());
            }
            note.extend(name);
            note.resize(note.len().next_multiple_of(4), 0);
            note.extend(description);
        }
        note
    }

    fn of(bytes: &[u8]) -> Facts {
        let facts = read_bytes(read, bytes).unwrap();
        facts.expect("an ELF")
    }

    #[test]
    fn a_program_for_another_system_is_none_for_linux() {
        let android = note(b"Android\0");
        let harmony = note(b"OHOS\0");
        let (free, net) = (note(b"FreeBSD\0"), note(b"NetBSD\0"));
        for (file, platform, word) in [
            (
                elf(0, 3, b"/lib64/ld-linux-x86-64.so.2\0"),
                Platform::Linux,
                "",
            ),
            (
                elf(0, 3, b"/lib/ld-musl-x86_64.so.1\0"),
                Platform::Linux,
                "",
            ),
            (elf(3, 4, &note(b"LINUX\0")), Platform::Linux, ""),
            (elf(0, 3, b"/system/bin/linker64\0"), Platform::Android, ""),
            (elf(0, 4, &android), Platform::Android, ""),
            (elf(0, 4, &harmony), Platform::Harmony, ""),
            (elf(9, 1, b""), Platform::None, "FreeBSD"),
            (elf(0, 4, &free), Platform::None, "FreeBSD"),
            (elf(0, 4, &net), Platform::None, "NetBSD"),
            (
                elf(0, 3, b"/usr/libexec/ld.so\0"),
                Platform::None,
                "OpenBSD",
            ),
            (elf(6, 1, b""), Platform::None, "Solaris"),
        ] {
            let facts = of(&file);
            assert_eq!((facts.kind, facts.platform), (Kind::Other, Some(platform)));
            assert_eq!(facts.arch, Some(Arch::X86_64));
            let said = facts.warnings.join("");
            assert!(
                said.contains(word) && said.is_empty() == word.is_empty(),
                "{said}"
            );
        }
        assert_eq!(by_interpreter(b"/lib/ld.so"), None);
    }

    #[test]
    fn notes_of_any_lengths_are_read_to_their_end() {
        for length in 0..u8::MAX {
            let mut notes = note(b"Android\0");
            notes[0] = length;
            notes[4] = length;
            of(&elf(0, 4, &notes));
            of(&elf(0, 4, &notes[..notes.len().min(length.into())]));
        }
        of(&elf(0, 4, &[0xff; 64]));
    }

    #[test]
    fn a_machine_is_called_as_the_systems_call_it() {
        for (data, class, machine, name) in [
            (1, 2, 0xf3_u16, "riscv64"),
            (1, 1, 0xf3, "riscv32"),
            (1, 2, 0x15, "ppc64le"),
            (1, 2, 0x102, "loongarch64"),
            (1, 1, 0x08, "mipsel"),
            (1, 1, 0x28, "armv7"),
            (1, 1, 0x3e, "x32"),
            (1, 2, 0x1234, "machine-4660"),
        ] {
            let mut file = vec![0; 64];
            file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, data]);
            file[18..20].copy_from_slice(&machine.to_le_bytes());
            assert_eq!(of(&file).arch.map(String::from).as_deref(), Some(name));
        }
    }
}
