//! What everybody who speaks of a package says of it, once: rows, feed and documents flatten it into their own fields.

use serde::{Deserialize, Serialize};

use crate::{
    arch::Arch,
    digest::{Digest, DigestError},
    file_name::{FileName, FileNameError},
    kind::Kind,
    platform::Platform,
    word::Word,
};

/// The file that a package is, and what it is for.
///
/// The words are of whoever wrote them, perhaps a later version: a package of a kind that is not known here is kept and
/// served at its own address, and offered to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = PackageFile))]
pub struct File {
    pub filename: FileName,
    pub sha256: Digest,
    /// Bytes.
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub size: i64,
    #[cfg_attr(feature = "schema", schema(value_type = Kind))]
    pub kind: Word<Kind>,
    #[cfg_attr(feature = "schema", schema(value_type = Platform))]
    pub platform: Word<Platform>,
    #[cfg_attr(feature = "schema", schema(value_type = Arch))]
    pub arch: Word<Arch>,
}

/// A text that is no name or no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Name(#[from] FileNameError),
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl File {
    /// Reads what a database has of it. The words are kind, platform and architecture.
    pub fn read(
        filename: &str,
        sha256: &str,
        size: i64,
        [kind, platform, arch]: [String; 3],
    ) -> Result<Self, FileError> {
        Ok(Self {
            filename: filename.parse()?,
            sha256: sha256.parse()?,
            size,
            kind: Word::read(kind),
            platform: Word::read(platform),
            arch: Word::read(arch),
        })
    }

    /// What a reader of this version leaves out because of words that it does not know: `kind wasm`.
    pub fn unknown_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |name: &str, is_unknown: bool, text: &str| {
            if is_unknown {
                words.push(format!("{name} {text}"));
            }
        };
        add("kind", self.kind.is_unknown(), self.kind.as_str());
        add(
            "platform",
            self.platform.is_unknown(),
            self.platform.as_str(),
        );
        add("arch", self.arch.is_unknown(), self.arch.as_str());
        words
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::File;
    use crate::{kind::Kind, platform::Platform};

    #[test]
    fn its_json_is_what_earlier_versions_write_and_read() {
        let text = format!(
            r#"{{"filename":"notes.apk","sha256":"{}","size":5,"kind":"apk","platform":"android","arch":"universal"}}"#,
            "07".repeat(32)
        );
        let file: File = serde_json::from_str(&text).unwrap();
        assert_eq!(file.kind, Kind::Apk);
        assert_eq!(file.unknown_words(), Vec::<String>::new());
        assert_eq!(serde_json::to_string(&file).unwrap(), text);
    }

    #[test]
    fn words_of_a_later_version_are_kept_and_named() {
        let text = json!({
            "filename": "notes.wasm", "sha256": "07".repeat(32), "size": 5,
            "kind": "wasm", "platform": "web", "arch": "an architecture of tomorrow",
        });
        let file: File = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&file).unwrap(), text);
        let words = file.unknown_words();
        assert_eq!(
            words,
            [
                "kind wasm",
                "platform web",
                "arch an architecture of tomorrow"
            ]
        );
        assert!(file.platform != Platform::Any);
    }

    #[test]
    fn a_name_that_is_none_and_a_digest_that_is_none_are_not_read() {
        for (filename, sha256) in [
            ("../notes.apk", "07".repeat(32)),
            ("notes.apk", "07".into()),
        ] {
            let text = json!({
                "filename": filename, "sha256": sha256, "size": 5,
                "kind": "apk", "platform": "android", "arch": "universal",
            });
            assert!(serde_json::from_value::<File>(text).is_err(), "{filename}");
        }
    }
}
