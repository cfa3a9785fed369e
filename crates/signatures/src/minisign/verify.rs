//! Proving a file: for whoever downloaded it, and for the signing service before a signature leaves it.

use std::io::{self, Read};

use ed25519_dalek::{Signature, VerifyingKey};

use super::comment::TrustedComment;
use super::key::PublicKey;
use super::key_id::KeyId;
use super::prehash::Prehash;
use super::text;

/// Bytes that are read at once: large enough that reading costs nothing beside hashing.
const CHUNK: usize = 256 * 1024;

/// What a signature proves beside the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The trusted comment as it stands.
    pub comment: String,
    /// The same in its parts, when it has the form that Slipway writes.
    pub statement: Option<TrustedComment>,
}

/// Why a file is not proven, in words for whoever holds it.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("this is not a minisign public key: fetch the file `minisign.pub` of the app again")]
    NoPublicKey,
    #[error("this is not a minisign signature: fetch the file's `.minisig` again")]
    NoSignature,
    #[error(
        "the signature has minisign's legacy form, which can be made to pass for other files: ask for one of today's form"
    )]
    Legacy,
    #[error(
        "the signature is of the key {signature}, and the key that was given is {given}: give the key of the app that the file belongs to"
    )]
    OtherKey { signature: KeyId, given: KeyId },
    #[error(
        "NOT PROVEN: the file, its signature or the trusted comment was changed. Do not use the file; download it and its `.minisig` again"
    )]
    Refuted,
    #[error("the file could not be read to its end")]
    Unreadable(#[from] io::Error),
}

/// Proves a file by the texts of its `.minisig` and of a `minisign.pub`, with a verifier that shares no code with what
/// makes signatures. The file is read once, in constant memory.
pub fn verify_file(
    mut file: impl Read,
    signature: &str,
    public_key: &str,
) -> Result<Verified, VerifyError> {
    let key =
        minisign_verify::PublicKey::decode(public_key).map_err(|_| VerifyError::NoPublicKey)?;
    let proof =
        minisign_verify::Signature::decode(signature).map_err(|_| VerifyError::NoSignature)?;
    let mut verifier = key
        .verify_stream(&proof)
        .map_err(|_| why_not_begun(signature, public_key))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => verifier.update(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    verifier.finalize().map_err(|_| VerifyError::Refuted)?;
    Ok(verified(proof.trusted_comment()))
}

/// Proves a digest that was computed before: what the signing service asks of its own signature, from the texts that
/// it would release. Strict (no small-order points), so that every verifier agrees with it.
pub fn verify_prehash(
    prehash: &Prehash,
    signature: &str,
    public_key: &str,
) -> Result<Verified, VerifyError> {
    let key = PublicKey::read(public_key).ok_or(VerifyError::NoPublicKey)?;
    let parts = text::read_signature(signature).ok_or(VerifyError::NoSignature)?;
    if !parts.prehashed {
        return Err(VerifyError::Legacy);
    }
    if parts.key_id != key.id() {
        return Err(VerifyError::OtherKey {
            signature: parts.key_id,
            given: key.id(),
        });
    }
    let verifying = VerifyingKey::from_bytes(key.key()).map_err(|_| VerifyError::NoPublicKey)?;
    let global = [parts.signature.as_slice(), parts.comment.as_bytes()].concat();
    let proven = |message: &[u8], signature: &[u8; 64]| {
        verifying
            .verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| VerifyError::Refuted)
    };
    proven(prehash.as_bytes(), &parts.signature)?;
    proven(&global, &parts.global)?;
    Ok(verified(parts.comment))
}

fn verified(comment: &str) -> Verified {
    Verified {
        comment: comment.to_owned(),
        statement: comment.parse().ok(),
    }
}

/// Why a stream verifier could not be made: another key or the legacy mode.
fn why_not_begun(signature: &str, public_key: &str) -> VerifyError {
    let Some(parts) = text::read_signature(signature) else {
        return VerifyError::NoSignature;
    };
    match PublicKey::read(public_key) {
        None => VerifyError::NoPublicKey,
        Some(key) if key.id() != parts.key_id => VerifyError::OtherKey {
            signature: parts.key_id,
            given: key.id(),
        },
        Some(_) => VerifyError::Legacy,
    }
}
