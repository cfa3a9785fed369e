//! Keys, and the one way to make a signature.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};

use super::comment::TrustedComment;
use super::key_id::KeyId;
use super::prehash::Prehash;
use super::text;

/// The public half of a key; its text is the whole file `minisign.pub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: [u8; 32],
}

impl PublicKey {
    /// What the text of a `minisign.pub` says; `None` where it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        text::read_public_key(text).map(|(id, key)| Self { id, key })
    }

    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The Ed25519 public key (RFC 8032 part 5.1.5).
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&text::public_key(self.id, &self.key))
    }
}

/// The secret half of a key. It has no `Debug`, and its memory is wiped when it is dropped.
pub struct SecretKey {
    id: KeyId,
    signing: SigningKey,
}

impl SecretKey {
    /// The key of a seed (RFC 8032 part 5.1.5).
    pub fn from_seed(id: KeyId, seed: &[u8; 32]) -> Self {
        Self {
            id,
            signing: SigningKey::from_bytes(seed),
        }
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey {
            id: self.id,
            key: self.signing.verifying_key().to_bytes(),
        }
    }

    /// The whole text of a `.minisig`. Ed25519 is deterministic, so equal arguments give equal bytes.
    pub fn sign(&self, prehash: &Prehash, comment: &TrustedComment) -> String {
        self.sign_with(prehash, &comment.to_string())
    }

    fn sign_with(&self, prehash: &Prehash, comment: &str) -> String {
        let signature = self.signing.sign(prehash.as_bytes()).to_bytes();
        let global = [signature.as_slice(), comment.as_bytes()].concat();
        let global = self.signing.sign(&global).to_bytes();
        text::signature(self.id, &signature, comment, &global)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minisign::Prehasher;

    /// RFC 8032 part 7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

    fn key() -> SecretKey {
        let mut seed = [0; 32];
        hex::decode_to_slice(SEED, &mut seed).unwrap();
        SecretKey::from_seed("B70AB18201985AD7".parse().unwrap(), &seed)
    }

    #[test]
    fn the_public_key_has_the_bytes_that_minisign_accepts() {
        assert_eq!(
            key().public_key().to_string(),
            "untrusted comment: minisign public key B70AB18201985AD7\n\
             RWTXWpgBgrEKt9damAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n"
        );
    }

    #[test]
    fn a_signature_has_the_bytes_that_minisign_accepts() {
        let mut prehasher = Prehasher::default();
        prehasher.update(b"slip");
        prehasher.update(b"way\n");
        let comment = "timestamp:1795000000\tfile:f\tversion:1.2.3";
        assert_eq!(
            key().sign_with(&prehasher.finish(), comment),
            "untrusted comment: signature of minisign key B70AB18201985AD7\n\
             RUTXWpgBgrEKt8se23GJDZfzdhWW41NBY67xWxCoF/1NfRbOggLWxw0Yl8Ph97xVyDtpgmpjlHrBGqIKaIiNv6f1DpIPqPXeogA=\n\
             trusted comment: timestamp:1795000000\tfile:f\tversion:1.2.3\n\
             mgu2QheajKEjYuOYfPy+f7yDKqOvOKeyZveeAO+pUiLwi1BL0YcAQ6hVkJwiH1sRQtoigBN+ehG6JTKN5m9fCA==\n"
        );
    }
}
