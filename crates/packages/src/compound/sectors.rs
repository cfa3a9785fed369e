//! The sectors of a compound file ([MS-CFB], 2.1 to 2.5).

use crate::source::{Fault, Source, u32_le};

/// Sectors of the table that the header names itself; others are named by sectors of their own.
const IN_HEADER: usize = 109;
pub(super) const FREE: u32 = 0xffff_ffff;

#[derive(Clone, Copy)]
pub(super) struct Sectors {
    shift: u16,
}

impl Sectors {
    /// Of two to the power of `shift` bytes each.
    pub(super) const fn of(shift: u16) -> Self {
        Self { shift }
    }

    pub(super) fn size(self) -> u64 {
        1 << self.shift
    }

    /// The header takes the place of the first.
    pub(super) fn start(self, number: u32) -> u64 {
        (u64::from(number) + 1) << self.shift
    }

    pub(super) fn read(self, source: &mut Source<'_>, number: u32) -> Result<Vec<u32>, Fault> {
        let bytes = source.part("its table of sectors", self.start(number), self.size())?;
        let number = |bytes: &[u8]| u32_le(bytes, 0).unwrap_or(FREE);
        Ok(bytes.chunks_exact(4).map(number).collect())
    }
}

/// The sectors that the table of sectors lies in.
pub(super) fn table(
    source: &mut Source<'_>,
    head: &[u8],
    sectors: Sectors,
) -> Result<Vec<u32>, Fault> {
    let count = u32_le(head, 44).unwrap_or(0) as usize;
    // Each is within the file, or their list would be longer than the file.
    source.needs("its table of sectors", 0, count as u64 * sectors.size())?;
    let number = |index| u32_le(head, 76 + 4 * index).unwrap_or(FREE);
    let mut table: Vec<u32> = (0..count.min(IN_HEADER)).map(number).collect();
    let mut next = u32_le(head, 68).unwrap_or(FREE);
    while table.len() < count {
        let mut more = sectors.read(source, next)?;
        next = more.pop().unwrap_or(FREE);
        more.truncate(count - table.len());
        table.extend(more);
    }
    Ok(table)
}
