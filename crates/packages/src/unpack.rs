//! What packers in parallel write: several streams or frames one after the other, each unpacked within limits.

use std::io::{self, BufRead, ErrorKind, Read};

use bzip2::bufread::BzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{
    StreamingDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::limits::Limits;

/// Streams of one file in bzip2 that are unpacked: one without content costs time and gives no bytes. Tools that pack in parallel
/// write one for each 900 kB.
const STREAMS: u32 = 2_000;

pub(crate) fn xz<R: Read>(input: R, limits: &Limits) -> XzReader<R> {
    let kibibytes = u32::try_from(limits.window >> 10).unwrap_or(u32::MAX);
    XzReader::new_mem_limit(input, true, kibibytes)
}

/// Streams of bzip2 one after the other.
pub(crate) struct BzStreams<R: BufRead> {
    /// `None` behind the last one.
    stream: Option<BzDecoder<R>>,
    left: u32,
}

impl<R: BufRead> BzStreams<R> {
    pub(crate) fn new(input: R) -> Self {
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

/// Frames of zstd (RFC 8878) one after the other, of which some hold no content.
pub(crate) struct Frames<R: BufRead> {
    /// `None` while a frame has it.
    input: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
    window: u64,
}

impl<R: BufRead> Frames<R> {
    pub(crate) fn new(input: R, limits: &Limits) -> Self {
        Self {
            input: Some(input),
            frame: None,
            window: limits.window,
        }
    }

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

pub(crate) fn is_skippable(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && bytes[0] & 0xf0 == 0x50 && bytes[1..4] == [0x2a, 0x4d, 0x18]
}
