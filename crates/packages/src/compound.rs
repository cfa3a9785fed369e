//! Compound files ([MS-CFB]), of which installers for Windows are one class.

mod sectors;
pub(crate) mod streams;

use slipway_contract::{Facts, Kind};

use self::sectors::{FREE, Sectors, table};
use self::streams::Streams;
use crate::facts::Fill as _;
use crate::{
    limits::Limits,
    msi,
    source::{Fault, Source, u16_le, u32_le},
};

const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const HEADER: u64 = 512;
/// {000C1084-0000-0000-C000-000000000046}
const INSTALLER: &[u8] = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";

/// `None` when it is no installer: a compound file is one if its root has that class; others are documents.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(MAGIC) {
        return Ok(None);
    }
    source.needs("its header", 0, HEADER)?;
    let Some(shift) = u16_le(head, 30).filter(|shift| matches!(shift, 9 | 12)) else {
        return Ok(None);
    };
    let sectors = Sectors::of(shift);
    let root = sectors.start(u32_le(head, 48).unwrap_or(0));
    if source.part("its directory", root, 128)?[80..96] != *INSTALLER {
        return Ok(None);
    }
    if let Some(last) = last_used(source, head, sectors)? {
        source.needs(
            "a sector that is in use",
            sectors.start(last),
            sectors.size(),
        )?;
    }
    let mut facts = Facts::of(Kind::Msi);
    let described = Streams::open(source, head, sectors, limits)
        .and_then(|streams| msi::describe(&mut facts, source, &streams, limits));
    facts.or_warning("its database", described)?;
    Ok(Some(facts))
}

/// The last sector that the table of sectors does not call free.
fn last_used(source: &mut Source<'_>, head: &[u8], sectors: Sectors) -> Result<Option<u32>, Fault> {
    let table = table(source, head, sectors)?;
    for (index, sector) in table.iter().enumerate().rev() {
        let used = sectors.read(source, *sector)?;
        if let Some(place) = used.iter().rposition(|next| *next != FREE) {
            return Ok(u32::try_from(index * used.len() + place).ok());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::read;
    use crate::{limits::Limits, source::Source};

    /// A table of `tables` sectors, then the directory, then free ones but the last.
    fn installer(tables: u32, last: u32) -> Vec<u8> {
        let mut file = vec![0; 512];
        file[..8].copy_from_slice(super::MAGIC);
        file[30] = 9;
        file[44..48].copy_from_slice(&tables.to_le_bytes());
        file[48..52].copy_from_slice(&tables.to_le_bytes());
        file[68..72].copy_from_slice(&(tables + 1).to_le_bytes());
        for index in 0..tables.min(109) {
            let at = 76 + 4 * index as usize;
            file[at..at + 4].copy_from_slice(&index.to_le_bytes());
        }
        let mut table = vec![super::FREE; tables as usize * 128];
        table[last as usize] = 0xffff_fffe;
        file.extend(table.iter().flat_map(|next| next.to_le_bytes()));
        let mut directory = vec![0; 512];
        directory[80..96].copy_from_slice(super::INSTALLER);
        file.extend(directory);
        // Where a table of more than 109 sectors goes on.
        let more = (109..109 + 127_u32).chain([super::FREE]);
        file.extend(more.flat_map(u32::to_le_bytes));
        file.resize(512 * (last as usize + 2), 0);
        file
    }

    fn is_whole(bytes: &[u8]) -> bool {
        let mut input = Cursor::new(bytes);
        let head = &bytes[..bytes.len().min(64 << 10)];
        matches!(
            read(
                &mut Source::new(&mut input).unwrap(),
                head,
                &Limits::default()
            ),
            Ok(Some(_))
        )
    }

    #[test]
    fn every_sector_in_use_is_there() {
        for (tables, last) in [(1, 5), (1, 127), (2, 200), (120, 120 * 128 - 1), (120, 130)] {
            let whole = installer(tables, last);
            assert!(is_whole(&whole), "{tables} {last}");
            assert!(!is_whole(&whole[..whole.len() - 1]), "{tables} {last}");
            for length in (8..whole.len()).step_by(whole.len() / 50) {
                assert!(!is_whole(&whole[..length]), "{tables} {last}: {length}");
            }
        }
    }
}
