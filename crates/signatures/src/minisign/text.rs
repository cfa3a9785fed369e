//! The two files: written, and read again into their parts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::key_id::KeyId;

/// Before a public key, and before a signature of the legacy mode.
const ED25519: &[u8; 2] = b"Ed";
/// Before a prehashed signature.
const PREHASHED: &[u8; 2] = b"ED";
const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// The parts of a `.minisig`; nothing of it is proven.
pub(super) struct SignatureParts<'a> {
    pub(super) prehashed: bool,
    pub(super) key_id: KeyId,
    pub(super) signature: [u8; 64],
    pub(super) comment: &'a str,
    pub(super) global: [u8; 64],
}

pub(super) fn public_key(id: KeyId, key: &[u8; 32]) -> String {
    let line = [ED25519.as_slice(), id.as_bytes(), key].concat();
    format!(
        "{UNTRUSTED}minisign public key {id}\n{}\n",
        BASE64_STANDARD.encode(line)
    )
}

pub(super) fn signature(
    id: KeyId,
    signature: &[u8; 64],
    comment: &str,
    global: &[u8; 64],
) -> String {
    let line = [PREHASHED.as_slice(), id.as_bytes(), signature].concat();
    format!(
        "{UNTRUSTED}signature of minisign key {id}\n{}\n{TRUSTED}{comment}\n{}\n",
        BASE64_STANDARD.encode(line),
        BASE64_STANDARD.encode(global)
    )
}

pub(super) fn read_public_key(text: &str) -> Option<(KeyId, [u8; 32])> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix(UNTRUSTED)?;
    let line: [u8; 42] = decode(lines.next()?)?;
    let (algorithm, rest) = line.split_first_chunk::<2>()?;
    let (id, key) = rest.split_first_chunk::<8>()?;
    (algorithm == ED25519).then_some((KeyId::from_bytes(*id), key.try_into().ok()?))
}

pub(super) fn read_signature(text: &str) -> Option<SignatureParts<'_>> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix(UNTRUSTED)?;
    let line: [u8; 74] = decode(lines.next()?)?;
    let (algorithm, rest) = line.split_first_chunk::<2>()?;
    let (id, signature) = rest.split_first_chunk::<8>()?;
    if algorithm != PREHASHED && algorithm != ED25519 {
        return None;
    }
    Some(SignatureParts {
        prehashed: algorithm == PREHASHED,
        key_id: KeyId::from_bytes(*id),
        signature: signature.try_into().ok()?,
        comment: lines.next()?.strip_prefix(TRUSTED)?,
        global: decode(lines.next()?)?,
    })
}

fn decode<const LENGTH: usize>(line: &str) -> Option<[u8; LENGTH]> {
    BASE64_STANDARD.decode(line).ok()?.try_into().ok()
}
