//! Watches the heads of a connection's requests for framing that two readers could read differently.
//!
//! hyper settles such heads by itself: of `Content-Length` and `Transfer-Encoding` it drops the first, of two equal
//! `Content-Length` it keeps one, and the service sees a plain request. A proxy in front of us may have settled them the
//! other way and then takes a part of a body for a request (request smuggling, RFC 9112, 11.2), so the gateway wants to
//! refuse them. This watch reads along without touching a byte and says what each head really held. It runs on public
//! listeners alone: the gateway writes every head that it sends on, and nobody else speaks to a service.

#[cfg(any(test, fuzzing))]
pub mod fuzz;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the head of a request says of the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing, one `Content-Length`, or one `Transfer-Encoding: chunked`.
    Plain,
    /// Anything else.
    Doubtful,
}

/// The verdicts on heads that were read and not yet served, in order; heads can be pipelined.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    verdicts: Mutex<VecDeque<Framing>>,
    /// What comes now is no HTTP.
    is_over: AtomicBool,
}

impl Verdicts {
    fn push(&self, framing: Framing) {
        self.0
            .verdicts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(framing);
    }

    /// The verdict on the next head. One that was never seen is doubtful.
    pub(super) fn next(&self) -> Framing {
        let kept = &self.0.verdicts;
        let mut verdicts = kept.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.pop_front().unwrap_or(Framing::Doubtful)
    }

    /// The connection becomes a tunnel: its bytes are no heads, and verdicts on them would pile up.
    pub(super) fn end(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

/// Longest beginning of a line that is looked at: long enough for every field that counts.
const LINE: usize = 256;

enum Place {
    /// In a head, whose lines so far said this.
    Head(Head),
    /// In a body of a known length.
    Body(u64),
    /// At the line that begins a chunk.
    ChunkSize,
    /// In a chunk, its line end included.
    Chunk(u64),
    /// In the lines after the last chunk.
    Trailers,
    /// Nothing more to say: hyper refuses what comes, or we do.
    Lost,
}

#[derive(Clone, Copy, Default)]
struct Head {
    begun: bool,
    lengths: u32,
    length: Option<u64>,
    codings: u32,
    chunked: bool,
}

/// Reads along with one connection.
pub(super) struct Watch {
    place: Place,
    line: Vec<u8>,
    verdicts: Verdicts,
}

impl Watch {
    pub(super) fn new(verdicts: Verdicts) -> Self {
        Self {
            place: Place::Head(Head::default()),
            line: Vec::new(),
            verdicts,
        }
    }

    /// Takes the next bytes of the connection.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        if self.verdicts.0.is_over.load(Ordering::Relaxed) {
            return;
        }
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Lost => return,
                Place::Body(left) | Place::Chunk(left) => {
                    let taken = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    *left -= taken as u64;
                    bytes = &bytes[taken..];
                    self.end_of_data();
                }
                Place::Head(_) | Place::ChunkSize | Place::Trailers => {
                    bytes = self.read_line(bytes);
                }
            }
        }
    }

    fn end_of_data(&mut self) {
        match self.place {
            Place::Body(0) => self.place = Place::Head(Head::default()),
            Place::Chunk(0) => self.place = Place::ChunkSize,
            _ => {}
        }
    }

    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        let room = LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            self.take_line(line.trim_ascii_end());
            self.line = line;
            self.line.clear();
        }
        rest
    }

    fn take_line(&mut self, line: &[u8]) {
        match &mut self.place {
            Place::Head(head) if !line.is_empty() => head.take(line),
            // Empty lines before a request are allowed (RFC 9112, 2.2).
            Place::Head(head) if !head.begun => {}
            Place::Head(head) => {
                let head = *head;
                self.end_of_head(head);
            }
            Place::ChunkSize => self.place = chunk(line),
            Place::Trailers if line.is_empty() => self.place = Place::Head(Head::default()),
            _ => {}
        }
    }

    fn end_of_head(&mut self, head: Head) {
        self.place = match (head.lengths, head.codings) {
            (0, 0) => Place::Head(Head::default()),
            (1, 0) => head.length.map_or(Place::Lost, Place::Body),
            (0, 1) if head.chunked => Place::ChunkSize,
            _ => Place::Lost,
        };
        let lost = matches!(self.place, Place::Lost);
        self.verdicts.push(if lost {
            Framing::Doubtful
        } else {
            Framing::Plain
        });
        self.end_of_data();
    }
}

impl Head {
    fn take(&mut self, line: &[u8]) {
        if !self.begun {
            self.begun = true;
            return;
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            self.length = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings += 1;
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
        }
    }
}

fn chunk(line: &[u8]) -> Place {
    let digits = line
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let size = std::str::from_utf8(digits)
        .ok()
        .and_then(|text| u64::from_str_radix(text, 16).ok());
    match size {
        Some(0) => Place::Trailers,
        Some(size) => Place::Chunk(size.saturating_add(2)),
        None => Place::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on `text`, whatever the pieces that it arrives in.
    fn verdicts(text: &str) -> Vec<Framing> {
        let whole = watched(text, text.len());
        for size in [1, 2, 7] {
            assert_eq!(watched(text, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn watched(text: &str, size: usize) -> Vec<Framing> {
        let verdicts = Verdicts::default();
        let mut watch = Watch::new(verdicts.clone());
        for piece in text.as_bytes().chunks(size) {
            watch.read(piece);
        }
        let seen = verdicts.0.verdicts.lock().unwrap();
        seen.iter().copied().collect()
    }

    #[test]
    fn plain_requests_are_plain_one_after_the_other() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let put = "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n\r\n\r\n!";
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";
        let empty = "PUT / HTTP/1.1\ncontent-length: 0\n\n";
        let text = [get, put, chunked, empty, "\r\n", get].concat();
        assert_eq!(verdicts(&text), [Framing::Plain; 5]);
    }

    #[test]
    fn the_bytes_of_a_tunnel_are_no_heads() {
        let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let verdicts = Verdicts::default();
        let mut watch = Watch::new(verdicts.clone());
        watch.read(get);
        assert_eq!(verdicts.next(), Framing::Plain);
        verdicts.end();
        watch.read(get);
        assert_eq!(verdicts.next(), Framing::Doubtful);
    }

    #[test]
    fn two_lengths_or_a_length_beside_chunks_are_doubtful() {
        for fields in [
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\ntransfer-encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: identity, chunked",
            "Transfer-Encoding: chunked, chunked",
            "Content-Length: 5, 5",
        ] {
            let text = format!("PUT / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\nhello");
            assert_eq!(verdicts(&text), [Framing::Doubtful], "{fields}");
        }
    }

    #[test]
    fn nothing_after_a_doubtful_head_is_believed() {
        let text = "PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(verdicts(text), [Framing::Doubtful]);
        assert_eq!(
            Verdicts::default().next(),
            Framing::Doubtful,
            "a head that was never seen"
        );
    }
}
