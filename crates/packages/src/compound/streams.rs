//! The streams of a compound file by their names ([MS-CFB], 2.2 to 2.6).

use super::sectors::{FREE, Sectors, table};
use crate::{
    limits::Limits,
    source::{Fault, Source, u16_le, u32_le, u64_le},
};

const ENTRY: usize = 128;
const STREAM: u8 = 2;
/// Of the small sectors, in which short streams lie.
const SMALL: usize = 64;
/// Streams shorter than this lie in small sectors.
const SHORT: u64 = 4096;

/// What is needed to read a stream. Its tables are held in memory, within the limits.
pub(crate) struct Streams {
    sectors: Sectors,
    /// The sector that follows each.
    next: Vec<u32>,
    directory: Vec<u8>,
    /// The small sector that follows each, and the small sectors.
    next_small: Vec<u32>,
    small: Vec<u8>,
}

impl Streams {
    pub(super) fn open(
        source: &mut Source<'_>,
        head: &[u8],
        sectors: Sectors,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let table = table(source, head, sectors)?;
        if table.len() as u64 * sectors.size() > limits.directory {
            return Err(Fault::malformed("its table of sectors is too large"));
        }
        let mut next = Vec::new();
        for sector in table {
            next.extend(sectors.read(source, sector)?);
        }
        let mut streams = Self {
            sectors,
            next,
            directory: Vec::new(),
            next_small: Vec::new(),
            small: Vec::new(),
        };
        let number = |at| u32_le(head, at).unwrap_or(FREE);
        streams.directory = streams.chain(source, number(48), limits.control)?;
        let following = streams.chain(source, number(60), limits.control)?;
        streams.next_small = following
            .chunks_exact(4)
            .filter_map(|bytes| u32_le(bytes, 0))
            .collect();
        let root = Entry(streams.directory.get(..ENTRY).unwrap_or_default());
        let length = root.length().min(limits.control);
        streams.small = streams.chain(source, root.start(), length)?;
        Ok(streams)
    }

    /// The stream whose name `is` the one; `None` when there is none. Not more than `most` bytes of it.
    pub(crate) fn read(
        &self,
        source: &mut Source<'_>,
        most: u64,
        is: impl Fn(&[u16]) -> bool,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let mut entries = self.directory.chunks_exact(ENTRY).map(Entry);
        let Some(entry) = entries.find(|entry| entry.0[66] == STREAM && is(&entry.name())) else {
            return Ok(None);
        };
        let length = entry.length();
        if length > most {
            return Err(Fault::malformed(format!(
                "it has a stream of {length} bytes; {most} are read at most"
            )));
        }
        if length < SHORT {
            return self.small(entry.start(), length).map(Some);
        }
        let mut bytes = self.chain(source, entry.start(), length)?;
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(Some(bytes))
    }

    /// The sectors from one on, until `most` bytes are there or the chain ends. A chain that leads back into itself is
    /// followed as far as that.
    fn chain(&self, source: &mut Source<'_>, start: u32, most: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let mut sector = start;
        while (bytes.len() as u64) < most {
            let Some(next) = self.next.get(sector as usize) else {
                break;
            };
            bytes.extend(source.part(
                "a sector",
                self.sectors.start(sector),
                self.sectors.size(),
            )?);
            sector = *next;
        }
        Ok(bytes)
    }

    fn small(&self, start: u32, length: u64) -> Result<Vec<u8>, Fault> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let damaged = || Fault::malformed("a stream of it is damaged");
        let mut bytes = Vec::new();
        let mut sector = start;
        while bytes.len() < length {
            let place = (sector as usize).checked_mul(SMALL).ok_or_else(damaged)?;
            let part = self.small.get(place..).and_then(|rest| rest.get(..SMALL));
            bytes.extend(part.ok_or_else(damaged)?);
            sector = self
                .next_small
                .get(sector as usize)
                .copied()
                .unwrap_or(FREE);
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// An entry of the directory.
struct Entry<'a>(&'a [u8]);

impl Entry<'_> {
    fn name(&self) -> Vec<u16> {
        let length = usize::from(u16_le(self.0, 64).unwrap_or(0)).clamp(2, 64);
        let units = self.0[..length - 2].chunks_exact(2);
        units.filter_map(|unit| u16_le(unit, 0)).collect()
    }

    fn start(&self) -> u32 {
        u32_le(self.0, 116).unwrap_or(FREE)
    }

    /// The upper half means nothing where sectors have 512 bytes; no stream that is read here needs it.
    fn length(&self) -> u64 {
        u64_le(self.0, 120).map_or(0, |length| length & 0xffff_ffff)
    }
}
