//! The version resource of a program (Microsoft, "The .rsrc Section", `VS_VERSIONINFO`, `StringFileInfo`).

use slipway_contract::{Facts, Version};

use super::sections::place;
use crate::facts::Fill as _;
use crate::{
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le},
};

const VERSION: u32 = 16;
/// Entries of a folder of resources that are looked at; each language and each icon is one.
const ENTRIES: u64 = 4096;
/// Bytes of the resource; with twenty languages it has 20 KiB.
const RESOURCE: u64 = 64 << 10;
const FIXED: u32 = 0xfeef_04bd;
/// Of an entry of a folder: it leads to another folder.
const FOLDER: u32 = 1 << 31;

/// Takes the name of the product and its version: the text, if it is a version, else the four numbers.
pub(super) fn describe(
    facts: &mut Facts,
    source: &mut Source<'_>,
    optional: &[u8],
    sections: &[u8],
    limits: &Limits,
) -> Result<(), Fault> {
    let Some(bytes) = resource(source, optional, sections)? else {
        return Ok(());
    };
    let Some(whole) = Block::first(&bytes) else {
        return Err(Fault::malformed("it is damaged"));
    };
    let strings = strings(&whole);
    let find = |name: &str| {
        let found = strings.iter().find(|(own, _)| own == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    };
    let texts = [find("ProductVersion"), find("FileVersion")];
    let text = texts
        .into_iter()
        .flatten()
        .find(|text| text.parse::<Version>().is_ok());
    let version = text.map(str::to_owned).or_else(|| numbers(whole.value));
    facts.say(None, version.as_deref().or(texts[0]), limits);
    if let Some(name) = find("ProductName").or_else(|| find("FileDescription")) {
        facts.say_label(name, limits);
    }
    Ok(())
}

/// `VS_FIXEDFILEINFO`: the version of the product, else of the file.
fn numbers(fixed: &[u8]) -> Option<String> {
    let number = |at| u32_le(fixed, at);
    (number(0)? == FIXED).then_some(())?;
    let version = |at| Some((number(at)?, number(at + 4)?)).filter(|version| *version != (0, 0));
    let (high, low) = version(16).or_else(|| version(8))?;
    let parts = [high >> 16, high & 0xffff, low >> 16, low & 0xffff];
    Some(parts.map(|part| part.to_string()).join("."))
}

/// The names and values of the first language.
fn strings(whole: &Block<'_>) -> Vec<(String, String)> {
    let info = blocks(whole.children).find(|block| block.key == "StringFileInfo");
    let table = info.and_then(|info| blocks(info.children).next());
    let strings = table.map(|table| blocks(table.children));
    let strings = strings.into_iter().flatten();
    strings
        .map(|string| (string.key, text(string.rest)))
        .collect()
}

/// A part of the resource.
struct Block<'a> {
    length: usize,
    key: String,
    value: &'a [u8],
    /// The value and what follows it: that of a text ends at its zero, whatever its length says.
    rest: &'a [u8],
    children: &'a [u8],
}

impl<'a> Block<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16_le(bytes, 0)?).max(6);
        let bytes = bytes.get(..length)?;
        let value = usize::from(u16_le(bytes, 2)?);
        // The length of a text is in units of two bytes.
        let value = if u16_le(bytes, 4)? == 1 {
            2 * value
        } else {
            value
        };
        let key = text(&bytes[6..]);
        let start = (6 + 2 * (key.encode_utf16().count() + 1)).next_multiple_of(4);
        let rest = bytes.get(start..).unwrap_or_default();
        Some(Self {
            length,
            key,
            value: rest.get(..value).unwrap_or_default(),
            rest,
            children: rest.get(value.next_multiple_of(4)..).unwrap_or_default(),
        })
    }
}

/// The parts one after the other.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let block = Block::first(rest)?;
        rest = rest
            .get(block.length.next_multiple_of(4)..)
            .unwrap_or_default();
        Some(block)
    })
}

/// A text up to its zero.
fn text(bytes: &[u8]) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// The first version resource of the first language. `None` where there is none.
fn resource(
    source: &mut Source<'_>,
    optional: &[u8],
    sections: &[u8],
) -> Result<Option<Vec<u8>>, Fault> {
    // The third of the directories.
    let entry = match u16_le(optional, 0) {
        Some(0x10b) => 96 + 2 * 8,
        Some(0x20b) => 112 + 2 * 8,
        _ => return Ok(None),
    };
    let address = u32_le(optional, entry).filter(|address| *address > 0);
    let Some(base) = address.and_then(|address| place(sections, address)) else {
        return Ok(None);
    };
    let mut at = 0;
    for wanted in [Some(VERSION), None, None] {
        match entry_of(source, base, at, wanted)? {
            Some(next) => at = next & !FOLDER,
            None => return Ok(None),
        }
    }
    let data = source.read(base + u64::from(at), 8)?;
    let (address, length) = (u32_le(&data, 0).unwrap_or(0), u32_le(&data, 4).unwrap_or(0));
    match place(sections, address) {
        Some(start) => source
            .read(start, u64::from(length).min(RESOURCE))
            .map(Some),
        None => Ok(None),
    }
}

/// Where an entry of a folder of resources leads: the one with this number, or the first.
fn entry_of(
    source: &mut Source<'_>,
    base: u64,
    at: u32,
    wanted: Option<u32>,
) -> Result<Option<u32>, Fault> {
    let start = base + u64::from(at);
    let header = source.read(start, 16)?;
    let count = |at| u16_le(&header, at).map_or(0, u64::from);
    let length = (count(12) + count(14)).min(ENTRIES) * 8;
    let entries = source.read(start + 16, length)?;
    let found = entries
        .chunks_exact(8)
        .find(|entry| wanted.is_none_or(|wanted| u32_le(entry, 0) == Some(wanted)));
    Ok(found.and_then(|entry| u32_le(entry, 4)))
}

#[cfg(test)]
mod tests {
    use super::{Block, numbers, strings};

    /// A part of the resource: its key, its value, the parts within.
    fn block(key: &str, kind: u16, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; 6];
        let length = u16::try_from(value.len()).expect("it is short");
        bytes[2..4].copy_from_slice(&(if kind == 1 { length / 2 } else { length }).to_le_bytes());
        bytes[4] = kind.to_le_bytes()[0];
        bytes.extend(key.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(value);
        for child in children {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend(child);
        }
        let length = u16::try_from(bytes.len()).expect("it is short");
        bytes[..2].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    fn resource(version: &str) -> Vec<u8> {
        let utf16 = |text: &str| -> Vec<u8> {
            text.encode_utf16()
                .chain([0])
                .flat_map(u16::to_le_bytes)
                .collect()
        };
        let mut fixed = vec![0; 52];
        fixed[..4].copy_from_slice(&super::FIXED.to_le_bytes());
        fixed[16..24].copy_from_slice(&[2, 0, 1, 0, 4, 0, 3, 0]);
        let strings = [("ProductName", "Notes"), ("ProductVersion", version)];
        let strings = strings.map(|(key, value)| block(key, 1, &utf16(value), &[]));
        let table = block("040904b0", 1, &[], &strings);
        let info = block("StringFileInfo", 1, &[], &[table]);
        block("VS_VERSION_INFO", 0, &fixed, &[info])
    }

    #[test]
    fn names_and_numbers_are_read() {
        let bytes = resource("1.2.3-beta");
        let whole = Block::first(&bytes).unwrap();
        assert_eq!(numbers(whole.value).as_deref(), Some("1.2.3.4"));
        let wanted = [("ProductName", "Notes"), ("ProductVersion", "1.2.3-beta")];
        assert_eq!(
            strings(&whole),
            wanted.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn any_byte_wrong_or_missing_never_panics() {
        let whole = resource("1.2.3");
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            for change in [1, 0x80, 0xff] {
                bytes[place] = whole[place] ^ change;
                Block::first(&bytes).map(|block| strings(&block));
            }
            Block::first(&whole[..place]).map(|block| strings(&block));
        }
    }
}
