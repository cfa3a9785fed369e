//! What a signature says beside the bytes, and what a user expects of it.

use std::cmp::Ordering;

use slipway_contract::{Slug, Version};
use slipway_runtime::clock;

/// The trusted comment: fields `name:value` with tabs between them, as Slipway writes them; others are passed over, so one
/// with `size:` and one without are read alike.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) app: Option<Slug>,
    pub(crate) version: Option<Version>,
    pub(crate) file: Option<String>,
    /// The whole of it.
    pub(crate) comment: String,
}

impl Statement {
    pub(crate) fn of(comment: &str) -> Self {
        let field = |name| field(comment, name);
        Self {
            app: field("app").and_then(|app| app.parse().ok()),
            version: field("version").and_then(|version| version.parse().ok()),
            file: field("file").map(str::to_owned),
            comment: comment.to_owned(),
        }
    }

    /// What the text of a signature says; nothing of it is proven.
    pub(crate) fn claimed(signature: &str) -> Self {
        let mut lines = signature.lines();
        let comment = lines.find_map(|line| line.strip_prefix("trusted comment: "));
        Self::of(comment.unwrap_or_default())
    }

    /// Bytes of the file, in signatures since 0.5.0.
    pub(crate) fn size(&self) -> Option<u64> {
        field(&self.comment, "size")?.parse().ok()
    }

    /// For a terminal, which obeys some bytes; whoever holds the key chose these.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.comment.split('\t').map(|field| {
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
            format!("  {:<9}{value}", name.escape_debug().to_string())
        })
    }
}

/// The value of a field; one that is there twice says nothing.
fn field<'a>(comment: &'a str, name: &str) -> Option<&'a str> {
    let value = |field: &'a str| field.strip_prefix(name)?.strip_prefix(':');
    let mut values = comment.split('\t').filter_map(value);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// What the file has to be. What is not named may be anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) app: Option<Slug>,
    pub(crate) version: Option<Version>,
    /// The name under which it was published.
    pub(crate) file: Option<String>,
}

impl Expected {
    /// Says what is not as expected.
    pub(crate) fn check(&self, statement: &Statement) -> Result<(), String> {
        let differs = |what: &str, signed: Option<&str>, wanted: &str| {
            let signed = signed.map_or("none".to_owned(), |signed| {
                signed.escape_debug().to_string()
            });
            Err(format!("its {what} is {signed}, and not {wanted}"))
        };
        if let Some(wanted) = &self.app
            && statement.app.as_ref() != Some(wanted)
        {
            let signed = statement.app.as_ref().map(Slug::as_str);
            return differs("app", signed, wanted.as_str());
        }
        if let Some(wanted) = &self.version {
            let signed = statement.version.as_ref();
            if signed.is_none_or(|signed| signed.cmp(wanted) != Ordering::Equal) {
                let signed = signed.map(Version::as_str);
                return differs("version", signed, wanted.as_str());
            }
        }
        if let Some(wanted) = &self.file
            && statement.file.as_ref() != Some(wanted)
        {
            return differs("name", statement.file.as_deref(), wanted);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENT: &str =
        "timestamp:1790000000\tfile:notes.apk\tversion:1.2.0\tapp:notes\tsha256:00\tsize:7";

    fn expected(app: &str, version: &str) -> Expected {
        Expected {
            app: Some(app.parse().expect("a slug")),
            version: Some(version.parse().expect("a version")),
            file: None,
        }
    }

    #[test]
    fn a_comment_is_read_with_and_without_a_size() {
        let statement = Statement::of(COMMENT);
        assert_eq!(statement.size(), Some(7));
        let older = COMMENT.replace("\tsize:7", "");
        let older = Statement::of(&older);
        assert_eq!((older.size(), &older.app), (None, &statement.app));
        assert!(
            statement
                .lines()
                .any(|line| line.starts_with("  signed   2026-09-21T"))
        );
    }

    #[test]
    fn another_app_and_an_older_version_are_not_what_was_expected() {
        let statement = Statement::of(COMMENT);
        for (app, version, fits) in [
            ("notes", "1.2", true),
            ("notes", "1.2.0", true),
            ("notes", "1.3", false),
            ("notes", "1.2.0-rc.1", false),
            ("other", "1.2", false),
        ] {
            let checked = expected(app, version).check(&statement);
            assert_eq!(checked.is_ok(), fits, "{app} {version}: {checked:?}");
        }
        let plain = Statement::of("timestamp:1790000000");
        assert!(expected("notes", "1.2").check(&plain).is_err());
        assert!(Expected::default().check(&plain).is_ok());
    }

    #[test]
    fn a_field_that_is_there_twice_says_nothing() {
        let twice = Statement::of(&format!("{COMMENT}\tapp:other"));
        assert_eq!(twice.app, None);
    }
}
