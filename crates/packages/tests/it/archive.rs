//! Zip archives made to order, lies included, and entries taken out of honest ones.

use std::io::{Read, Write};

use flate2::{Compression, Crc, read::DeflateDecoder, write::DeflateEncoder};

/// What the directory says of an entry; `None` is the truth.
#[derive(Clone, Default)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) deflated: bool,
    pub(crate) size: Option<u32>,
    pub(crate) packed: Option<u32>,
    pub(crate) offset: Option<u32>,
}

impl Entry {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            ..Self::default()
        }
    }

    pub(crate) fn deflated(name: &str, bytes: &[u8]) -> Self {
        Self {
            deflated: true,
            ..Self::new(name, bytes)
        }
    }
}

pub(crate) fn number(length: usize) -> u32 {
    u32::try_from(length).expect("test archives are small")
}

fn short(length: usize) -> u16 {
    u16::try_from(length).expect("test archives are small")
}

pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, &[])
}

/// `before` lies between the entries and the directory, where Android keeps signatures.
pub(crate) fn zip_with(entries: &[Entry], before: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = number(archive.len());
        let header = header(entry);
        archive.extend(b"PK\x03\x04");
        archive.extend(&header.fields);
        archive.extend(&entry.name);
        archive.extend(&header.packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&header.fields);
        directory.extend([0; 10]);
        directory.extend(entry.offset.unwrap_or(offset).to_le_bytes());
        directory.extend(&entry.name);
    }
    archive.extend(before);
    let offset = number(archive.len());
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(short(entries.len()).to_le_bytes());
    archive.extend(short(entries.len()).to_le_bytes());
    archive.extend(number(directory.len()).to_le_bytes());
    archive.extend(offset.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

struct Header {
    /// From "version needed" to the length of the extra field, alike in both headers.
    fields: Vec<u8>,
    packed: Vec<u8>,
}

fn header(entry: &Entry) -> Header {
    let packed = if entry.deflated {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&entry.bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    } else {
        entry.bytes.clone()
    };
    let mut crc = Crc::new();
    crc.update(&entry.bytes);
    let mut fields = vec![20, 0, 0, 0];
    fields.extend([if entry.deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0x02]);
    fields.extend(crc.sum().to_le_bytes());
    for length in [
        entry.packed.unwrap_or(number(packed.len())),
        entry.size.unwrap_or(number(entry.bytes.len())),
    ] {
        fields.extend(length.to_le_bytes());
    }
    fields.extend(short(entry.name.len()).to_le_bytes());
    fields.extend([0, 0]);
    Header { fields, packed }
}

/// The 64-bit form with one stored entry, as writers make it that do not know the size beforehand.
pub(crate) fn zip_64(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip(&[Entry::new(name, bytes)]);
    let directory = 30 + name.len() + bytes.len();
    let stated = archive.split_off(directory);
    let end = stated.len() - 22;
    let mut entry = stated[..end].to_vec();
    entry[20..28].fill(0xff);
    entry[30] = 28;
    entry[42..46].fill(0xff);
    let length = bytes.len() as u64;
    entry.extend([1, 0, 24, 0]);
    for value in [length, length, 0] {
        entry.extend(value.to_le_bytes());
    }
    archive.extend(&entry);
    let end_64 = archive.len() as u64;
    archive.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    for value in [1, 1, entry.len() as u64, directory as u64] {
        archive.extend(value.to_le_bytes());
    }
    archive.extend(b"PK\x06\x07\0\0\0\0");
    archive.extend(end_64.to_le_bytes());
    archive.extend([1, 0, 0, 0]);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([0xff; 12]);
    archive.extend([0, 0]);
    archive
}

/// An entry out of an archive that is well formed and has no comment.
pub(crate) fn entry(archive: &[u8], name: &str) -> Vec<u8> {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    let mut at = u32_at(archive.len() - 6);
    while archive[at..].starts_with(b"PK\x01\x02") {
        let names = at + 46..at + 46 + u16_at(at + 28);
        if &archive[names.clone()] == name.as_bytes() {
            let local = u32_at(at + 42);
            let start = local + 30 + u16_at(local + 26) + u16_at(local + 28);
            let packed = &archive[start..start + u32_at(at + 20)];
            if u16_at(at + 10) == 0 {
                return packed.to_vec();
            }
            let mut bytes = Vec::new();
            let mut decoder = DeflateDecoder::new(packed);
            decoder.read_to_end(&mut bytes).expect("it is well formed");
            return bytes;
        }
        at = names.end + u16_at(at + 30) + u16_at(at + 32);
    }
    panic!("there is no {name}");
}
