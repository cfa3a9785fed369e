//! An archive as its directory lists it, and the bytes of its entries.

use std::{io::Read, ops::Range};

use flate2::{Crc, read::DeflateDecoder};

use crate::{
    limits::Limits,
    source::{Fault, Source, u16_le},
};

pub(crate) const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
pub(crate) const END_RECORD: &[u8] = b"PK\x05\x06";

pub(super) const LOCAL_HEADER_LENGTH: u64 = 30;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(crate) struct Archive {
    pub(super) directory: Vec<u8>,
    /// Where the central directory begins: an APK has its signatures right before it.
    pub(crate) directory_offset: u64,
    /// Where the record begins that ends the archive.
    pub(crate) end_offset: u64,
    /// Whether there is a 64-bit form of that record.
    pub(crate) is_wide: bool,
    pub(super) entries: Vec<Entry>,
}

pub(crate) struct Entry {
    pub(super) name: Range<usize>,
    pub(super) encrypted: bool,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

/// Where the bytes of an entry begin, counted from its local header.
fn data_offset(header: &[u8]) -> Option<u64> {
    let lengths = u64::from(u16_le(header, 26)?) + u64::from(u16_le(header, 28)?);
    header
        .starts_with(LOCAL_HEADER)
        .then_some(LOCAL_HEADER_LENGTH + lengths)
}

/// A part of the file, since small entries lie close to each other.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    const LENGTH: u64 = 4096;

    /// The local header at `offset`; `None` behind the end of the file.
    fn read(&mut self, source: &mut Source<'_>, offset: u64) -> Result<Option<&[u8]>, Fault> {
        let Some(left) = source
            .length()
            .checked_sub(offset)
            .filter(|left| *left >= LOCAL_HEADER_LENGTH)
        else {
            return Ok(None);
        };
        if offset < self.start
            || offset + LOCAL_HEADER_LENGTH > self.start + self.bytes.len() as u64
        {
            self.bytes = source.read(offset, left.min(Self::LENGTH))?;
            self.start = offset;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(from..))
    }
}

impl Archive {
    /// Each entry is where the directory says, with its header before it. Where a download left a hole the directory alone
    /// would not tell. Of more entries than the limit some are looked at, evenly.
    pub(super) fn entries_are_there(
        &self,
        source: &mut Source<'_>,
        limits: &Limits,
    ) -> Result<(), Fault> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|entry| entry.offset);
        let step = entries.len().div_ceil(limits.headers.max(1)).max(1);
        let mut window = Window::default();
        for entry in entries.into_iter().step_by(step) {
            let start = window.read(source, entry.offset)?.and_then(data_offset);
            let end = start.map(|start| {
                entry
                    .offset
                    .saturating_add(start)
                    .saturating_add(entry.packed)
            });
            if end.is_none_or(|end| end > self.directory_offset) {
                let name = String::from_utf8_lossy(self.name(entry));
                return Err(Fault::malformed(format!(
                    "its entry {:?} is not where the directory says",
                    name.chars().take(80).collect::<String>()
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| self.name(entry))
    }

    /// The bytes of the entry of this name, `None` when there is none; not more than `limit` of them.
    pub(crate) fn bytes(
        &self,
        source: &mut Source<'_>,
        name: &[u8],
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let entry = self.find(name);
        entry.map(|entry| entry.read(source, limit)).transpose()
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.iter().find(|entry| self.name(entry) == name)
    }

    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        &self.directory[entry.name.clone()]
    }
}

impl Entry {
    /// The bytes of this entry, not more than `limit` of them whatever its header claims.
    pub(crate) fn read(&self, source: &mut Source<'_>, limit: u64) -> Result<Vec<u8>, Fault> {
        if self.encrypted {
            return Err(Fault::malformed("it is encrypted"));
        }
        if self.size > limit || self.packed > limit {
            let larger = self.size.max(self.packed);
            return Err(Fault::malformed(format!(
                "it has {larger} bytes; {limit} are read at most"
            )));
        }
        let header = source.read(self.offset, LOCAL_HEADER_LENGTH)?;
        let start =
            data_offset(&header).ok_or_else(|| Fault::malformed("its header is damaged"))?;
        let packed = source.read(self.offset + start, self.packed)?;
        let bytes = self.unpack(packed)?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != self.size || crc.sum() != self.crc {
            return Err(Fault::malformed("its bytes are damaged"));
        }
        Ok(bytes)
    }

    fn unpack(&self, packed: Vec<u8>) -> Result<Vec<u8>, Fault> {
        match self.method {
            STORED => Ok(packed),
            DEFLATED => {
                let mut bytes = Vec::new();
                DeflateDecoder::new(&*packed)
                    .take(self.size + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|_| Fault::malformed("its bytes are damaged"))?;
                Ok(bytes)
            }
            other => Err(Fault::malformed(format!(
                "it is packed by method {other}, which is not read here"
            ))),
        }
    }
}
