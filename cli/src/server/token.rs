//! The token: from the environment or a file, never from the command line, which every user of the
//! machine can read in the list of processes.

use std::fs;
use std::path::Path;

use slipway_runtime::token::Token;

use crate::exit::Stop;

const VARIABLE: &str = "SLIPWAY_TOKEN";

pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Token> {
    let (text, source) = match file {
        Some(path) => {
            let shown = path.display();
            let text = fs::read_to_string(path).map_err(|error| {
                Stop::usage(format!("could not read the token from {shown}: {error}"))
            })?;
            (text, shown.to_string())
        }
        None => match std::env::var(VARIABLE) {
            Ok(text) if !text.trim().is_empty() => (text, VARIABLE.to_owned()),
            _ => {
                return Err(Stop::usage(format!(
                    "no token: set {VARIABLE}, or give --token-file; on the platform's machine: --token-file data/admin-token"
                ))
                .into());
            }
        },
    };
    let token = text.trim().parse();
    Ok(token.map_err(|error| Stop::usage(format!("{source} holds no token: {error}")))?)
}
