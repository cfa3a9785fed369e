//! Tarballs in gzip (RFC 1952; POSIX.1, `pax`).

use std::io::{self, BufRead, BufReader, Read};

use flate2::{bufread, read::GzDecoder};
use slipway_contract::{Facts, Kind};

use crate::{
    limits::Limits,
    source::{Fault, Source},
};

const BUFFER: usize = 64 << 10;
/// What a member counts beside its content: beginning to unpack one takes as long as unpacking this much. Members without
/// content would otherwise be free, and a file has room for millions of them.
pub(crate) const MEMBER: u64 = 4 << 10;

/// `None` when it is none. It is unpacked to see that its end is there, but not beyond the limit.
pub(crate) fn read(
    source: &mut Source<'_>,
    head: &[u8],
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    if !begins_as_one(head) {
        return Ok(None);
    }
    let mut facts = Facts::of(Kind::TarGz);
    if !is_whole(
        BufReader::with_capacity(BUFFER, source.stream(0)?),
        limits.stream,
    )? {
        facts.warn(format!(
            "it unpacks to more than {} bytes, so it was not looked whether its end is there",
            limits.stream
        ));
    }
    Ok(Some(facts))
}

/// Gzip whose content begins with the header of a tar member.
fn begins_as_one(head: &[u8]) -> bool {
    let mut block = [0; 512];
    head.starts_with(b"\x1f\x8b\x08")
        && GzDecoder::new(head).read_exact(&mut block).is_ok()
        && is_header(&block)
}

/// Whether this is the header of a tar member, its checksum right.
pub(crate) fn is_header(block: &[u8; 512]) -> bool {
    let header = tar::Header::from_byte_slice(block);
    let sum: u32 = (0..block.len())
        .map(|at| {
            if (148..156).contains(&at) {
                b' '
            } else {
                block[at]
            }
        })
        .map(u32::from)
        .sum();
    header.cksum().is_ok_and(|stated| stated == sum)
}

/// Whether all of its members end as they should; `false` when it unpacks to more than `most` bytes.
fn is_whole(mut input: impl BufRead, mut most: u64) -> Result<bool, Fault> {
    loop {
        let mut member = bufread::GzDecoder::new(input);
        let unpacked = io::copy(&mut (&mut member).take(most + 1), &mut io::sink());
        match most.checked_sub(unpacked.map_err(unpacking)? + MEMBER) {
            None => return Ok(false),
            Some(left) => most = left,
        }
        input = member.into_inner();
        match input.fill_buf()?.first() {
            None => return Ok(true),
            Some(0x1f) => {}
            // What was written to a tape is filled up with zeros.
            Some(0) => return zeros(input).map(|()| true),
            Some(_) => return Err(Fault::damaged("other bytes follow its end")),
        }
    }
}

fn unpacking(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::damaged("it ends within its compressed content"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Fault::damaged("its compressed content is damaged")
        }
        _ => Fault::Io(error),
    }
}

fn zeros(mut input: impl BufRead) -> Result<(), Fault> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(Fault::damaged("other bytes follow its end"));
        }
        let length = bytes.len();
        if length == 0 {
            return Ok(());
        }
        input.consume(length);
    }
}
