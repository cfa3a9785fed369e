//! Symmetric keys, as they lie in files under `secrets/`.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// A key of 32 bytes.
#[derive(Clone)]
pub struct Key([u8; 32]);

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
}
