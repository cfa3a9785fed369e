//! Tarballs in xz, zstd (RFC 8878) and bzip2.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use bzip2::bufread::BzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{
    StreamingDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::{
    Facts, Kind, Limits,
    source::{Fault, Source, u32_le},
    tar_gz,
};

const BUFFER: usize = 64 << 10;
/// Streams of one file in bzip2 that are unpacked, which takes 20 µs for one without content. Tools that pack in parallel
/// write one for each 900 kB.
const STREAMS: u32 = 2_000;

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
        // It unpacks at a quarter of the speed of the others.
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
        _ => unpack_zstd(input, limits.window, most),
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

fn is_skippable(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && bytes[0] & 0xf0 == 0x50 && bytes[1..4] == [0x2a, 0x4d, 0x18]
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

fn xz<R: Read>(input: R, limits: &Limits) -> XzReader<R> {
    let kibibytes = u32::try_from(limits.window >> 10).unwrap_or(u32::MAX);
    XzReader::new_mem_limit(input, true, kibibytes)
}

/// Streams of bzip2 one after the other.
struct BzStreams<R: BufRead> {
    /// `None` behind the last one.
    stream: Option<BzDecoder<R>>,
    left: u32,
}

impl<R: BufRead> BzStreams<R> {
    fn new(input: R) -> Self {
        Self {
            stream: Some(BzDecoder::new(input)),
            left: STREAMS,
        }
    }
}

impl<R: BufRead> Read for BzStreams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(stream) = &mut self.stream {
            let length = stream.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let Some(mut input) = self.stream.take().map(BzDecoder::into_inner) else {
                break;
            };
            if !input.fill_buf()?.is_empty() {
                let left = self.left.checked_sub(1);
                self.left = left.ok_or(ErrorKind::Unsupported)?;
                self.stream = Some(BzDecoder::new(input));
            }
        }
        Ok(0)
    }
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

/// Frames one after the other, of which some hold no content.
fn unpack_zstd(input: impl BufRead, window: u64, most: u64) -> io::Result<Unpacked> {
    unpack(
        Frames {
            input: Some(input),
            frame: None,
            window,
        },
        most,
    )
}

struct Frames<R: BufRead> {
    /// `None` while a frame has it.
    input: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
    window: u64,
}

impl<R: BufRead> Frames<R> {
    /// Whether there is a next frame.
    fn next(&mut self) -> io::Result<bool> {
        let Some(mut input) = self.input.take() else {
            return Ok(false);
        };
        loop {
            let bytes = input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            if let Some(length) = skippable(&mut input)? {
                if io::copy(&mut (&mut input).take(length), &mut io::sink())? < length {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            let frame = StreamingDecoder::new_with_max_window_size(input, self.window);
            self.frame = Some(frame.map_err(header_error)?);
            return Ok(true);
        }
    }
}

/// The length of a frame that holds no content, behind its header, which is taken away.
fn skippable(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let bytes = input.fill_buf()?;
    if is_skippable(bytes) {
        let mut header = [0; 8];
        input.read_exact(&mut header)?;
        let [.., a, b, c, d] = header;
        return Ok(Some(u32::from_le_bytes([a, b, c, d]).into()));
    }
    Ok(None)
}

fn header_error(error: FrameDecoderError) -> io::Error {
    let kind = match error {
        FrameDecoderError::WindowSizeTooBig { .. } => ErrorKind::Unsupported,
        FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::MagicNumberReadError(_)) => {
            ErrorKind::UnexpectedEof
        }
        _ => ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let length = frame.read(buffer)?;
                if length > 0 {
                    return Ok(length);
                }
            }
            if let Some(frame) = self.frame.take() {
                self.input = Some(frame.into_inner());
            }
            if !self.next()? {
                return Ok(0);
            }
        }
    }
}
