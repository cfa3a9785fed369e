//! minisign signatures, judged by their own verifiers.

mod minisign;
mod verify;

use slipway_contract::Digest;
use slipway_signatures::minisign::{KeyId, Prehash, Prehasher, SecretKey, TrustedComment};

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(KeyId::from_bytes([number; 8]), &[number; 32])
}

fn prehash(content: &[u8]) -> Prehash {
    let mut prehasher = Prehasher::default();
    prehasher.update(content);
    prehasher.finish()
}

fn comment() -> TrustedComment {
    TrustedComment {
        timestamp: 1_795_000_000,
        file: "Größe (x64).exe".parse().expect("a file name"),
        version: "1.2.3".parse().expect("a version"),
        app: "notes".parse().expect("a slug"),
        sha256: Digest::from_bytes([7; 32]),
        size: Some(8),
    }
}
