//! Readers with a fault, of the two kinds that such readers have: a number of a stranger's is believed, or a circle is
//! followed. Each is one that was found in a reader of somebody's.

use crate::source::{u16_le, u32_be, u32_le, u64_le};

/// The size of a member is believed.
pub(super) fn deb(bytes: &[u8]) {
    let text = bytes
        .get(8 + 48..8 + 58)
        .and_then(|size| std::str::from_utf8(size).ok());
    if let Some(size) = text.and_then(|text| text.trim_end().parse::<usize>().ok()) {
        look(bytes[8 + 60 + size - 1]);
    }
}

/// The number of entries of the header is believed.
pub(super) fn rpm(bytes: &[u8]) {
    if bytes.get(96..100) == Some(b"\x8e\xad\xe8\x01") {
        let entries = u32_be(bytes, 104).unwrap_or(0) as usize;
        look(bytes[112..][16 * entries]);
    }
}

/// The length of the optional header is believed.
pub(super) fn pe(bytes: &[u8]) {
    let header = u32_le(bytes, 0x3c).and_then(|offset| bytes.get(offset as usize..));
    if let Some(header) = header.filter(|header| header.starts_with(b"PE\0\0")) {
        look(header[24..][usize::from(u16_le(header, 20).unwrap_or(0))]);
    }
}

/// The place of the table of sections is believed.
pub(super) fn elf(bytes: &[u8]) {
    if bytes.starts_with(b"\x7fELF\x02\x01") {
        let place = u64_le(bytes, 40).unwrap_or(0);
        look(bytes[usize::try_from(place).unwrap_or(usize::MAX)]);
    }
}

/// A load command without a length is passed over by its length.
pub(super) fn mach_o(bytes: &[u8]) {
    if bytes.starts_with(b"\xcf\xfa\xed\xfe") {
        let end = 32 + u32_le(bytes, 20).unwrap_or(0) as usize;
        let mut at = 32;
        while let Some(length) = u32_le(bytes, at + 4).filter(|_| at < end) {
            at += length as usize;
            look(at);
        }
    }
}

/// The sectors of the directory are followed to their end.
pub(super) fn msi(bytes: &[u8]) {
    if !bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return;
    }
    let table = u32_le(bytes, 76).map_or(0, |sector| (sector as usize + 1) << 9);
    let mut sector = u32_le(bytes, 48);
    while let Some(number) = sector.filter(|number| *number < 128) {
        sector = u32_le(bytes, table + 4 * number as usize);
        look(number);
    }
}

/// Keeps the compiler from leaving out what comes to nothing.
fn look<T>(value: T) {
    std::hint::black_box(value);
}
