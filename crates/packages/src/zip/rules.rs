//! The rules by which an archive is refused. Each names its attack.
//!
//! They look at the directory alone: nothing is unpacked to find out how much it is. Archives inside
//! of an archive are not looked into.

use std::{borrow::Cow, collections::HashSet};

use slipway_contract::{Kind, Rule};

use super::archive::{Archive, LOCAL_HEADER_LENGTH};
use crate::{limits::Limits, source::Fault};

pub(super) fn check(archive: &Archive, length: u64, limits: &Limits) -> Result<(), Fault> {
    names_stay_inside(archive)?;
    entries_share_no_bytes(archive)?;
    size_is_in_proportion(archive, length, limits)
}

/// What the names in a package of this kind have that is odd and harms nobody, as warnings.
pub(super) fn oddities(archive: &Archive, kind: Kind) -> Result<Vec<String>, Fault> {
    let mut warnings = Vec::new();
    if let Some(name) = archive.names().find(|name| name.contains(&b'\\')) {
        warnings.push(format!(
            "backslashes: the archive has an entry {}, and its format separates folders by `/`, so that some systems make one file of a long name: pack it with another tool (Windows PowerShell 5.1 writes such names)",
            show(name)
        ));
    }
    if let Some(name) = named_twice(archive) {
        if is_installed_whole(kind) {
            let detail = format!("the archive has two entries named {}", show(name));
            return Err(refused(Rule::Duplicate, detail));
        }
        warnings.push(format!(
            "name_twice: the archive has two entries named {}, of which some readers take the first and some the last: leave one out",
            show(name)
        ));
    }
    Ok(warnings)
}

/// A name as `../../.bashrc` or `C:\Windows\x.dll` writes outside of the folder that is unpacked into
/// ("zip slip"). The format has `/` alone, and Windows takes both, so both separate here.
fn names_stay_inside(archive: &Archive) -> Result<(), Fault> {
    let separates = |byte: &u8| matches!(byte, b'/' | b'\\');
    for name in archive.names() {
        let problem = if name.first().is_some_and(separates) {
            "that begins at the root"
        } else if name.get(1) == Some(&b':') && name[0].is_ascii_alphabetic() {
            "that begins with a drive"
        } else if name.split(separates).any(|part| part == b"..") {
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

/// A file's name that stands there twice, in either spelling. A folder named twice is harmless.
fn named_twice(archive: &Archive) -> Option<&[u8]> {
    let mut seen = HashSet::with_capacity(archive.entries.len());
    archive
        .names()
        .filter(|name| !name.ends_with(b"/") && !name.ends_with(b"\\"))
        .find(|name| !seen.insert(with_slashes(name)))
}

fn with_slashes(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'\\') {
        return Cow::Borrowed(name);
    }
    let slash = |byte: &u8| if *byte == b'\\' { b'/' } else { *byte };
    Cow::Owned(name.iter().map(slash).collect())
}

/// Whether a system checks and installs the package as a whole. Of two entries of one name, some readers take the first and
/// some the last, so that the check sees one file and the user runs the other (Android's "master key"). Tools that only
/// collect files, such as those that make one jar out of many, write a licence twice, and nothing comes of it.
fn is_installed_whole(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Apk
            | Kind::Aab
            | Kind::Ipa
            | Kind::Xapk
            | Kind::Apks
            | Kind::Apkm
            | Kind::Msix
            | Kind::Hap
    )
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
