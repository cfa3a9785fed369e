//! Makes minisign keys and signatures that the signing service never would.
//!
//! Written for these tests alone from the format's description (<https://jedisct1.github.io/minisign/>), so that the
//! gate's verifier meets signatures that come from none of the code that it guards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest as _};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::Sha256;

pub(crate) struct Key {
    id: [u8; 8],
    key: SigningKey,
}

impl Key {
    /// The key of a name; the same name has the same key.
    pub(crate) fn of(name: &str) -> Self {
        let seed: [u8; 32] = Sha256::digest(name).into();
        let mut id = [0; 8];
        id.copy_from_slice(&seed[..8]);
        Self {
            id,
            key: SigningKey::from_bytes(&seed),
        }
    }

    /// A key that signing never made, under the id of one that it has.
    pub(crate) fn forged(id: &str) -> Self {
        let mut id = hex::decode(id).expect("an id in hex");
        // The number is written from its highest byte on, and lies in keys from its lowest on.
        id.reverse();
        Self {
            id: id.try_into().expect("eight bytes"),
            key: Self::of("another").key,
        }
    }

    pub(crate) fn id(&self) -> String {
        hex::encode_upper(self.id)
    }

    /// The text of `minisign.pub`.
    pub(crate) fn public_key(&self) -> String {
        let public = self.key.verifying_key();
        let bytes = [b"Ed".as_slice(), &self.id, public.as_bytes()].concat();
        let id = self.id();
        format!(
            "untrusted comment: minisign public key {id}\n{}\n",
            STANDARD.encode(bytes)
        )
    }

    /// The text of a `.minisig`, prehashed.
    pub(crate) fn sign(&self, bytes: &[u8], trusted_comment: &str) -> String {
        let signature = self.key.sign(&Blake2b512::digest(bytes)).to_bytes();
        let line = [b"ED".as_slice(), &self.id, &signature].concat();
        let all = [signature.as_slice(), trusted_comment.as_bytes()].concat();
        let global = self.key.sign(&all).to_bytes();
        format!(
            "untrusted comment: signature\n{}\ntrusted comment: {trusted_comment}\n{}\n",
            STANDARD.encode(line),
            STANDARD.encode(global)
        )
    }
}
