//! What the central configuration last said, on disk: a start without a registry goes on with it.
//!
//! The file is written whole, is readable by its owner alone, and carries the SHA-256 of what it says. One that is torn, of
//! another service or of another environment counts as none, and that is said.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use slipway_contract::configuration::Document;

use crate::data::{DataDir, write_whole};

/// The documents that a service was last told, and with which revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub service: String,
    pub environment: String,
    /// Of the registry's database.
    pub epoch: String,
    pub revision: u64,
    /// When it was told, in Unix milliseconds.
    pub told_at: i64,
    pub documents: Vec<Document>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    /// The JSON of [`Kept`] as a text, so that its bytes are those that were hashed.
    kept: String,
}

/// Why a file counts as none.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is torn, or was changed by hand")]
    Torn,
    #[error("it is of the service {0}")]
    OfAnotherService(String),
    #[error("it is of the environment {0}")]
    OfAnotherEnvironment(String),
}

impl Kept {
    /// What is kept for a process; `None` where nothing is, or nothing that can be used.
    pub fn read(data: &DataDir, service: &str, environment: &str) -> Option<Self> {
        let file = file(data, service);
        match read(&file, (service, environment)) {
            Ok(kept) => Some(kept),
            Err(Unusable::Unreadable(error)) if error.kind() == ErrorKind::NotFound => None,
            Err(unusable) => {
                warn(format_args!(
                    "{}: the configuration that was kept counts as none: {unusable}",
                    file.display()
                ));
                None
            }
        }
    }

    /// Keeps it.
    pub fn write(&self, data: &DataDir) -> anyhow::Result<()> {
        let kept = serde_json::to_string(self)?;
        let sealed = Sealed {
            sha256: digest(&kept),
            kept,
        };
        write_whole(
            &file(data, &self.service),
            serde_json::to_vec_pretty(&sealed)?,
        )
    }
}

/// `DIR/<service>/config.json`.
pub fn file(data: &DataDir, service: &str) -> PathBuf {
    data.service(service).join("config.json")
}

fn read(file: &Path, (service, environment): (&str, &str)) -> Result<Kept, Unusable> {
    let bytes = fs::read(file)?;
    let sealed: Sealed = serde_json::from_slice(&bytes).map_err(|_| Unusable::Torn)?;
    if digest(&sealed.kept) != sealed.sha256 {
        return Err(Unusable::Torn);
    }
    let kept: Kept = serde_json::from_str(&sealed.kept).map_err(|_| Unusable::Torn)?;
    if kept.service != service {
        return Err(Unusable::OfAnotherService(kept.service));
    }
    if kept.environment != environment {
        return Err(Unusable::OfAnotherEnvironment(kept.environment));
    }
    Ok(kept)
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Says it before the log is open. A full disk behind standard error is no reason to end.
pub(super) fn warn(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "warning: {words}");
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    fn kept() -> Kept {
        Kept {
            service: "upload".to_owned(),
            environment: "dev".to_owned(),
            epoch: "e".to_owned(),
            revision: 7,
            told_at: 1,
            documents: vec![Document {
                name: "base".to_owned(),
                content: json!({"log": {"filter": "warn"}})
                    .as_object()
                    .expect("an object")
                    .clone(),
            }],
        }
    }

    #[test]
    fn what_is_kept_is_found_whole_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path());
        fs::create_dir(data.service("upload")).expect("a folder");
        assert_eq!(Kept::read(&data, "upload", "dev"), None);
        kept().write(&data).expect("written");
        assert_eq!(Kept::read(&data, "upload", "dev"), Some(kept()));
        let mode = fs::metadata(file(&data, "upload"))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_torn_or_foreign_file_counts_as_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path());
        fs::create_dir(data.service("upload")).expect("a folder");
        kept().write(&data).expect("written");
        let whole = fs::read(file(&data, "upload")).expect("a file");
        for end in 0..whole.len() {
            fs::write(file(&data, "upload"), &whole[..end]).expect("a torn file");
            // What is cut off behind the last brace is nothing.
            if whole[end..].trim_ascii().is_empty() {
                continue;
            }
            let torn = read(&file(&data, "upload"), ("upload", "dev"));
            assert!(matches!(torn, Err(Unusable::Torn)), "{end} bytes");
        }
        let text = String::from_utf8(whole).expect("text");
        let changed = text.replace("warn", "info");
        fs::write(file(&data, "upload"), changed).expect("a changed file");
        assert_eq!(Kept::read(&data, "upload", "dev"), None);
        for foreign in [
            Kept {
                service: "catalog".to_owned(),
                ..kept()
            },
            Kept {
                environment: "production".to_owned(),
                ..kept()
            },
        ] {
            fs::create_dir_all(data.service(&foreign.service)).expect("a folder");
            foreign.write(&data).expect("written");
            fs::rename(file(&data, &foreign.service), file(&data, "upload")).expect("renamed");
            assert_eq!(Kept::read(&data, "upload", "dev"), None);
        }
    }
}
