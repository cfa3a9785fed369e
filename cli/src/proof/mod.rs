//! What is needed to prove a file: the app's key, what is expected of the signature, and the verdict.
//!
//! A key that comes from the same host as the file proves only that both are of one hand. So a key is pinned at its first
//! use, as `ssh` pins a host's, and a user may say what the file has to be: a key signs every version of an app, and an old
//! one is as well signed as the newest.

pub(crate) mod key;
pub(crate) mod known_apps;
pub(crate) mod statement;
pub(crate) mod text;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use slipway_signatures::minisign::{VerifyError, verify_file};

use crate::exit::{Exit, Stop};
use crate::terminal;
use key::Key;
use known_apps::{KnownApps, Standing};
use statement::{Expected, Statement};

/// Where a key stands with what is known, and whom it belongs to.
pub(crate) struct Trust<'a> {
    pub(crate) known: &'a KnownApps,
    /// `None`: of any.
    pub(crate) server: Option<&'a str>,
    pub(crate) key: &'a Key,
}

/// A file that is what the key signed, and what was expected.
pub(crate) struct Proven {
    pub(crate) statement: Statement,
    standing: Option<Standing>,
}

/// Proves the file at `path` by the text of its signature. The key is pinned if it is its app's first.
pub(crate) fn prove(
    path: &Path,
    signature: &str,
    trust: &Trust<'_>,
    expected: &Expected,
) -> anyhow::Result<Proven> {
    let shown = path.display();
    let file = File::open(path)
        .map_err(|error| Stop::usage(format!("could not open {shown}: {error}")))?;
    let total = file.metadata()?.len();
    // Its limit counts what is read: a pipe has no length before.
    let mut reading = terminal::reading(file, total).take(u64::MAX);
    let verified = verify_file(&mut reading, signature, &trust.key.as_file());
    let verified = verified.map_err(|error| match error {
        VerifyError::NoPublicKey | VerifyError::Unreadable(_) => {
            Stop::usage(format!("{shown}: {error}"))
        }
        // Its words begin with the verdict.
        VerifyError::Refuted => not_proven(format!("{shown}: {error}")),
        error => not_proven(format!("{shown}: NOT PROVEN: {error}")),
    })?;
    let statement = Statement::of(&verified.comment);
    let size = u64::MAX - reading.limit();
    if let Some(signed) = statement.size().filter(|signed| *signed != size) {
        return Err(not_proven(format!(
            "{shown}: NOT PROVEN: it has {size} bytes, and its signature says {signed}. Do not use it"
        ))
        .into());
    }
    expected.check(&statement).map_err(|why| {
        not_proven(format!(
            "{shown}: NOT PROVEN to be what was expected: {why}. Do not use it in place of that"
        ))
    })?;
    let standing = statement
        .app
        .as_ref()
        .map(|app| trust.known.take(trust.server, app.as_str(), trust.key))
        .transpose()?;
    Ok(Proven {
        statement,
        standing,
    })
}

fn not_proven(words: String) -> Stop {
    Stop::new(Exit::Failed, "not_proven", words)
}

impl Proven {
    pub(crate) fn document(&self, path: &Path, key: &Key) -> Value {
        let Statement {
            app,
            version,
            file,
            comment,
        } = &self.statement;
        json!({
            "file": path,
            "proven": true,
            "app": app,
            "version": version,
            "filename": file,
            "comment": comment,
            "key": key.document(),
            "pinned": self.standing.map(Standing::as_str),
        })
    }

    pub(crate) fn lines(&self, path: &Path, key: &Key) -> Vec<String> {
        let mut lines = vec![format!(
            "{} is proven: it is what the key {} signed",
            path.display(),
            key.id()
        )];
        lines.extend(self.statement.lines());
        lines.push(format!("  key      {}", key.fingerprint()));
        lines
    }
}
