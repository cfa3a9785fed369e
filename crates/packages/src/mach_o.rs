//! Mach-O, thin or fat (`mach-o/loader.h`, `mach-o/fat.h`).

use slipway_contract::{Arch, Facts, Kind, Platform};

use crate::facts::Fill as _;
use crate::source::{Fault, Source, u32_be, u32_le, u64_le};

/// Bytes of load commands that are read; large programs have 100 KiB.
const COMMANDS: u64 = 16 << 20;
const SEGMENT: u32 = 0x01;
const SEGMENT_64: u32 = 0x19;
const CODE_SIGNATURE: u32 = 0x1d;
/// What it was built for; before 2018 only the least version of its system.
const BUILD_VERSION: u32 = 0x32;
const LEAST_MACOS: u32 = 0x24;
const LEAST_IOS: u32 = 0x25;
const LEAST_TVOS: u32 = 0x2f;
const LEAST_WATCHOS: u32 = 0x30;

/// The program for one architecture.
#[derive(Clone, Copy)]
struct Program {
    arch: Option<Arch>,
    /// A system of Apple's, as numbered in [`BUILD_VERSION`]: `mach-o/loader.h`, `PLATFORM_MACOS` and so on.
    system: u32,
}

const MACOS: u32 = 1;
const IOS: u32 = 2;
const TVOS: u32 = 3;
const WATCHOS: u32 = 4;
/// For Macs too, from the sources of an app for iPads.
const CATALYST: u32 = 6;
const IOS_SIMULATOR: u32 = 7;

/// `None` when it is no Mach-O.
pub(crate) fn read(source: &mut Source<'_>, head: &[u8]) -> Result<Option<Facts>, Fault> {
    let programs = if is_thin(head) {
        vec![thin(source, 0)?]
    } else if head.starts_with(b"\xca\xfe\xba\xbe") {
        match fat(source, head)? {
            Some(programs) => programs,
            None => return Ok(None),
        }
    } else {
        return Ok(None);
    };
    let mut facts = Facts::of(Kind::MachO);
    let mut arches: Vec<_> = programs.iter().filter_map(|program| program.arch).collect();
    arches.sort_unstable();
    arches.dedup();
    facts.arch = match arches[..] {
        [] => None,
        [one] => Some(one),
        _ => {
            facts.abis = arches.iter().map(Arch::to_string).collect();
            Some(Arch::Universal)
        }
    };
    let is_all = |systems: &[u32]| {
        programs
            .iter()
            .all(|program| systems.contains(&program.system))
    };
    if is_all(&[IOS]) {
        facts.platform = Some(Platform::Ios);
    } else if !is_all(&[MACOS, CATALYST]) {
        facts.set_no_platform("a simulator, tvOS, watchOS or another system of Apple's");
    }
    Ok(Some(facts))
}

fn is_thin(head: &[u8]) -> bool {
    head.starts_with(b"\xce\xfa\xed\xfe") || head.starts_with(b"\xcf\xfa\xed\xfe")
}

/// The program at `start`, all of whose parts are within the file.
fn thin(source: &mut Source<'_>, start: u64) -> Result<Program, Fault> {
    let wide = source.part("its header", start, 4)?.starts_with(b"\xcf");
    let size = if wide { 32 } else { 28 };
    let header = source.part("its header", start, size)?;
    let arch = u32_le(&header, 4).and_then(cpu);
    let mut system = MACOS;
    let commands = u32_le(&header, 20).map_or(0, u64::from);
    source.needs("its list of commands", start + size, commands)?;
    if commands <= COMMANDS {
        let bytes = source.read(start + size, commands)?;
        for (command, body) in Commands(&bytes) {
            system = system_of(command, body, arch).unwrap_or(system);
            let (what, end) = match command {
                SEGMENT => ("a segment", sum(u32_le(body, 32), u32_le(body, 36))),
                SEGMENT_64 => ("a segment", wide_sum(body)),
                CODE_SIGNATURE => ("its signature", sum(u32_le(body, 8), u32_le(body, 12))),
                _ => continue,
            };
            source.needs(what, start, end.unwrap_or(u64::MAX))?;
        }
    }
    Ok(Program { arch, system })
}

/// The system that a load command names, if it is one that does. No phone has a processor of Intel's: what is for one is
/// for a simulator.
fn system_of(command: u32, body: &[u8], arch: Option<Arch>) -> Option<u32> {
    let system = match command {
        BUILD_VERSION => u32_le(body, 8)?,
        LEAST_MACOS => MACOS,
        LEAST_IOS => IOS,
        LEAST_TVOS => TVOS,
        LEAST_WATCHOS => WATCHOS,
        _ => return None,
    };
    match (system, arch) {
        (IOS, Some(Arch::X86 | Arch::X86_64)) => Some(IOS_SIMULATOR),
        _ => Some(system),
    }
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

/// The programs of a fat file. A Java class begins with the same four bytes, and then has its
/// version, 45 or more, where this has a count: no fat file has so many.
fn fat(source: &mut Source<'_>, head: &[u8]) -> Result<Option<Vec<Program>>, Fault> {
    const MOST: u32 = 20;
    let Some(count) = u32_be(head, 4).filter(|count| (1..=MOST).contains(count)) else {
        return Ok(None);
    };
    source.needs("its list of architectures", 8, u64::from(count) * 20)?;
    let mut programs = Vec::new();
    for index in 0..count as usize {
        let number = |place| u32_be(head, 8 + index * 20 + place).unwrap_or(0);
        let (start, length) = (u64::from(number(8)), u64::from(number(12)));
        source.needs("the program for one of its architectures", start, length)?;
        let system = if is_thin(&source.read(start, length.min(4))?) {
            thin(source, start)?.system
        } else {
            MACOS
        };
        let arch = cpu(number(0));
        programs.push(Program { arch, system });
    }
    Ok(Some(programs))
}

fn cpu(kind: u32) -> Option<Arch> {
    let name = match kind {
        7 => return Some(Arch::X86),
        12 => return Some(Arch::Armv7),
        18 => "ppc",
        0x0100_0007 => return Some(Arch::X86_64),
        0x0100_000c => return Some(Arch::Aarch64),
        0x0100_0012 => "ppc64",
        0x0200_000c => "arm64_32",
        _ => return format!("machine-{kind}").parse().ok(),
    };
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::source::read_bytes;
    use slipway_contract::{Arch, Facts, Kind, Platform};

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
        assert_eq!(both.platform, Some(Platform::Macos));
        assert_eq!(both.abis, ["x86_64", "aarch64"]);
        let power = of(&fat_of(&[18])).unwrap().unwrap();
        assert_eq!(power.arch, Some("ppc".parse().unwrap()));
        let one = of(&fat_of(&[0x0100_0007])).unwrap().unwrap();
        assert_eq!(one.arch, Some(Arch::X86_64));
        let java = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 20, 0, 0];
        assert_eq!(of(&java), Ok(None));
    }

    /// A program with one load command.
    fn built(cpu: u32, command: u32, number: u32) -> Vec<u8> {
        let mut file = b"\xcf\xfa\xed\xfe".to_vec();
        for number in [cpu, 0, 2, 1, 16, 0, 0, command, 16, number, 0] {
            file.extend(number.to_le_bytes());
        }
        file
    }

    #[test]
    fn a_program_of_apple_s_is_for_the_system_that_it_was_built_for() {
        const INTEL: u32 = 0x0100_0007;
        const ARM: u32 = 0x0100_000c;
        for (file, platform) in [
            (built(ARM, 0x32, 1), Platform::Macos),
            (built(ARM, 0x32, 6), Platform::Macos),
            (built(INTEL, 0x24, 0), Platform::Macos),
            (built(ARM, 0x32, 2), Platform::Ios),
            (built(ARM, 0x25, 0), Platform::Ios),
            (built(INTEL, 0x25, 0), Platform::None),
            (built(ARM, 0x32, 7), Platform::None),
            (built(ARM, 0x32, 3), Platform::None),
            (built(ARM, 0x32, 11), Platform::None),
            (built(ARM, 0x2f, 0), Platform::None),
            (built(ARM, 0x30, 0), Platform::None),
        ] {
            let facts = of(&file).unwrap().unwrap();
            assert_eq!(facts.platform, Some(platform));
            assert_eq!(
                facts.warnings.len(),
                usize::from(platform == Platform::None)
            );
        }
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
