//! How the private keys of apps lie in the database: sealed with XChaCha20-Poly1305 under one key that is not in it.
//!
//! A seal covers what its secret is for. Somebody who can write to the database, but does not hold the sealing key,
//! can thus not have one app's releases signed with the key of another by moving a row.

use std::path::Path;

use anyhow::Context as _;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use slipway_database::Database;
use slipway_runtime::key::Key;
use zeroize::Zeroizing;

use crate::store::sealing;

/// What the proof in the database is for. It is no JSON array, so no key has this purpose.
const PROOF: &[u8] = b"slipway sealing proof 1";

/// Bytes of a nonce: long enough that random ones never meet (draft-irtf-cfrg-xchacha-03 part 2.1).
const NONCE: usize = 24;

/// What the key of the statements' MACs is derived for.
const STATEMENT_MAC: &[u8] = b"slipway statement mac 1";

/// The key of all seals. It has no `Debug`, and its memory is wiped when it is dropped.
pub(crate) struct SealingKey {
    seals: XChaCha20Poly1305,
    statements: Secret,
}

/// A secret of 32 bytes, wiped when it is dropped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

#[derive(Debug, thiserror::Error)]
#[error("the seal does not open: it was made with another sealing key, or for something else")]
pub(crate) struct Unopened;

impl SealingKey {
    /// Reads the file, 64 hexadecimal digits.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let key = Key::read(path).context("the sealing key is needed to start")?;
        Ok(Self::new(key.bytes()))
    }

    fn new(key: &[u8; 32]) -> Self {
        let derived = hmac(key).chain_update(STATEMENT_MAC).finalize();
        Self {
            seals: XChaCha20Poly1305::new(key.into()),
            statements: Zeroizing::new(derived.into_bytes().into()),
        }
    }

    /// The MAC of a statement that lies outside the database, to be given bytes: HMAC-SHA256 (RFC 2104) by a key that is
    /// derived from this one for nothing else.
    pub(crate) fn statement_mac(&self) -> Hmac<Sha256> {
        hmac(&self.statements)
    }

    /// Seals a secret for `purpose`, which opening must name again.
    pub(crate) fn seal(&self, purpose: &[u8], secret: &Secret) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).context("the system gives no random bytes")?;
        let message = Payload {
            msg: secret.as_slice(),
            aad: purpose,
        };
        let sealed = self
            .seals
            .encrypt(&XNonce::from(nonce), message)
            .map_err(|_| anyhow::anyhow!("a secret could not be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens a seal that was made for `purpose`.
    pub(crate) fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Secret, Unopened> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(Unopened)?;
        let message = Payload {
            msg: sealed,
            aad: purpose,
        };
        let opened = self
            .seals
            .decrypt(&XNonce::from(*nonce), message)
            .map(Zeroizing::new)
            .map_err(|_| Unopened)?;
        let mut secret = Secret::default();
        if opened.len() != secret.len() {
            return Err(Unopened);
        }
        secret.copy_from_slice(&opened);
        Ok(secret)
    }
}

fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    hmac::KeyInit::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Whether this is the key that the database is sealed with. The first start says which one that is: two instances
/// with different keys must not both begin, or each would make keys that the other cannot open.
pub(crate) async fn check(database: &Database, key: &SealingKey) -> anyhow::Result<()> {
    let mut connection = database.read().await?;
    let mut proof = sealing::proof(&mut connection).await?;
    drop(connection);
    if proof.is_none() {
        let new = key.seal(PROOF, &Secret::default())?;
        let mut transaction = database.write().await?;
        sealing::insert(&mut transaction, &new).await?;
        proof = sealing::proof(&mut transaction).await?;
        transaction.commit().await?;
    }
    key.open(PROOF, &proof.unwrap_or_default())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32])
    }

    #[test]
    fn a_seal_opens_with_its_key_for_its_purpose_unchanged() {
        let secret = Zeroizing::new([7; 32]);
        let sealed = key(1).seal(b"notes", &secret).unwrap();
        assert_eq!(*key(1).open(b"notes", &sealed).unwrap(), *secret);
        assert!(key(2).open(b"notes", &sealed).is_err());
        assert!(key(1).open(b"other", &sealed).is_err());
        assert!(key(1).open(b"notes", &sealed[..sealed.len() - 1]).is_err());
        assert!(key(1).open(b"notes", &[]).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key(1).open(b"notes", &changed).is_err(), "byte {place}");
        }
    }

    #[test]
    fn equal_secrets_have_different_seals() {
        let secret = Zeroizing::new([7; 32]);
        let seal = || key(1).seal(b"notes", &secret).unwrap();
        assert_ne!(seal(), seal());
    }
}
