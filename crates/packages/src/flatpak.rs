//! Flatpak bundles: one static delta of `OSTree`, whose metadata name the app (flatpak, `flatpak-utils.c`,
//! `flatpak_bundle_load`; `GVariant` specification 1.0, "Serialisation Format").

use slipway_contract::{Facts, Kind};

use crate::{
    facts::shown,
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le, u64_le},
};

/// What the metadata begin with: the name of their first entry.
const MAGIC: &[u8] = b"flatpak\0";
/// Entries of the metadata, one for each part of the content and some that describe it.
const ENTRIES: u64 = 100_000;
/// Bytes of an entry that is a text.
const TEXT: u64 = 4096;

/// `None` when it is none.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(MAGIC) {
        return Ok(None);
    }
    // The places where its parts end stand at its end, the first last: where that is cut off, other bytes are taken for it.
    let length = source.length();
    let size = offset_size(length);
    let (_, tail) = source.tail(size)?;
    let end = number(&tail).filter(|end| *end > 8 && *end <= length - size);
    let reference = match end {
        Some(end) => reference(source, end)?,
        None => None,
    };
    let reference = reference
        .ok_or_else(|| Fault::damaged("the list of its parts at its end is damaged or missing"))?;
    let mut facts = Facts::of(Kind::Flatpak);
    // `app/org.example.Notes/x86_64/stable`
    let mut parts = reference.split('/').skip(1);
    facts.identifier = parts.next().and_then(|id| shown(id, limits.text));
    facts.arch = parts.next().and_then(|arch| arch.parse().ok());
    Ok(Some(facts))
}

/// The text of the entry `ref` in the dictionary of variants, `a{sv}`, that ends at `end` and holds the content too. `None`
/// where it is not well formed.
fn reference(source: &mut Source<'_>, end: u64) -> Result<Option<String>, Fault> {
    let size = offset_size(end);
    let Some(table) = number(&source.read(end - size, size)?).filter(|table| *table < end) else {
        return Ok(None);
    };
    if !(end - table).is_multiple_of(size) || (end - table) / size > ENTRIES {
        return Ok(None);
    }
    let ends = source.read(table, end - table)?;
    let mut start = 0_u64;
    let mut found = None;
    for stop in ends.chunks_exact(usize::try_from(size).unwrap_or(1)) {
        let Some(stop) = number(stop).filter(|stop| *stop > start && *stop <= table) else {
            return Ok(None);
        };
        if stop - start <= TEXT {
            let entry = source.read(start, stop - start)?;
            found = found.or(entry.strip_prefix(b"ref\0").and_then(text));
        }
        start = stop.next_multiple_of(8);
    }
    Ok(found)
}

/// A variant that is a text: the text, zero, zero, `s`; and one byte, where the name before it ends.
fn text(rest: &[u8]) -> Option<String> {
    let value = rest.get(4..)?.strip_suffix(&[4][..])?;
    let text = value.strip_suffix(b"\0\0s")?;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

/// How many bytes a place takes in a container of this length.
fn offset_size(length: u64) -> u64 {
    match length {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        1 => bytes.first().copied().map(u64::from),
        2 => u16_le(bytes, 0).map(u64::from),
        4 => u32_le(bytes, 0).map(u64::from),
        _ => u64_le(bytes, 0),
    }
}
