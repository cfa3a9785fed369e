//! The zip reader: what it takes stays in the folder that it is unpacked into, shares no bytes, is in proportion, and is
//! the same archive when its entries are packed anew.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use super::archive::{Archive, LOCAL_HEADER_LENGTH};
use super::directory;
use crate::{
    limits::Limits,
    source::{Fault, Source},
    trial::{self, LIMITS, Metered},
};

/// Bytes of an entry that are asked for.
const MOST: u64 = 64 << 10;

pub(crate) fn archive(bytes: &[u8], planted: bool) {
    let open = if planted { unchecked } else { Archive::open };
    let mut input = Metered::new(bytes);
    let mut source = Source::new(&mut input).expect("bytes can be sought in");
    if let Ok(archive) = open(&mut source, &LIMITS) {
        names_stay(&archive);
        claims_are_apart(&archive);
        is_in_proportion(&archive, bytes.len() as u64);
        is_the_same_packed_anew(&archive, &mut source);
    }
    trial::inspected(bytes);
}

/// By another reading than the rule's: that of the standard library, for both separators.
fn names_stay(archive: &Archive) {
    assert!(archive.entries.len() as u64 <= LIMITS.entries);
    for name in archive.names() {
        let slashes: Vec<u8> = name
            .iter()
            .map(|byte| if *byte == b'\\' { b'/' } else { *byte })
            .collect();
        let stays = Path::new(OsStr::from_bytes(&slashes))
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        assert!(stays && !name.contains(&0), "{:?}", name.escape_ascii());
    }
}

fn claims_are_apart(archive: &Archive) {
    let mut taken: Vec<_> = archive
        .entries
        .iter()
        .map(|entry| {
            let name = archive.name(entry).len() as u64;
            entry.offset..entry.offset + LOCAL_HEADER_LENGTH + name + entry.packed
        })
        .collect();
    taken.sort_by_key(|part| part.start);
    let apart = taken.windows(2).all(|two| two[0].end <= two[1].start);
    assert!(apart, "{taken:?}");
    let end = taken.last().map_or(0, |last| last.end);
    assert!(end <= archive.directory_offset, "{taken:?}");
}

fn is_in_proportion(archive: &Archive, length: u64) {
    let unpacked: u128 = archive.entries.iter().map(|e| u128::from(e.size)).sum();
    let allowed = (length * LIMITS.ratio).max(LIMITS.ratio_from);
    assert!(unpacked <= u128::from(allowed.min(LIMITS.unpacked)));
}

fn is_the_same_packed_anew(archive: &Archive, source: &mut Source<'_>) {
    let read = |archive: &Archive, source: &mut Source<'_>| {
        let mut entries = Vec::new();
        for entry in &archive.entries {
            if let Ok(bytes) = entry.read(source, MOST) {
                assert_eq!(bytes.len() as u64, entry.size);
                assert!(entry.size <= MOST);
                entries.push((archive.name(entry).to_vec(), bytes));
            }
        }
        entries
    };
    let entries = read(archive, source);
    let parts: Vec<_> = entries.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    let packed = trial::archive(&parts, &[]);
    let mut input = Metered::new(&packed);
    let mut source = Source::new(&mut input).expect("bytes can be sought in");
    let again = Archive::open(&mut source, &LIMITS).expect("an honest archive is taken");
    assert_eq!(read(&again, &mut source), entries);
}

/// The planted fault: the directory is read, and no rule is asked.
fn unchecked(source: &mut Source<'_>, limits: &Limits) -> Result<Archive, Fault> {
    directory::read(source, limits)
}
