//! `resources.arsc`: what a resource's id stands for, in every configuration that it has a value for.

use std::collections::{HashSet, VecDeque};

use super::{
    strings::{Chunk, STRING_POOL, StringPool},
    value::Value,
};
use crate::source::{u16_le, u32_le};

const TABLE: u16 = 0x0002;
const PACKAGE: u16 = 0x0200;
const TYPE: u16 = 0x0201;

const SPARSE: u8 = 1;
const SHORT_OFFSETS: u8 = 2;
const COMPLEX: u16 = 1;
const COMPACT: u16 = 8;

/// Lookups for one question: references may lead to references, and a hostile table in circles.
const LOOKUPS: usize = 32;

/// Texts that one question may gather: one for each language and density, with much room. A table can
/// name one long text millions of times.
const TEXTS: usize = 1024;

pub(super) struct Resources<'a> {
    strings: StringPool<'a>,
    table: Chunk<'a>,
}

/// A text, and the configuration of the device that it is for.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) text: String,
    /// Dots per inch; 0 where it does not matter, 0xfffe for any, 0xffff for none.
    pub(super) density: u16,
    /// The API level that it is for, and all that follow.
    pub(super) sdk: u16,
    /// For the dark appearance alone.
    pub(super) night: bool,
    /// For every device and language that nothing else is there for.
    pub(super) default: bool,
    pub(super) language: [u8; 2],
}

impl<'a> Resources<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let table = Chunk::first(bytes).filter(|chunk| chunk.kind == TABLE)?;
        let pool = table.children().find(|chunk| chunk.kind == STRING_POOL)?;
        Some(Self {
            strings: StringPool::read(pool)?,
            table,
        })
    }

    /// Every text that `id` stands for, references followed.
    pub(super) fn texts(&self, id: u32) -> Vec<Found> {
        let mut found = Vec::new();
        self.each(id, |config, value| {
            if let Value::Text(text) = value {
                found.push(config.with(text));
            }
            found.len() < TEXTS
        });
        found
    }

    /// The colour that `id` stands for on most devices, references followed.
    pub(super) fn color(&self, id: u32) -> Option<u32> {
        self.plain(id, |value| match value {
            Value::Color(color) => Some(color),
            _ => None,
        })
    }

    /// As [`Value::Share`].
    pub(super) fn share(&self, id: u32) -> Option<u32> {
        self.plain(id, |value| match value {
            Value::Share(share) => Some(share),
            _ => None,
        })
    }

    /// The first value of a kind, or the one that is for every device.
    fn plain(&self, id: u32, kind: impl Fn(Value) -> Option<u32>) -> Option<u32> {
        let mut found = None;
        self.each(id, |config, value| {
            let value = kind(value);
            if config.is_default() {
                found = value.or(found);
            } else {
                found = found.or(value);
            }
            !(config.is_default() && found.is_some())
        });
        found
    }

    /// Gives every value that `id` stands for, references followed, until it has enough.
    fn each(&self, id: u32, mut wants_more: impl FnMut(Config<'a>, Value) -> bool) {
        let mut waiting = VecDeque::from([id]);
        let mut seen = HashSet::from([id]);
        while let Some(id) = waiting.pop_front() {
            for (config, value) in self.values(id) {
                match value {
                    Value::Reference(next) if seen.len() < LOOKUPS && seen.insert(next) => {
                        waiting.push_back(next);
                    }
                    Value::Reference(_) => {}
                    value => {
                        if !wants_more(config, value) {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Ids are `0xPPTTEEEE`: package, type, entry.
    pub(super) fn values(&self, id: u32) -> impl Iterator<Item = (Config<'a>, Value)> {
        let [package, kind, ..] = id.to_be_bytes();
        let entry = id & 0xffff;
        self.table
            .children()
            .filter(move |chunk| {
                chunk.kind == PACKAGE && u32_le(chunk.bytes, 8) == Some(package.into())
            })
            .flat_map(|chunk| chunk.children())
            .filter(move |chunk| chunk.kind == TYPE && chunk.bytes.get(8) == Some(&kind))
            .filter_map(move |chunk| value(chunk, entry, &self.strings))
    }
}

/// `ResTable_config`, beginning with its own size.
#[derive(Clone, Copy)]
pub(super) struct Config<'a>(&'a [u8]);

impl Config<'_> {
    fn with(self, text: String) -> Found {
        let language = self.0.get(8..10).and_then(|l| l.try_into().ok());
        Found {
            text,
            density: u16_le(self.0, 14).unwrap_or(0),
            sdk: u16_le(self.0, 24).unwrap_or(0),
            night: self.0.get(29).is_some_and(|mode| mode & 0x30 == 0x20),
            default: self.is_default(),
            language: language.unwrap_or_default(),
        }
    }

    fn is_default(self) -> bool {
        self.0[4..].iter().all(|byte| *byte == 0)
    }
}

/// The value of an entry in a `ResTable_type`, if it has a simple one there.
fn value<'a>(
    chunk: Chunk<'a>,
    entry: u32,
    strings: &StringPool<'_>,
) -> Option<(Config<'a>, Value)> {
    let flags = *chunk.bytes.get(9)?;
    let count = u32_le(chunk.bytes, 12)?;
    let start = u32_le(chunk.bytes, 16)? as usize;
    let config = chunk.bytes.get(20..chunk.header)?;
    let config = config.get(..u32_le(config, 0)? as usize)?;
    config.get(4..)?;
    let offset = offset(chunk.body(), flags, count, entry)?;
    let entry = chunk.bytes.get(start.checked_add(offset)?..)?;
    let size = u16_le(entry, 0)?;
    let flags = u16_le(entry, 2)?;
    let (kind, data) = if flags & COMPACT != 0 {
        (flags.to_le_bytes()[1], u32_le(entry, 4)?)
    } else if flags & COMPLEX != 0 {
        return None;
    } else {
        let value = entry.get(usize::from(size)..)?;
        (*value.get(3)?, u32_le(value, 4)?)
    };
    Some((Config(config), Value::read(kind, data, strings)?))
}

/// Where the entry lies, by the three ways there are to write it down.
fn offset(offsets: &[u8], flags: u8, count: u32, entry: u32) -> Option<usize> {
    if flags & SPARSE != 0 {
        let (pairs, _) = offsets.as_chunks::<4>();
        let pair = pairs
            .iter()
            .take(count as usize)
            .find(|pair| u16_le(*pair, 0).map(u32::from) == Some(entry))?;
        return Some(usize::from(u16_le(pair, 2)?) * 4);
    }
    if entry >= count {
        return None;
    }
    if flags & SHORT_OFFSETS != 0 {
        let offset = u16_le(offsets, 2 * entry as usize)?;
        return (offset != u16::MAX).then_some(usize::from(offset) * 4);
    }
    let offset = u32_le(offsets, 4 * entry as usize)?;
    (offset != u32::MAX).then_some(offset as usize)
}
