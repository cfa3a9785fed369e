//! The target of the fuzzer for the watch over the heads of requests, and what must hold for any bytes.

use super::{Framing, Verdicts, Watch};

/// Header fields that are looked at; hyper takes as many.
const FIELDS: usize = 100;

/// The verdicts are the same in whatever pieces the bytes arrive, and for every head that hyper's parser takes they are
/// what its fields say. The first byte says where the bytes are cut.
///
/// `planted`: what was read of a line is forgotten when a piece ends behind a CR.
pub fn framing(bytes: &[u8], planted: bool) {
    let Some((cut, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = watched([bytes], false);
    for size in [1, 2, 7, usize::from(*cut).max(1)] {
        assert_eq!(watched(bytes.chunks(size), planted), whole, "{size}");
    }
    let expected = parsed(bytes);
    assert!(
        whole.starts_with(&expected),
        "{whole:?} where {expected:?} are due"
    );
}

fn watched<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, planted: bool) -> Vec<Framing> {
    let verdicts = Verdicts::default();
    let mut watch = Watch::new(verdicts.clone());
    for piece in pieces {
        watch.read(piece);
        if planted && piece.ends_with(b": chunked\r") {
            watch.line.clear();
        }
        assert!(watch.line.len() <= super::LINE);
    }
    let seen = verdicts.0.verdicts.lock().expect("nobody panics with it");
    seen.iter().copied().collect()
}

/// The verdicts by the parser that hyper uses, as far as it takes the bytes.
fn parsed(mut bytes: &[u8]) -> Vec<Framing> {
    let mut verdicts = Vec::new();
    loop {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(head)) = request.parse(bytes) else {
            return verdicts;
        };
        let values = |name: &str| {
            let own = request.headers.iter();
            let own = own.filter(|field| field.name.eq_ignore_ascii_case(name));
            own.map(|field| field.value.trim_ascii())
                .collect::<Vec<_>>()
        };
        let rest = &bytes[head..];
        let after = match (
            &values("content-length")[..],
            &values("transfer-encoding")[..],
        ) {
            ([], []) => Some(rest),
            ([length], []) => match number(length) {
                // hyper refuses it; there is nothing to agree on.
                None => return verdicts,
                Some(length) => Some(rest.get(length..).unwrap_or_default()),
            },
            ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => {
                Some(after_chunks(rest).unwrap_or_default())
            }
            _ => None,
        };
        let Some(after) = after else {
            verdicts.push(Framing::Doubtful);
            return verdicts;
        };
        verdicts.push(Framing::Plain);
        bytes = after;
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// What follows a body in chunks and its trailers; `None` where it is not whole or not one.
fn after_chunks(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let Ok(httparse::Status::Complete((at, size))) = httparse::parse_chunk_size(bytes) else {
            return None;
        };
        bytes = bytes.get(at..)?;
        if size == 0 {
            let mut fields = [httparse::EMPTY_HEADER; FIELDS];
            return match httparse::parse_headers(bytes, &mut fields) {
                Ok(httparse::Status::Complete((at, _))) => bytes.get(at..),
                _ => None,
            };
        }
        bytes = bytes.get(usize::try_from(size).ok()?..)?;
        bytes = bytes.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_must_hold_for_any_bytes_holds_for_the_seeds() {
        slipway_seeds::each("framing", |bytes| super::framing(bytes, false));
    }
}
