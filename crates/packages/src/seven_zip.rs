//! 7z archives (7-Zip, `DOC/7zFormat.txt`): whether all of one is there.

use flate2::Crc;
use slipway_contract::{Facts, Kind};

use crate::{
    limits::Limits,
    source::{Fault, Source, u32_le, u64_le},
};

const HEADER: u64 = 32;

/// `None` when it is none.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !head.starts_with(b"7z\xbc\xaf\x27\x1c") {
        return Ok(None);
    }
    let header = source.part("its header", 0, HEADER)?;
    if u32_le(&header, 8) != Some(crc(&header[12..])) {
        return Err(Fault::damaged("its header is damaged"));
    }
    let number = |at| u64_le(&header, at).unwrap_or(u64::MAX);
    let (start, length) = (number(12).saturating_add(HEADER), number(20));
    source.needs("its directory", start, length)?;
    if start + length != source.length() {
        return Err(Fault::damaged("other bytes follow its end"));
    }
    if length <= limits.directory && u32_le(&header, 28) != Some(crc(&source.read(start, length)?))
    {
        return Err(Fault::damaged("its directory is damaged"));
    }
    Ok(Some(Facts::of(Kind::SevenZip)))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
