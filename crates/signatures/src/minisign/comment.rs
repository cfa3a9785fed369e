//! What a signature says beside the bytes: of which app, version and name they are.
//!
//! A key of an app signs many files. Without this an old version could be served as a new one, and one file under the
//! name of another.

use std::fmt;
use std::str::FromStr;

use slipway_contract::{Digest, FileName, Slug, Version};

/// The trusted comment that Slipway writes; its text is tab-separated `key:value`, as Tauri's updater reads it too.
///
/// None of its types can hold a tab or a line break, so no field can be made to look like two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedComment {
    /// Unix seconds.
    pub timestamp: i64,
    pub file: FileName,
    pub version: Version,
    pub app: Slug,
    pub sha256: Digest,
    /// Bytes of the file; none in what was signed before 0.5.0.
    pub size: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the trusted comment is not `timestamp:… file:… version:… app:… sha256:… size:…` with one tab between the fields"
)]
pub struct CommentError;

impl fmt::Display for TrustedComment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            timestamp,
            file,
            version,
            app,
            sha256,
            size,
        } = self;
        write!(
            formatter,
            "timestamp:{timestamp}\tfile:{file}\tversion:{version}\tapp:{app}\tsha256:{sha256}"
        )?;
        size.map_or(Ok(()), |size| write!(formatter, "\tsize:{size}"))
    }
}

impl FromStr for TrustedComment {
    type Err = CommentError;

    /// Reads exactly what [`fmt::Display`] writes and nothing that merely resembles it.
    fn from_str(text: &str) -> Result<Self, CommentError> {
        let mut fields = text.split('\t');
        let comment = Self {
            timestamp: field(fields.next(), "timestamp:")?,
            file: field(fields.next(), "file:")?,
            version: field(fields.next(), "version:")?,
            app: field(fields.next(), "app:")?,
            sha256: field(fields.next(), "sha256:")?,
            size: fields
                .next()
                .map(|size| field(Some(size), "size:"))
                .transpose()?,
        };
        if comment.to_string() == text {
            Ok(comment)
        } else {
            Err(CommentError)
        }
    }
}

fn field<T: FromStr>(field: Option<&str>, key: &str) -> Result<T, CommentError> {
    field
        .and_then(|field| field.strip_prefix(key))
        .and_then(|value| value.parse().ok())
        .ok_or(CommentError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn text() -> String {
        format!(
            "timestamp:1795000000\tfile:My notes.apk\tversion:1.2.3-beta+7\tapp:notes\tsha256:{SHA256}\tsize:7340032"
        )
    }

    #[test]
    fn a_comment_is_read_as_it_is_written() {
        let comment: TrustedComment = text().parse().unwrap();
        assert_eq!(comment.timestamp, 1_795_000_000);
        assert_eq!(comment.file.as_str(), "My notes.apk");
        assert_eq!(comment.version.as_str(), "1.2.3-beta+7");
        assert_eq!(comment.app.as_str(), "notes");
        assert_eq!(comment.sha256.as_hex(), SHA256);
        assert_eq!(comment.size, Some(7_340_032));
        assert_eq!(comment.to_string(), text());
    }

    #[test]
    fn a_comment_of_before_there_was_a_size_is_read_as_it_was_written() {
        let older = text().replace("\tsize:7340032", "");
        let comment: TrustedComment = older.parse().unwrap();
        assert_eq!(comment.size, None);
        assert_eq!(comment.to_string(), older);
    }

    #[test]
    fn what_only_resembles_a_comment_is_none() {
        let text = text();
        for other in [
            String::new(),
            text.replace('\t', " "),
            text.replace("timestamp:", "timestamp:+"),
            text.replace("timestamp:", "timestamp:0"),
            text.replace("app:notes", "app:notes\tapp:other"),
            text.replace("app:", "App:"),
            text.replace(SHA256, &SHA256.to_uppercase()),
            format!("{text}\t"),
            format!("{text}\tmore:1"),
            format!("\t{text}"),
            text.replace("\tversion:1.2.3-beta+7", ""),
            text.replace("\tsize:7340032", "\t"),
            text.replace("size:", "size:+"),
            text.replace("size:", "size:0"),
            text.replace("size:", "size:-"),
            format!("{text}\tsize:7340032"),
            format!("{text}000000000000000"),
        ] {
            assert_eq!(
                other.parse::<TrustedComment>(),
                Err(CommentError),
                "{other:?}"
            );
        }
    }
}
