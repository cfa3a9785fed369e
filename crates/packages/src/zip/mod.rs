//! Zip archives: the central directory, and single entries out of it.
//!
//! Our own reader, since the rules need what libraries smooth over: entries of the same name, and the
//! bytes that each entry claims. Format: PKWARE APPNOTE.TXT 6.3.10.

mod directory;
mod rules;

use std::{io::Read, ops::Range};

use flate2::{Crc, read::DeflateDecoder};

use crate::{
    Limits,
    source::{Fault, Source, u16_le},
};

pub(crate) const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
pub(crate) const END_RECORD: &[u8] = b"PK\x05\x06";

const LOCAL_HEADER_LENGTH: u64 = 30;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(crate) struct Archive {
    directory: Vec<u8>,
    /// Where the central directory begins: an APK has its signatures right before it.
    pub(crate) directory_offset: u64,
    entries: Vec<Entry>,
}

pub(crate) struct Entry {
    name: Range<usize>,
    encrypted: bool,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

impl Archive {
    /// Reads the directory and holds it against every rule.
    pub(crate) fn open(source: &mut Source<'_>, limits: &Limits) -> Result<Self, Fault> {
        let archive = directory::read(source, limits)?;
        rules::check(&archive, source.length(), limits)?;
        Ok(archive)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| self.name(entry))
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.iter().find(|entry| self.name(entry) == name)
    }

    fn name(&self, entry: &Entry) -> &[u8] {
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
        let lengths = header
            .starts_with(LOCAL_HEADER)
            .then(|| Some(u64::from(u16_le(&header, 26)?) + u64::from(u16_le(&header, 28)?)))
            .flatten()
            .ok_or_else(|| Fault::malformed("its header is damaged"))?;
        let packed = source.read(self.offset + LOCAL_HEADER_LENGTH + lengths, self.packed)?;
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
