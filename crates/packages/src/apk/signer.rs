//! The certificate that an APK is signed with, as far as the file says so.
//!
//! It is read and not verified. What a signature says of the content is compared ([`super::content`]), which needs no
//! trust in who signed. Formats: source.android.com, "APK Signature Scheme v2" and "v3";
//! for the older one PKCS #7 in `META-INF` (RFC 5652).

use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;

use super::content::{self, ContentDigests};
use super::prefixed::prefixed;
use crate::{
    limits::Limits,
    source::{Fault, Source, u32_le, u64_le},
    zip::Archive,
};

const MAGIC: &[u8] = b"APK Sig Block 42";
const SCHEME_V2: u32 = 0x7109_871a;
const SCHEME_V3: u32 = 0xf053_68c0;
const SCHEME_V3_1: u32 = 0x1b93_ad61;

/// Pairs in a block: signatures, padding, and what stores and tools add.
const PAIRS: usize = 64;

/// What an APK says of who signed it.
pub(super) struct Signatures {
    /// SHA-256 of the first signer's certificate. Of several schemes the newest counts, as on a device.
    pub(super) certificate: Option<Digest>,
    /// What all signers say of the content.
    pub(super) content: Option<ContentDigests>,
    /// Whether a signer says something of it that cannot be compared.
    pub(super) is_unclear: bool,
}

pub(super) fn read(
    source: &mut Source<'_>,
    archive: &Archive,
    limits: &Limits,
) -> Result<Signatures, Fault> {
    let damaged = || Fault::damaged("its signing block is damaged");
    let Some(block) = Block::find(source, archive.directory_offset)? else {
        return Ok(Signatures {
            certificate: jar_certificate(source, archive, limits)?,
            content: None,
            is_unclear: false,
        });
    };
    let mut values = Vec::new();
    for place in &block.values {
        if place.length > limits.signature {
            return Err(Fault::malformed("its signature is too large"));
        }
        values.push((place.scheme, source.read(place.offset, place.length)?));
    }
    let newest = values.iter().max_by_key(|(scheme, _)| *scheme == SCHEME_V3);
    let certificate = match newest {
        Some((_, value)) => Some(digest(first_certificate(value).ok_or_else(damaged)?)),
        None => jar_certificate(source, archive, limits)?,
    };
    let stated = values.iter().map(|(_, value)| content::stated(value));
    let stated: Option<Vec<_>> = stated.collect();
    let stated = stated.ok_or_else(damaged)?.concat();
    let content = ContentDigests::new(stated, block.start, archive);
    Ok(Signatures {
        certificate,
        is_unclear: !values.is_empty() && content.is_none(),
        content,
    })
}

struct SchemeValue {
    scheme: u32,
    offset: u64,
    length: u64,
}

/// The signatures in the block before the directory: size, pairs, size, magic.
struct Block {
    start: u64,
    values: Vec<SchemeValue>,
}

impl Block {
    fn find(source: &mut Source<'_>, directory: u64) -> Result<Option<Self>, Fault> {
        let damaged = || Fault::damaged("its signing block is damaged");
        let Some(footer) = directory.checked_sub(24) else {
            return Ok(None);
        };
        let bytes = source.read(footer, 24)?;
        if !bytes.ends_with(MAGIC) {
            return Ok(None);
        }
        let size = u64_le(&bytes, 0).ok_or_else(damaged)?;
        let start = directory
            .checked_sub(8)
            .and_then(|at| at.checked_sub(size))
            .ok_or_else(damaged)?;
        if source.read(start, 8)? != bytes[..8] {
            return Err(damaged());
        }
        let mut values = Vec::new();
        let mut at = start + 8;
        for _ in 0..PAIRS {
            if at + 12 > footer {
                break;
            }
            let pair = source.read(at, 12)?;
            let length = u64_le(&pair, 0).ok_or_else(damaged)?;
            let scheme = u32_le(&pair, 8).ok_or_else(damaged)?;
            let end = at.checked_add(8).and_then(|at| at.checked_add(length));
            let end = end
                .filter(|end| length >= 4 && *end <= footer)
                .ok_or_else(damaged)?;
            if matches!(scheme, SCHEME_V2 | SCHEME_V3 | SCHEME_V3_1) {
                values.push(SchemeValue {
                    scheme,
                    offset: at + 12,
                    length: length - 4,
                });
            }
            at = end;
        }
        Ok(Some(Self { start, values }))
    }
}

/// Signers, of the first its signed data, of that the certificates after the digests, the first of
/// those: each is preceded by its length. v2 and v3 agree that far.
fn first_certificate(value: &[u8]) -> Option<&[u8]> {
    let (signers, _) = prefixed(value)?;
    let (signer, _) = prefixed(signers)?;
    let (data, _) = prefixed(signer)?;
    let (_digests, rest) = prefixed(data)?;
    let (certificates, _) = prefixed(rest)?;
    prefixed(certificates).map(|(certificate, _)| certificate)
}

/// The older scheme: the certificate in `META-INF/*.RSA` and the like, when there is just one.
fn jar_certificate(
    source: &mut Source<'_>,
    archive: &Archive,
    limits: &Limits,
) -> Result<Option<Digest>, Fault> {
    let signature = archive.names().find(|name| {
        name.starts_with(b"META-INF/")
            && [&b".RSA"[..], b".DSA", b".EC"]
                .iter()
                .any(|end| name.ends_with(end))
    });
    let Some(entry) = signature.and_then(|name| archive.find(name)) else {
        return Ok(None);
    };
    let bytes = entry.read(source, limits.signature)?;
    let certificate = only_certificate(&bytes)
        .ok_or_else(|| Fault::malformed("its signature in META-INF was not understood"))?;
    Ok(Some(digest(certificate)))
}

pub(super) const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const INTEGER: u8 = 0x02;
const CONTEXT_0: u8 = 0xa0;

/// `ContentInfo` → `[0] SignedData` → `version`, `digestAlgorithms`, `encapContentInfo`,
/// `[0] certificates`. With more than one it would take the signer's name to tell which.
pub(super) fn only_certificate(bytes: &[u8]) -> Option<&[u8]> {
    let (content_info, _) = element(bytes, SEQUENCE)?;
    let (_, rest) = element(content_info.value, OBJECT)?;
    let (explicit, _) = element(rest, CONTEXT_0)?;
    let (signed_data, _) = element(explicit.value, SEQUENCE)?;
    let (_, rest) = element(signed_data.value, INTEGER)?;
    let (_, rest) = element(rest, SET)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    let (certificates, _) = element(rest, CONTEXT_0)?;
    let (certificate, others) = element(certificates.value, SEQUENCE)?;
    others.is_empty().then_some(certificate.whole)
}

pub(super) struct Element<'a> {
    pub(super) whole: &'a [u8],
    value: &'a [u8],
}

/// A DER element of this tag, and what follows it (X.690).
pub(super) fn element(bytes: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let long = if first < 0x80 {
        0
    } else {
        usize::from(first & 0x7f)
    };
    let (digits, rest) = rest.split_at_checked(long)?;
    let length = match long {
        0 => usize::from(first),
        1..=4 => digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
        _ => return None,
    };
    let (value, after) = rest.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - after.len()];
    (found == tag).then_some((Element { whole, value }, after))
}

fn digest(certificate: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(certificate).into())
}
