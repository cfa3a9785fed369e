//! The only thing of a file that is signed.

use blake2::{Blake2b512, Digest as _};

/// The BLAKE2b-512 of a file (RFC 7693, no key). It comes out of a [`Prehasher`] alone, so that nobody can pass bytes
/// of an upload for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Prehash([u8; 64]);

/// Computes a [`Prehash`] from a file in chunks.
#[derive(Clone, Default)]
pub struct Prehasher(Blake2b512);

impl Prehash {
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Prehasher {
    pub fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    pub fn finish(self) -> Prehash {
        Prehash(self.0.finalize().into())
    }
}
