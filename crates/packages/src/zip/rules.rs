//! The rules by which an archive is refused. Each names its attack.
//!
//! They look at the directory alone: nothing is unpacked to find out how much it is. Archives inside
//! of an archive are not looked into.

use std::collections::HashSet;

use super::{Archive, LOCAL_HEADER_LENGTH};
use crate::{Limits, Rule, source::Fault};

pub(super) fn check(archive: &Archive, length: u64, limits: &Limits) -> Result<(), Fault> {
    names_stay_inside(archive)?;
    names_are_unique(archive)?;
    entries_share_no_bytes(archive)?;
    size_is_in_proportion(archive, length, limits)
}

/// A name as `../../.bashrc` or `C:\Windows\x.dll` writes outside of the folder that is unpacked into
/// ("zip slip"). A backslash is refused anywhere: the format has `/` alone, and Windows takes both.
fn names_stay_inside(archive: &Archive) -> Result<(), Fault> {
    for name in archive.names() {
        let problem = if name.contains(&b'\\') {
            "with a backslash; the format separates folders by `/`"
        } else if name.starts_with(b"/") {
            "that begins at the root"
        } else if name.get(1) == Some(&b':') && name[0].is_ascii_alphabetic() {
            "that begins with a drive"
        } else if name.split(|byte| *byte == b'/').any(|part| part == b"..") {
            "that leads to the folder above"
        } else if name.contains(&0) {
            "with a NUL"
        } else {
            continue;
        };
        return Err(refused(
            Rule::Climbing,
            format!("the archive has an entry {} {problem}", show(name)),
        ));
    }
    Ok(())
}

/// Of two entries of one name, some readers take the first and some the last, so that a check sees
/// one file and the user runs the other (Android's "master key"). A folder named twice is harmless.
fn names_are_unique(archive: &Archive) -> Result<(), Fault> {
    let mut seen = HashSet::with_capacity(archive.entries.len());
    match archive
        .names()
        .filter(|name| !name.ends_with(b"/"))
        .find(|name| !seen.insert(*name))
    {
        None => Ok(()),
        Some(name) => Err(refused(
            Rule::Duplicate,
            format!("the archive has two entries named {}", show(name)),
        )),
    }
}

/// A few kilobytes that thousands of entries share unpack to terabytes (Fifield, "A better zip bomb",
/// 2019). Each entry takes at least its local header, its name and its packed bytes. The local header
/// may hold more; then it overlaps by 128 KiB at most, which gains an attacker nothing.
fn entries_share_no_bytes(archive: &Archive) -> Result<(), Fault> {
    let mut claims: Vec<(u64, u64, &[u8])> = archive
        .entries
        .iter()
        .map(|entry| {
            let name = archive.name(entry);
            let taken = (LOCAL_HEADER_LENGTH + name.len() as u64).saturating_add(entry.packed);
            (entry.offset, entry.offset.saturating_add(taken), name)
        })
        .collect();
    claims.push((archive.directory_offset, u64::MAX, b"(the directory)"));
    claims.sort_unstable();
    match claims.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        None => Ok(()),
        Some(pair) => Err(refused(
            Rule::Overlap,
            format!(
                "the entries {} and {} share bytes",
                show(pair[0].2),
                show(pair[1].2)
            ),
        )),
    }
}

/// A small file that fills the disk of whoever unpacks it.
fn size_is_in_proportion(archive: &Archive, length: u64, limits: &Limits) -> Result<(), Fault> {
    let unpacked = archive
        .entries
        .iter()
        .fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    let allowed = length
        .saturating_mul(limits.ratio)
        .max(limits.ratio_from)
        .min(limits.unpacked);
    if unpacked <= allowed {
        return Ok(());
    }
    Err(refused(
        Rule::Bomb,
        format!(
            "the archive has {length} bytes and unpacks to {unpacked}; at most {allowed} are allowed"
        ),
    ))
}

fn refused(rule: Rule, detail: String) -> Fault {
    Fault::Refused { rule, detail }
}

/// A name for a message: quoted, without control characters, and not endless.
fn show(name: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(name).chars().take(80).collect();
    format!("{text:?}")
}
