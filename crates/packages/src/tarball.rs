//! Tarballs in xz, zstd (RFC 8878) and bzip2.

use std::io::{self, BufReader, ErrorKind, Read};

use slipway_contract::{Facts, Kind};

use crate::{
    limits::Limits,
    source::{Fault, Source, u32_le},
    tar_gz,
    unpack::{BzStreams, Frames, is_skippable, xz},
};

const BUFFER: usize = 64 << 10;
/// `None` when it is none. It is unpacked to see that its end is there, but not beyond the limit.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    let Some(kind) = kind(head) else {
        return Ok(None);
    };
    let mut facts = Facts::of(kind);
    let most = match kind {
        // It unpacks far slower than the others.
        Kind::TarBz2 => limits.data / 4,
        _ => limits.data,
    };
    if kind == Kind::TarXz {
        ends_as_xz(source)?;
    }
    let input = BufReader::with_capacity(BUFFER, source.stream(0)?);
    let unpacked = match kind {
        Kind::TarXz => unpack(xz(input, limits), most),
        Kind::TarBz2 => unpack(BzStreams::new(input), most),
        _ => unpack(Frames::new(input, limits), most),
    };
    match unpacked {
        Ok(Unpacked::Other) => return Ok(None),
        Ok(Unpacked::Whole) => {}
        Ok(Unpacked::Larger) => facts.warn(format!(
            "it unpacks to more than {most} bytes, so it was not looked whether its end is there"
        )),
        Err(error) => match error.kind() {
            ErrorKind::Unsupported | ErrorKind::OutOfMemory => facts.warn(
                "it is packed in a way that is not unpacked here, so it was not looked whether its end is there",
            ),
            ErrorKind::UnexpectedEof => {
                return Err(Fault::damaged("it ends within its compressed content"));
            }
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
                return Err(Fault::damaged(
                    "its compressed content is damaged, or other bytes follow its end",
                ));
            }
            _ => return Err(Fault::Io(error)),
        },
    }
    Ok(Some(facts))
}

fn kind(head: &[u8]) -> Option<Kind> {
    if head.starts_with(b"\xfd7zXZ\0") {
        Some(Kind::TarXz)
    } else if behind_skippable(head).starts_with(b"\x28\xb5\x2f\xfd") {
        Some(Kind::TarZst)
    } else if head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY") {
        Some(Kind::TarBz2)
    } else {
        None
    }
}

/// What follows a frame of zstd without content at the beginning, which tools that pack in parallel write.
fn behind_skippable(head: &[u8]) -> &[u8] {
    if !is_skippable(head) {
        return head;
    }
    let length = u32_le(head, 4).map_or(usize::MAX, |length| length as usize);
    head.get(length.saturating_add(8)..).unwrap_or_default()
}

/// What came of unpacking.
enum Unpacked {
    /// It holds something else than a tar.
    Other,
    Whole,
    Larger,
}

fn unpack(mut stream: impl Read, most: u64) -> io::Result<Unpacked> {
    let mut block = Vec::new();
    stream.by_ref().take(512).read_to_end(&mut block)?;
    if !<&[u8; 512]>::try_from(&*block).is_ok_and(tar_gz::is_header) {
        return Ok(Unpacked::Other);
    }
    let rest = io::copy(&mut stream.take(most + 1), &mut io::sink())?;
    Ok(if rest > most {
        Unpacked::Larger
    } else {
        Unpacked::Whole
    })
}

/// The footer tells in a file of any size whether its end is there (The .xz file format, 2.1.2).
fn ends_as_xz(source: &mut Source<'_>) -> Result<(), Fault> {
    let (_, tail) = source.tail(64 << 10)?;
    let content = tail.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    if tail[..=content].ends_with(b"YZ") {
        return Ok(());
    }
    Err(Fault::damaged(
        "its end is missing, or other bytes follow it",
    ))
}
