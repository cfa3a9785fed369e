//! Values after their lengths, as the schemes of signatures write them.

use crate::source::u32_le;

/// A part that is preceded by its length, and what follows it.
pub(super) fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32_le(bytes, 0)? as usize;
    bytes[4..].split_at_checked(length)
}
