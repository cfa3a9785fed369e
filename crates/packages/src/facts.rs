//! What an inspection found, as it travels from the process that read the bytes to the one that decides.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Arch, ContentDigests, Facts, Limits, Platform, Rule, source::Fault};

/// Architectures of one package that are listed.
const ARCHES: usize = 16;

/// As JSON: an object with `outcome` = `understood`, `refused` or `not_understood`, and its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The kind is known. What could not be read is absent and named in the warnings.
    Understood(Box<Facts>),
    /// The archive is built to harm whoever unpacks it. `detail` is fit for its uploader.
    Refused { rule: Rule, detail: String },
    /// It begins as a kind that is known, or its name says that it is of one, and it is not all there. `detail` says what
    /// is missing.
    Damaged { detail: String },
    /// No kind that is known. It is served as it is, as kind `other`: the weakness of a parser must not stop a release.
    NotUnderstood { warning: String },
}

/// All that comes of an inspection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    pub outcome: Outcome,
    /// What an APK says of its content, which whoever has the file has still to compare: an inspection does not read it whole.
    pub content: Option<ContentDigests>,
}

/// What the readers write into facts: methods of a type that every service knows and none of them but these readers fills.
pub(crate) trait Fill {
    /// The architecture as the package names it.
    fn set_arch(&mut self, name: &str);

    /// It is a program for what is none of the platforms.
    fn set_no_platform(&mut self, system: &str);

    /// Nobody installs the source of a package: it is for no platform.
    fn set_source(&mut self);

    /// Turns "not well formed" into a warning and `None`.
    fn or_warning<T>(&mut self, what: &str, result: Result<T, Fault>) -> Result<Option<T>, Fault>;

    /// Takes the architectures that a package names: the one that there is, or universal for several. None leaves it open.
    fn set_arches<'a>(&mut self, names: impl IntoIterator<Item = &'a str>);

    /// Takes identifier and version out of a manifest, where no earlier one gave them.
    fn say(&mut self, identifier: Option<&str>, version: Option<&str>, limits: &Limits);

    /// Takes the name for people, where no earlier one gave it.
    fn say_label(&mut self, label: &str, limits: &Limits);
}

impl Fill for Facts {
    fn set_arch(&mut self, name: &str) {
        match name.parse() {
            Ok(arch) => self.arch = Some(arch),
            Err(error) => self.warn(format!("its architecture could not be read: {error}")),
        }
    }

    fn set_no_platform(&mut self, system: &str) {
        self.platform = Some(Platform::None);
        self.warn(format!(
            "no_platform: this is a program for {system}, which is none of the platforms: it is served at its own address and on the page, and offered to nobody"
        ));
    }

    fn set_source(&mut self) {
        self.platform = Some(Platform::None);
        self.arch = Some(Arch::SOURCE);
        self.warn("source_package: nobody can install it: it is served at its own address and on the page, and offered to nobody");
    }

    fn or_warning<T>(&mut self, what: &str, result: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Fault::Malformed(why)) => {
                self.warn(format!("{what} could not be read: {why}"));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn set_arches<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let arches = names
            .into_iter()
            .filter_map(|name| name.trim().parse().ok());
        let arches: BTreeSet<Arch> = arches.take(ARCHES).collect();
        match arches.first() {
            None => {}
            Some(one) if arches.len() == 1 => self.arch = Some(*one),
            Some(_) => self.arch = Some(Arch::Universal),
        }
        if arches.len() > 1 && !arches.contains(&Arch::Universal) {
            self.abis = arches.iter().map(Arch::to_string).collect();
        }
    }

    fn say(&mut self, identifier: Option<&str>, version: Option<&str>, limits: &Limits) {
        let text = |text: Option<&str>| text.and_then(|text| shown(text, limits.text));
        self.identifier = self.identifier.take().or_else(|| text(identifier));
        self.version = self.version.take().or_else(|| text(version));
    }

    fn say_label(&mut self, label: &str, limits: &Limits) {
        self.label = self.label.take().or_else(|| shown(label, limits.text));
    }
}

/// A text out of the bytes that is going to be shown: one line, without characters that change how
/// the text around it reads, and not longer than `limit` characters. `None` when nothing is left.
pub(crate) fn shown(text: &str, limit: usize) -> Option<String> {
    crate::shown::legible(text, limit)
}

#[cfg(test)]
mod tests {
    use super::{Facts, Outcome, Rule, shown};
    use crate::Kind;

    #[test]
    fn outcomes_travel_as_json_both_ways() {
        let mut facts = Facts::of(Kind::TarGz);
        facts.signer_sha256 = Some(crate::Digest::from_bytes([7; 32]));
        for outcome in [
            Outcome::Understood(Box::new(facts)),
            Outcome::Refused {
                rule: Rule::Climbing,
                detail: "d".into(),
            },
            Outcome::Damaged { detail: "d".into() },
            Outcome::NotUnderstood {
                warning: "w".into(),
            },
        ] {
            let text = serde_json::to_string(&outcome).unwrap();
            assert_eq!(
                serde_json::from_str::<Outcome>(&text).unwrap(),
                outcome,
                "{text}"
            );
        }
        let refused = Outcome::Refused {
            rule: Rule::Bomb,
            detail: "d".into(),
        };
        assert_eq!(
            serde_json::to_string(&refused).unwrap(),
            r#"{"outcome":"refused","rule":"bomb","detail":"d"}"#
        );
    }

    #[test]
    fn a_shown_text_is_one_short_line() {
        assert_eq!(shown(" a\n\u{202e}b\0 ", 9).as_deref(), Some("ab"));
        assert_eq!(shown("ääää", 3).as_deref(), Some("äää"));
        assert_eq!(shown("\r\n ", 9), None);
    }
}
