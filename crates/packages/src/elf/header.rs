//! The header of an ELF, and the tables that it names.

use crate::source::{Fault, Source, u16_be, u16_le, u32_be, u32_le, u64_be, u64_le};

/// Bytes of a table of sections or segments that are read: a million entries. Larger ones are not looked into.
pub(super) const TABLE: u64 = 64 << 20;

/// How numbers are written.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) wide: bool,
    pub(super) big_endian: bool,
}

impl Fields {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let [class, data] = *head.get(4..6)?.first_chunk()?;
        (matches!(class, 1 | 2) && matches!(data, 1 | 2)).then_some(Self {
            wide: class == 2,
            big_endian: data == 2,
        })
    }

    pub(super) fn half(self, bytes: &[u8], at: usize) -> Option<u64> {
        let half = if self.big_endian { u16_be } else { u16_le };
        half(bytes, at).map(u64::from)
    }

    pub(super) fn word(self, bytes: &[u8], at: usize) -> Option<u64> {
        let word = if self.big_endian { u32_be } else { u32_le };
        word(bytes, at).map(u64::from)
    }

    /// A number as wide as an address, which lies at one place in the narrow form and at another in the wide one.
    pub(super) fn long(self, bytes: &[u8], narrow: usize, wide: usize) -> Option<u64> {
        match (self.wide, self.big_endian) {
            (false, _) => self.word(bytes, narrow),
            (true, false) => u64_le(bytes, wide),
            (true, true) => u64_be(bytes, wide),
        }
    }
}

pub(super) struct Header {
    pub(super) machine: u64,
    pub(super) segments: Table,
    pub(super) sections: Table,
}

#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) offset: u64,
    pub(super) entry: u64,
    pub(super) count: u64,
}

impl Table {
    pub(super) fn length(self) -> u64 {
        self.entry.saturating_mul(self.count)
    }

    pub(super) fn end(self) -> u64 {
        self.offset.saturating_add(self.length())
    }
}

impl Header {
    pub(super) fn read(fields: Fields, head: &[u8]) -> Option<Self> {
        let sizes = if fields.wide { 52 } else { 40 };
        let half = |at: usize| fields.half(head, sizes + at);
        // The last field of the header.
        half(10)?;
        Some(Self {
            machine: fields.half(head, 18)?,
            segments: Table {
                offset: fields.long(head, 28, 32)?,
                entry: half(2)?,
                count: half(4)?,
            },
            sections: Table {
                offset: fields.long(head, 32, 40)?,
                entry: half(6)?,
                count: half(8)?,
            },
        })
    }
}

/// The entries of a table; none of one that is too long.
pub(super) fn entries(source: &mut Source<'_>, table: Table) -> Result<Vec<Vec<u8>>, Fault> {
    if table.entry == 0 || table.length() > TABLE {
        return Ok(Vec::new());
    }
    let bytes = source.read(table.offset, table.length())?;
    let entry = usize::try_from(table.entry).unwrap_or(usize::MAX);
    Ok(bytes.chunks(entry).map(<[u8]>::to_vec).collect())
}
