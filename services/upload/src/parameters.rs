//! What an uploader wants a file to be: read from a query or from the metadata of an upload in pieces, by one rule.

use std::fmt::Display;
use std::str::FromStr;

use slipway_contract::shown::{self, TextError};
use slipway_contract::{Arch, Digest, FileName, Kind, Platform, Said, Slug, Version};

/// Characters of a release's notes: a long page, as where a draft is published.
const MAX_NOTES: usize = 64 * 1024;

/// Why a parameter is not taken, with what is wrong about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Name(String),
    Version(String),
    Channel(String),
    Platform(String),
    Arch(String),
    Digest(String),
    /// A kind that cannot be declared.
    Kind(String),
    /// Is none of the words that the parameter has.
    Word {
        name: &'static str,
        given: String,
        words: &'static [&'static str],
    },
    /// Of nothing.
    Notes,
    NotesTooLong,
    /// Something on the way may cut a long address, or refuse it without a word.
    NotesTooLongForAddress,
    NotesText(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub(crate) filename: FileName,
    /// `None`: a package on its own, unless there is a channel; then the version is in the bytes.
    pub(crate) version: Option<Version>,
    /// The channel to release it to.
    pub(crate) channel: Option<Slug>,
    /// What the bytes do not say.
    pub(crate) platform: Option<Platform>,
    pub(crate) arch: Option<Arch>,
    /// `Some(Kind::Other)`: the bytes are taken as they are.
    pub(crate) kind: Option<Kind>,
    /// What the bytes must be.
    pub(crate) sha256: Option<Digest>,
    /// Of the release, while it is a draft.
    pub(crate) notes: Option<String>,
    /// Whether what is odd about the package is refused.
    pub(crate) strict: bool,
    /// Whether a channel that does not exist is made.
    pub(crate) create_channel: bool,
}

impl Parameters {
    /// What is said of it beside its bytes.
    pub(crate) fn said(&self) -> Said {
        Said {
            platform: self.platform,
            arch: self.arch,
        }
    }

    /// Whether the uploader says that the bytes are of no kind that is known here.
    pub(crate) fn is_declared_other(&self) -> bool {
        self.kind == Some(Kind::Other)
    }
}

/// The same as it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawParameters {
    pub(crate) filename: String,
    pub(crate) version: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) arch: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) notes: Option<String>,
    pub(crate) strict: Option<String>,
    pub(crate) create: Option<String>,
}

impl RawParameters {
    /// The place of a parameter, by the name that it has in metadata and forms.
    pub(crate) fn parameter(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "version" => Some(&mut self.version),
            "channel" => Some(&mut self.channel),
            "platform" => Some(&mut self.platform),
            "arch" => Some(&mut self.arch),
            "kind" => Some(&mut self.kind),
            "sha256" => Some(&mut self.sha256),
            "notes" => Some(&mut self.notes),
            "strict" => Some(&mut self.strict),
            "create" => Some(&mut self.create),
            _ => None,
        }
    }

    pub(crate) fn parse(self) -> Result<Parameters, Refusal> {
        let filename = FileName::for_upload(&self.filename)
            .map_err(|error| Refusal::Name(error.to_string()))?;
        check_word("strict", self.strict.as_deref(), &["true", "false"])?;
        check_word("create", self.create.as_deref(), &["channel"])?;
        if self.notes.is_some() && self.version.is_none() && self.channel.is_none() {
            return Err(Refusal::Notes);
        }
        let said = checked(self.platform, Said::named, Refusal::Platform)?.unwrap_or_default();
        Ok(Parameters {
            filename,
            version: optional(self.version, Refusal::Version)?,
            channel: optional(self.channel, Refusal::Channel)?,
            platform: said.platform,
            arch: optional(self.arch, Refusal::Arch)?.or(said.arch),
            kind: self.kind.as_deref().map(declared).transpose()?,
            // Some tools print it in upper case.
            sha256: optional(
                self.sha256.map(|hex| hex.to_ascii_lowercase()),
                Refusal::Digest,
            )?,
            notes: self.notes.as_deref().map(notes).transpose()?,
            strict: self.strict.as_deref().is_some_and(|word| word == "true"),
            create_channel: self.create.is_some(),
        })
    }
}

/// Notes as they are kept: by the rule of a release's.
fn notes(text: &str) -> Result<String, Refusal> {
    shown::prose(text, MAX_NOTES).map_err(|error| match error {
        TextError::TooLong(..) => Refusal::NotesTooLong,
        error => Refusal::NotesText(error.to_string()),
    })
}

/// Refuses a word that is none of those that a parameter has.
fn check_word(
    name: &'static str,
    given: Option<&str>,
    words: &'static [&'static str],
) -> Result<(), Refusal> {
    let Some(given) = given.filter(|given| !words.contains(given)) else {
        return Ok(());
    };
    Err(Refusal::Word {
        name,
        given: given.to_owned(),
        words,
    })
}

/// Every kind that is known is read out of the bytes; only that they are none of them can be declared.
fn declared(kind: &str) -> Result<Kind, Refusal> {
    if kind == Kind::Other.as_str() {
        return Ok(Kind::Other);
    }
    Err(Refusal::Kind(kind.to_owned()))
}

fn optional<T: FromStr<Err: Display>>(
    text: Option<String>,
    refusal: fn(String) -> Refusal,
) -> Result<Option<T>, Refusal> {
    checked(text, str::parse, refusal)
}

fn checked<T, E: Display>(
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, E>,
    refusal: fn(String) -> Refusal,
) -> Result<Option<T>, Refusal> {
    text.map(|text| parse(&text))
        .transpose()
        .map_err(|error| refusal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use slipway_runtime::Problem;

    use slipway_contract::Code;

    use super::*;

    #[test]
    fn a_platform_that_names_the_architecture_says_it() {
        let arch = |arch: Option<&str>| {
            let raw = RawParameters {
                filename: "notes.zip".to_owned(),
                platform: Some("linux-arm64".to_owned()),
                arch: arch.map(str::to_owned),
                ..RawParameters::default()
            };
            raw.parse().expect("parameters").said().arch
        };
        assert_eq!(arch(None), Some(Arch::Aarch64));
        assert_eq!(arch(Some("x64")), Some(Arch::X86_64));
    }

    #[test]
    fn each_word_is_refused_under_its_own_code() {
        let refused = |change: fn(&mut RawParameters)| {
            let mut raw = RawParameters {
                filename: "notes.apk".to_owned(),
                ..RawParameters::default()
            };
            change(&mut raw);
            raw.parse()
                .map(|_| ())
                .map_err(|refusal| Problem::from(refusal).code)
        };
        assert_eq!(refused(|_| {}), Ok(()));
        assert_eq!(
            refused(|raw| raw.filename = "a/b".into()),
            Err(Code::NameRefused)
        );
        assert_eq!(
            refused(|raw| raw.version = Some("one".into())),
            Err(Code::VersionInvalid)
        );
        assert_eq!(
            refused(|raw| raw.channel = Some("No".into())),
            Err(Code::ChannelInvalid)
        );
        assert_eq!(
            refused(|raw| raw.platform = Some("beos".into())),
            Err(Code::PlatformUnknown)
        );
        assert_eq!(
            refused(|raw| raw.arch = Some("a vax".into())),
            Err(Code::ArchUnknown)
        );
        for kind in ["apk", "Other", "", "tape"] {
            let raw = RawParameters {
                filename: "notes.apk".to_owned(),
                kind: Some(kind.to_owned()),
                ..RawParameters::default()
            };
            assert_eq!(raw.parse().expect_err(kind), Refusal::Kind(kind.to_owned()));
        }
        assert_eq!(refused(|raw| raw.kind = Some("other".into())), Ok(()));
        assert_eq!(
            refused(|raw| raw.platform = Some("none".into())),
            Err(Code::PlatformUnknown)
        );
        assert_eq!(refused(|raw| raw.sha256 = Some("AB".repeat(32))), Ok(()));
        for word in ["yes", "True", ""] {
            let raw = RawParameters {
                filename: "notes.apk".to_owned(),
                strict: Some(word.to_owned()),
                ..RawParameters::default()
            };
            let refusal = raw.parse().expect_err(word);
            assert!(matches!(refusal, Refusal::Word { .. }), "{refusal:?}");
        }
        assert_eq!(
            refused(|raw| raw.create = Some("app".into())),
            Err(Code::ParameterInvalid)
        );
        assert_eq!(
            refused(|raw| raw.notes = Some("of nothing".into())),
            Err(Code::NotesWithoutRelease)
        );
        assert_eq!(
            refused(|raw| {
                raw.version = Some("1".into());
                raw.notes = Some("\u{202e}".into());
            }),
            Err(Code::TextRefused)
        );
        assert_eq!(
            refused(|raw| raw.sha256 = Some("00".into())),
            Err(Code::DigestInvalid)
        );
    }
}
