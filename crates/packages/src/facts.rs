//! What an inspection found, as it travels from the process that read the bytes to the one that decides.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{Arch, ContentDigests, Digest, Kind, Limits, Platform, source::Fault};

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

/// What is read out of a package. Nothing of it is proven: it is what the file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub kind: Kind,
    /// `None` where the bytes do not say, as in a zip; the uploader may.
    pub platform: Option<Platform>,
    /// `None` where the bytes do not say.
    pub arch: Option<Arch>,
    /// What the package is called by what installs it: the package name of an APK, a deb or an rpm, the bundle identifier of
    /// an IPA, the upgrade code of an MSI.
    pub identifier: Option<String>,
    /// As in the bytes: it need not be a [`Version`](crate::Version).
    pub version: Option<String>,
    /// The version of a deb or an rpm as it is in the bytes; `version` is what it is in the order that all apps have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_version: Option<String>,
    /// `versionCode` of an APK, with `versionCodeMajor` in the upper 32 bits.
    pub version_code: Option<u64>,
    /// The name that a person sees on the device.
    pub label: Option<String>,
    pub icon: Option<Icon>,
    /// API levels of Android.
    pub min_sdk: Option<u32>,
    pub target_sdk: Option<u32>,
    /// Whether Android installs it for developers alone (`android:testOnly`).
    #[serde(default)]
    pub test_only: bool,
    /// The name of the part that an APK is of an app in several APKs.
    #[serde(default)]
    pub split: Option<String>,
    /// What native code is there for, sorted: names of Android's ABIs, or the architectures of a fat Mach-O.
    pub abis: Vec<String>,
    /// SHA-256 of the signer's certificate, as `apksigner verify --print-certs` prints it.
    pub signer_sha256: Option<Digest>,
    /// Whether the signature was checked against that certificate and the file. Always false so far:
    /// anybody can put another's certificate into a file, so it must not be trusted or pinned.
    pub signer_verified: bool,
    /// For the developer, in words.
    pub warnings: Vec<String>,
}

/// A picture to show beside the label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// `image/png` or `image/webp`, by content.
    pub media_type: String,
    /// The bytes in base64.
    pub data: String,
}

/// Why an archive is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It unpacks to far more than it is.
    Bomb,
    /// Entries share bytes, with each other or with the directory.
    Overlap,
    /// Two entries have the same name: two readers see two different packages.
    Duplicate,
    /// An entry's name leads out of the folder that it is unpacked into.
    Climbing,
    /// More entries than any honest package has.
    Count,
}

impl Rule {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bomb => "bomb",
            Self::Overlap => "overlap",
            Self::Duplicate => "duplicate",
            Self::Climbing => "climbing",
            Self::Count => "count",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Facts {
    /// Facts that are known from the kind alone.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            platform: kind.platform(),
            arch: None,
            identifier: None,
            version: None,
            native_version: None,
            version_code: None,
            label: None,
            icon: None,
            min_sdk: None,
            target_sdk: None,
            test_only: false,
            split: None,
            abis: Vec::new(),
            signer_sha256: None,
            signer_verified: false,
            warnings: Vec::new(),
        }
    }

    /// The facts of a file that was not understood.
    pub fn not_understood(warning: impl Into<String>) -> Self {
        Self {
            warnings: vec![warning.into()],
            ..Self::of(Kind::Other)
        }
    }

    /// The architecture as the package names it.
    pub(crate) fn set_arch(&mut self, name: &str) {
        match name.parse() {
            Ok(arch) => self.arch = Some(arch),
            Err(error) => self.warn(format!("its architecture could not be read: {error}")),
        }
    }

    /// It is a program for what is none of the platforms.
    pub(crate) fn set_no_platform(&mut self, system: &str) {
        self.platform = Some(Platform::None);
        self.warn(format!(
            "no_platform: this is a program for {system}, which is none of the platforms: it is served at its own address and on the page, and offered to nobody"
        ));
    }

    /// Nobody installs the source of a package: it is for no platform.
    pub(crate) fn set_source(&mut self) {
        self.platform = Some(Platform::None);
        self.arch = Some(Arch::SOURCE);
        self.warn("source_package: nobody can install it: it is served at its own address and on the page, and offered to nobody");
    }

    /// Turns "not well formed" into a warning and `None`.
    pub(crate) fn or_warning<T>(
        &mut self,
        what: &str,
        result: Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Fault::Malformed(why)) => {
                self.warn(format!("{what} could not be read: {why}"));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Takes the architectures that a package names: the one that there is, or universal for several. None leaves it open.
    pub(crate) fn set_arches<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
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

    /// Takes identifier and version out of a manifest, where no earlier one gave them.
    pub(crate) fn say(&mut self, identifier: Option<&str>, version: Option<&str>, limits: &Limits) {
        let text = |text: Option<&str>| text.and_then(|text| shown(text, limits.text));
        self.identifier = self.identifier.take().or_else(|| text(identifier));
        self.version = self.version.take().or_else(|| text(version));
    }

    /// Takes the name for people, where no earlier one gave it.
    pub(crate) fn say_label(&mut self, label: &str, limits: &Limits) {
        self.label = self.label.take().or_else(|| shown(label, limits.text));
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
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
    fn a_rule_has_one_name() {
        for rule in [
            Rule::Bomb,
            Rule::Overlap,
            Rule::Duplicate,
            Rule::Climbing,
            Rule::Count,
        ] {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }

    #[test]
    fn a_shown_text_is_one_short_line() {
        assert_eq!(shown(" a\n\u{202e}b\0 ", 9).as_deref(), Some("ab"));
        assert_eq!(shown("ääää", 3).as_deref(), Some("äää"));
        assert_eq!(shown("\r\n ", 9), None);
    }
}
