//! The token that publishes: from the environment or a file, never from the command line, which every user of the
//! machine can read in the list of processes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use slipway_service::token::Token;

const VARIABLE: &str = "SLIPWAY_TOKEN";

pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Token> {
    let (text, source) = match file {
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("could not read the token from {}", path.display()))?;
            (text, path.display().to_string())
        }
        None => match std::env::var(VARIABLE) {
            Ok(text) if !text.trim().is_empty() => (text, VARIABLE.to_owned()),
            _ => bail!(
                "no token: set {VARIABLE}, or give --token-file; on the platform's machine: --token-file data/admin-token"
            ),
        },
    };
    text.trim()
        .parse()
        .with_context(|| format!("{source} holds no token"))
}
