//! The chunks and string pools that Android's binary XML and resource tables are made of
//! (AOSP, `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h`).
//!
//! Nothing is unpacked before it is asked for. `None` everywhere means: not well formed.

use crate::source::{u16_le, u32_le};

pub(super) const STRING_POOL: u16 = 0x0001;

/// Longest string that is read, in bytes or UTF-16 units: names and labels are far shorter.
const LONGEST: usize = 4096;

#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u16,
    /// Length of its header, including the eight bytes that every chunk has.
    pub(super) header: usize,
    /// The whole chunk.
    pub(super) bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    pub(super) fn first(bytes: &'a [u8]) -> Option<Self> {
        let header = usize::from(u16_le(bytes, 2)?);
        let size = u32_le(bytes, 4)? as usize;
        if header < 8 || size < header {
            return None;
        }
        Some(Self {
            kind: u16_le(bytes, 0)?,
            header,
            bytes: bytes.get(..size)?,
        })
    }

    pub(super) fn body(&self) -> &'a [u8] {
        &self.bytes[self.header..]
    }

    /// The chunks in its body, up to the first that is not well formed.
    pub(super) fn children(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.body();
        std::iter::from_fn(move || {
            let chunk = Chunk::first(rest)?;
            rest = &rest[chunk.bytes.len()..];
            Some(chunk)
        })
    }
}

pub(super) struct StringPool<'a> {
    chunk: Chunk<'a>,
    count: usize,
    strings: &'a [u8],
    utf8: bool,
}

impl<'a> StringPool<'a> {
    pub(super) fn read(chunk: Chunk<'a>) -> Option<Self> {
        let count = u32_le(chunk.bytes, 8)? as usize;
        let flags = u32_le(chunk.bytes, 16)?;
        let start = u32_le(chunk.bytes, 20)? as usize;
        (chunk.kind == STRING_POOL).then_some(Self {
            chunk,
            count,
            strings: chunk.bytes.get(start..)?,
            utf8: flags & 0x100 != 0,
        })
    }

    pub(super) fn get(&self, index: u32) -> Option<String> {
        let index = index as usize;
        if index >= self.count {
            return None;
        }
        let offset = u32_le(self.chunk.bytes, self.chunk.header + 4 * index)?;
        let string = self.strings.get(offset as usize..)?;
        if self.utf8 {
            utf8(string)
        } else {
            utf16(string)
        }
    }
}

/// Two lengths, in characters and in bytes, each of one or two bytes; then the string.
fn utf8(string: &[u8]) -> Option<String> {
    let length = |at: usize| {
        let first = usize::from(*string.get(at)?);
        if first & 0x80 == 0 {
            return Some((first, at + 1));
        }
        let second = usize::from(*string.get(at + 1)?);
        Some(((first & 0x7f) << 8 | second, at + 2))
    };
    let (_, at) = length(0)?;
    let (bytes, at) = length(at)?;
    let string = string.get(at..at + bytes)?;
    Some(String::from_utf8_lossy(&string[..bytes.min(LONGEST)]).into_owned())
}

/// A length in units, of one or two units; then the string.
fn utf16(string: &[u8]) -> Option<String> {
    let first = usize::from(u16_le(string, 0)?);
    let (units, at) = if first & 0x8000 == 0 {
        (first, 2)
    } else {
        let second = usize::from(u16_le(string, 2)?);
        ((first & 0x7fff) << 16 | second, 4)
    };
    let string = string.get(at..at + 2 * units)?;
    let (pairs, _) = string.as_chunks::<2>();
    let units: Vec<u16> = pairs
        .iter()
        .take(LONGEST)
        .map(|pair| u16::from_le_bytes(*pair))
        .collect();
    Some(String::from_utf16_lossy(&units))
}
