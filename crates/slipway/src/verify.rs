//! `slipway verify`: whether a download is what the app's key signed, as `minisign -Vm` does it.
//!
//! It trusts nothing but the key it is given, and uses a verifier that shares no code with the signing service. Exit
//! codes: 0 proven, 1 not proven, 2 there is nothing to judge (wrong usage, or a file that cannot be read).

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use minisign_verify::{Error, PublicKey, Signature};
use slipway_service::clock;

use crate::terminal::{self, Progress};

pub(crate) const EXAMPLES: &str = "\
Examples:
  curl -O http://127.0.0.1:8080/keys/notes/minisign.pub
  slipway verify notes.apk --key minisign.pub
  slipway verify notes.apk --signature notes.apk.minisig --key minisign.pub

Exit codes: 0 proven, 1 not proven, 2 wrong usage or a file that cannot be read.";

/// A key and a signature have four lines at most, and minisign takes comments of 8 KiB.
const LONGEST_TEXT: u64 = 32 * 1024;
/// Bytes of one read; the memory does not grow with the file.
const READ: usize = 1024 * 1024;

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
        Ok(Ok(comment)) => {
            terminal::say(format_args!(
                "{file} is proven: it is what the key in {} signed",
                options.key.display()
            ));
            for field in comment.split('\t') {
                terminal::say(format_args!("  {}", shown(field)));
            }
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            terminal::note(format_args!(
                "{file} is NOT proven, do not use it: {}",
                in_words(&error)
            ));
            ExitCode::from(1)
        }
        Err(error) => {
            terminal::note(format_args!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

/// The trusted comment, or why there is no proof. The outer error: something could not be read.
fn judge(options: &Options) -> anyhow::Result<Result<String, Error>> {
    let shown = options.key.display();
    let key = PublicKey::decode(&text(&options.key)?);
    let key = key.ok().with_context(|| {
        format!("{shown} is no minisign key: fetch it again from a source that you trust")
    })?;
    let mut beside = options.file.clone().into_os_string();
    beside.push(".minisig");
    let signature = text(options.signature.as_deref().unwrap_or(Path::new(&beside)))?;
    let mut file = File::open(&options.file)
        .with_context(|| format!("could not open {}", options.file.display()))?;
    let signature = match Signature::decode(&signature) {
        Ok(signature) => signature,
        Err(error) => return Ok(Err(error)),
    };
    let mut verifier = match key.verify_stream(&signature) {
        Ok(verifier) => verifier,
        Err(error) => return Ok(Err(error)),
    };
    let mut progress = Progress::quiet("reading", file.metadata()?.len());
    let mut buffer = vec![0; READ];
    loop {
        let count = file
            .read(&mut buffer)
            .with_context(|| format!("could not read {}", options.file.display()))?;
        if count == 0 {
            break;
        }
        verifier.update(&buffer[..count]);
        progress.add(count as u64);
    }
    Ok(verifier
        .finalize()
        .map(|()| signature.trusted_comment().to_owned()))
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

fn in_words(error: &Error) -> &'static str {
    match error {
        Error::UnexpectedKeyId => {
            "another key signed it; this is the key of another app, or the file is not from where you think"
        }
        Error::UnsupportedLegacyMode | Error::UnexpectedAlgorithm | Error::UnsupportedAlgorithm => {
            "its signature is of a kind that Slipway does not make"
        }
        Error::InvalidSignature => "the file or its signature was changed after it was signed",
        Error::InvalidEncoding | Error::IoError(_) => "what should be its signature is none",
    }
}
