//! The keys of internal calls, and what is signed with them.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// A symmetric key of 32 bytes: a callee's own, or the one derived from it for a caller.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// What a signature covers.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    pub caller: &'a str,
    pub callee: &'a str,
    /// The callee's instance, or `*` for the registry, whose URL is all that is known of it.
    pub instance: &'a str,
    pub method: &'a Method,
    /// Path and query, as sent.
    pub path: &'a str,
    /// Unix seconds.
    pub time: i64,
}

impl Key {
    pub fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// 64 hex digits and a newline, as in the files under `secrets/`.
    pub fn to_text(&self) -> String {
        format!("{}\n", hex::encode(self.0))
    }

    pub fn from_text(text: &str) -> anyhow::Result<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).context("a key is 64 hexadecimal digits")?;
        Ok(Self(bytes))
    }

    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| {
            format!(
                "could not read the key {}: run `slipway init --data DIR` first",
                path.display()
            )
        })?;
        Self::from_text(&text).with_context(|| format!("the key {} is damaged", path.display()))
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that `caller` holds for calls to this callee: HMAC-SHA256(callee key, caller).
    #[must_use]
    pub fn derive(&self, caller: &str) -> Self {
        Self(self.mac(caller.as_bytes()))
    }

    /// The signature of a request in hex.
    pub fn sign(&self, request: Signed<'_>) -> String {
        hex::encode(self.mac(request.message().as_bytes()))
    }

    /// Compares in constant time, so that a forger learns nothing from how long a refusal takes.
    pub fn verify(&self, request: Signed<'_>, signature: &str) -> bool {
        bool::from(self.sign(request).as_bytes().ct_eq(signature.as_bytes()))
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl Signed<'_> {
    fn message(&self) -> String {
        let Self {
            caller,
            callee,
            instance,
            method,
            path,
            time,
        } = self;
        format!("{caller}\n{callee}\n{instance}\n{method}\n{path}\n{time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_every_part() {
        let callee = Key::random().unwrap();
        let request = Signed {
            caller: "catalog",
            callee: "signing",
            instance: "i",
            method: &Method::POST,
            path: "/internal/keys",
            time: 7,
        };
        let signature = callee.derive("catalog").sign(request);
        assert!(callee.derive("catalog").verify(request, &signature));
        assert!(!callee.derive("upload").verify(request, &signature));
        for other in [
            Signed {
                caller: "upload",
                ..request
            },
            Signed {
                callee: "download",
                ..request
            },
            Signed {
                instance: "j",
                ..request
            },
            Signed {
                method: &Method::GET,
                ..request
            },
            Signed {
                path: "/internal/keys?",
                ..request
            },
            Signed { time: 8, ..request },
        ] {
            assert!(!callee.derive("catalog").verify(other, &signature));
        }
    }
}
