//! An app's public key as minisign writes it: the line `RW…`, alone or in a file below a comment.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_signatures::minisign::KeyId;

use super::text;
use crate::exit::Stop;

const UNTRUSTED: &str = "untrusted comment:";

/// Its text is the line: `Ed`, eight bytes of id and 32 of key in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    line: String,
    bytes: [u8; 42],
}

impl Key {
    /// The line, or the text of a file that holds it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.find(|line| !line.starts_with(UNTRUSTED))?;
        let bytes: [u8; 42] = STANDARD.decode(line).ok()?.try_into().ok()?;
        bytes.starts_with(b"Ed").then(|| Self {
            line: line.to_owned(),
            bytes,
        })
    }

    /// What a person gave: the line itself, or a file.
    pub(crate) fn given(text: &str) -> Result<Self, Stop> {
        if let Some(key) = Self::parse(text) {
            return Ok(key);
        }
        let path = Path::new(text);
        if !path.exists() {
            return Err(Stop::usage(format!(
                "--key {text} is neither a key (RW…) nor a file: give minisign's line or a file that holds it"
            )));
        }
        Self::parse(&text::read(path)?).ok_or_else(|| {
            Stop::usage(format!(
                "{text} is not a minisign public key: fetch the file minisign.pub of the app again"
            ))
        })
    }

    pub(crate) fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.bytes[2..10]);
        KeyId::from_bytes(id)
    }

    /// Of the whole key; the id alone is chosen by who makes a key. Written as `ssh` writes a host's.
    pub(crate) fn fingerprint(&self) -> String {
        format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(Sha256::digest(self.bytes))
        )
    }

    /// The text of a `minisign.pub`.
    pub(crate) fn as_file(&self) -> String {
        format!("{UNTRUSTED} minisign public key\n{}\n", self.line)
    }

    pub(crate) fn document(&self) -> Value {
        json!({"id": self.id().to_string(), "fingerprint": self.fingerprint(), "text": self.line})
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.line)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const LINE: &str = "RWTXWpgBgrEKt9damAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    #[test]
    fn a_key_is_read_alone_and_below_its_comment() {
        let key = Key::parse(LINE).expect("a key");
        assert_eq!(key.id().to_string(), "B70AB18201985AD7");
        let file = format!("untrusted comment: minisign public key B7\r\n{LINE}\r\n");
        assert_eq!(Key::parse(&file), Some(key.clone()));
        assert_eq!(Key::parse(&key.as_file()), Some(key));
    }

    #[test]
    fn what_is_none_is_told() {
        let secret = LINE.replace("RW", "RV");
        for text in ["", "RW", "untrusted comment: x\n", &LINE[1..], &secret] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
        let error = Key::given("RWTX").expect_err("no key");
        assert!(error.to_string().contains("neither a key"), "{error}");
    }
}
