//! The sections of a program.

use crate::source::u32_le;

/// Bytes of an entry of their table.
pub(super) const SECTION: usize = 40;

/// Where in the file the byte is that is loaded at `address`.
pub(super) fn place(sections: &[u8], address: u32) -> Option<u64> {
    sections.chunks_exact(SECTION).find_map(|section| {
        let number = |at| u32_le(section, at);
        let into = address.checked_sub(number(12)?)?;
        let start = number(20).filter(|_| Some(into) < number(16))?;
        Some(u64::from(start) + u64::from(into))
    })
}
