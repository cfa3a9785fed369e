//! Finding and reading the central directory, with its 64-bit form.

use slipway_contract::Rule;

use super::archive::{Archive, END_RECORD, Entry, LOCAL_HEADER};
use crate::{
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le, u64_le},
};

const ENTRY: &[u8] = b"PK\x01\x02";
const END_RECORD_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";

const ENTRY_LENGTH: usize = 46;
/// A header with its name, its extra fields and its comment, each as long as it can be.
const LONGEST_ENTRY: u64 = 46 + 3 * 0xffff;
const END_LENGTH: u64 = 22;
const END_64_LENGTH: u64 = 56;
const LOCATOR_64_LENGTH: u64 = 20;
const COMMENT_LIMIT: u64 = 0xffff;

/// What the end of the archive says about its directory.
struct End {
    entries: u64,
    size: u64,
    offset: u64,
    /// Where its 64-bit form lies, if there is one.
    wide: Option<u64>,
}

pub(super) fn read(source: &mut Source<'_>, limits: &Limits) -> Result<Archive, Fault> {
    let (record, end) = find_end(source)?;
    let at = end.wide.unwrap_or(record);
    if end.entries > limits.entries || end.size > limits.directory {
        return Err(Fault::Refused {
            rule: Rule::Count,
            detail: format!(
                "the archive lists {} entries in {} bytes; at most {} entries in {} bytes are allowed",
                end.entries, end.size, limits.entries, limits.directory
            ),
        });
    }
    if end
        .offset
        .checked_add(end.size)
        .is_none_or(|stop| stop > at)
    {
        return Err(Fault::malformed("its directory lies outside of it"));
    }
    let directory = source.read(end.offset, end.size)?;
    let entries = entries(&directory, end.entries)
        .ok_or_else(|| Fault::malformed("its directory is damaged"))?;
    Ok(Archive {
        directory,
        directory_offset: end.offset,
        end_offset: record,
        is_wide: end.wide.is_some(),
        entries,
    })
}

/// The last end record whose comment reaches exactly to the end of the file, as Android demands:
/// readers that search otherwise can be shown another directory inside the comment.
fn find_end(source: &mut Source<'_>) -> Result<(u64, End), Fault> {
    let (start, tail) = source.tail(END_LENGTH + COMMENT_LIMIT)?;
    let found = (0..tail.len()).rev().find(|at| {
        tail[*at..].starts_with(END_RECORD)
            && u16_le(&tail, at + 20)
                .is_some_and(|comment| at + 22 + usize::from(comment) == tail.len())
    });
    let record = found.ok_or_else(|| {
        // Bytes that follow it would be taken for its comment by some readers and for nothing by others.
        let earlier = tail
            .windows(END_RECORD.len())
            .any(|bytes| bytes == END_RECORD);
        Fault::malformed(if earlier {
            "other bytes follow the directory at its end"
        } else {
            "it has no directory at its end"
        })
    })?;
    let at = start + record as u64;
    let end = end_of(&tail[record..]).ok_or_else(|| Fault::malformed("it spans several files"))?;
    let full = end.entries == 0xffff || end.size == 0xffff_ffff || end.offset == 0xffff_ffff;
    if full && let Some(end) = find_end_64(source, at)? {
        return Ok((at, end));
    }
    Ok((at, end))
}

fn end_of(record: &[u8]) -> Option<End> {
    let one_file = u16_le(record, 4)? == 0 && u16_le(record, 6)? == 0;
    one_file.then_some(())?;
    Some(End {
        entries: u16_le(record, 10)?.into(),
        size: u32_le(record, 12)?.into(),
        offset: u32_le(record, 16)?.into(),
        wide: None,
    })
}

/// Whether a zip ends here whose directory and first entry are there; its beginning can be anything, as a script that
/// starts it. The last part of a zip alone is none: there the directory lies before the place that the record names.
pub(super) fn ends_here(source: &mut Source<'_>) -> Result<bool, Fault> {
    let (record, end) = match find_end(source) {
        Ok(found) => found,
        Err(Fault::Malformed(_)) => return Ok(false),
        Err(other) => return Err(other),
    };
    let at = end.wide.unwrap_or(record);
    let Some(directory) = at.checked_sub(end.size).filter(|_| end.entries > 0) else {
        return Ok(false);
    };
    // Places are counted from the beginning of the zip or of the file; the directory ends at the record all the same.
    let Some(before) = directory.checked_sub(end.offset) else {
        return Ok(false);
    };
    let headers = source.read(directory, end.size.min(LONGEST_ENTRY))?;
    let Some((first, _)) = entry(&headers, 0) else {
        return Ok(false);
    };
    for place in [first.offset.saturating_add(before), first.offset] {
        if place < directory && source.read(place, 4)? == LOCAL_HEADER {
            return Ok(true);
        }
    }
    Ok(false)
}

fn find_end_64(source: &mut Source<'_>, end: u64) -> Result<Option<End>, Fault> {
    let Some(at) = end.checked_sub(LOCATOR_64_LENGTH) else {
        return Ok(None);
    };
    let locator = source.read(at, LOCATOR_64_LENGTH)?;
    let Some(offset) = u64_le(&locator, 8).filter(|_| locator.starts_with(LOCATOR_64)) else {
        return Ok(None);
    };
    let record = source.read(offset, END_64_LENGTH)?;
    let parsed = || {
        Some(End {
            entries: u64_le(&record, 32)?,
            size: u64_le(&record, 40)?,
            offset: u64_le(&record, 48)?,
            wide: Some(offset),
        })
    };
    let end = parsed().filter(|_| record.starts_with(END_RECORD_64));
    Ok(Some(end.ok_or_else(|| {
        Fault::malformed("its 64-bit directory is damaged")
    })?))
}

/// Exactly `count` entries, which fill the directory.
fn entries(directory: &[u8], count: u64) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut at = 0;
    for _ in 0..count {
        let (entry, next) = entry(directory, at)?;
        entries.push(entry);
        at = next;
    }
    (at == directory.len()).then_some(entries)
}

/// The entry whose header begins at `at`, and where the next one does.
fn entry(directory: &[u8], at: usize) -> Option<(Entry, usize)> {
    let header = directory.get(at..at + ENTRY_LENGTH)?;
    if !header.starts_with(ENTRY) {
        return None;
    }
    let name = at + ENTRY_LENGTH;
    let extra = name + usize::from(u16_le(header, 28)?);
    let comment = extra + usize::from(u16_le(header, 30)?);
    let next = comment + usize::from(u16_le(header, 32)?);
    let mut entry = Entry {
        name: name..extra,
        encrypted: u16_le(header, 8)? & 1 != 0,
        method: u16_le(header, 10)?,
        crc: u32_le(header, 16)?,
        packed: u32_le(header, 20)?.into(),
        size: u32_le(header, 24)?.into(),
        offset: u32_le(header, 42)?.into(),
    };
    widen(&mut entry, directory.get(extra..comment)?)?;
    Some((entry, next))
}

/// Takes sizes and offset of more than 32 bits from the extra field 1, which holds, in this order,
/// those that are full in the header.
fn widen(entry: &mut Entry, extra: &[u8]) -> Option<()> {
    const FULL: u64 = 0xffff_ffff;
    let mut full = [&mut entry.size, &mut entry.packed, &mut entry.offset]
        .into_iter()
        .filter(|field| **field == FULL)
        .peekable();
    if full.peek().is_none() {
        return Some(());
    }
    let mut wide = field(extra, 1).unwrap_or_default();
    for value in full {
        let Some(number) = u64_le(wide, 0) else { break };
        *value = number;
        wide = wide.get(8..)?;
    }
    Some(())
}

fn field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let id = u16_le(extra, 0)?;
        let end = 4 + usize::from(u16_le(extra, 2)?);
        if id == wanted {
            return extra.get(4..end);
        }
        extra = extra.get(end..)?;
    }
}
