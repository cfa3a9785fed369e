//! `slipway verify`: whether a download is what the app's key signed, as `minisign -Vm` does it.
//!
//! It trusts nothing but the key it is given, and uses a verifier that shares no code with the signing service. Exit
//! codes: 0 proven, 1 not proven, 2 there is nothing to judge (wrong usage, or a file that cannot be read).

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use slipway_service::clock;
use slipway_signatures::minisign::{Verified, VerifyError, verify_file};

use crate::terminal;

pub(crate) const EXAMPLES: &str = "\
Examples:
  curl -O http://127.0.0.1:8080/keys/notes/minisign.pub
  slipway verify notes.apk --key minisign.pub
  slipway verify notes.apk --signature notes.apk.minisig --key minisign.pub

Exit codes: 0 proven, 1 not proven, 2 wrong usage or a file that cannot be read.";

/// A key and a signature have four lines at most, and minisign takes comments of 8 KiB.
const LONGEST_TEXT: u64 = 32 * 1024;

/// Prove that a file is what was signed
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The file as it was downloaded
    file: PathBuf,
    /// Its signature [default: FILE.minisig]
    #[arg(long, value_name = "FILE.minisig")]
    signature: Option<PathBuf>,
    /// The app's public key, from a source that you trust
    #[arg(long, value_name = "KEY.pub")]
    key: PathBuf,
}

pub(crate) fn execute(options: &Options) -> ExitCode {
    let file = options.file.display();
    match judge(options) {
        Ok(Ok(proven)) => {
            let key = options.key.display();
            terminal::say(format_args!(
                "{file} is proven: it is what the key in {key} signed"
            ));
            for field in proven.comment.split('\t') {
                terminal::say(format_args!("  {}", shown(field)));
            }
            ExitCode::SUCCESS
        }
        Ok(Err(refuted)) => {
            terminal::note(format_args!("{file} is not proven: {refuted}"));
            ExitCode::from(1)
        }
        Err(error) => {
            terminal::note(format_args!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

/// What is proven, or why nothing is. The outer error: there was nothing to judge.
fn judge(options: &Options) -> anyhow::Result<Result<Verified, VerifyError>> {
    let shown = options.file.display();
    let mut beside = options.file.clone().into_os_string();
    beside.push(".minisig");
    let key = text(&options.key)?;
    let signature = text(options.signature.as_deref().unwrap_or(Path::new(&beside)))?;
    let file = File::open(&options.file).with_context(|| format!("could not open {shown}"))?;
    let total = file.metadata()?.len();
    match verify_file(terminal::reading(file, total), &signature, &key) {
        Err(error @ VerifyError::NoPublicKey) => {
            Err(error).context(options.key.display().to_string())
        }
        Err(error @ VerifyError::Unreadable(_)) => Err(error).context(shown.to_string()),
        verdict => Ok(verdict),
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let read = || {
        let mut text = String::new();
        File::open(path)?
            .take(LONGEST_TEXT + 1)
            .read_to_string(&mut text)?;
        anyhow::Ok(text)
    };
    let text = read().with_context(|| format!("could not read {}", path.display()))?;
    if text.len() as u64 > LONGEST_TEXT {
        bail!("{} is too long for a key or a signature", path.display());
    }
    Ok(text)
}

/// A field of the trusted comment, such as `version:1.2.3`. Escaped, since whoever holds the key chose the bytes, and
/// a terminal obeys some.
fn shown(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap_or(("comment", field));
    let time = value
        .parse::<i64>()
        .ok()
        .filter(|_| name == "timestamp")
        .and_then(|seconds| seconds.checked_mul(1000));
    let (name, value) = match time {
        Some(time) => ("signed", clock::rfc3339(time)),
        None => (name, value.escape_debug().to_string()),
    };
    format!("{:<9}{value}", name.escape_debug().to_string())
}
