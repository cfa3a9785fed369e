//! Whether the catalog is asked for a channel before a byte comes, and what follows from its answer.

use serde_json::{Map, Value};
use slipway_contract::{Code, Slug, Word};

use crate::parameters::Parameters;

/// Channels that every app may publish to: the catalog is not asked.
const EVERYBODYS: [&str; 2] = ["beta", "stable"];

/// The catalog's refusal in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `members` name the nearest.
    Unknown {
        detail: String,
        members: Map<String, Value>,
    },
    Invalid(String),
}

/// The channel that has to be there; `None` when there is nothing to ask.
pub(crate) fn asked(parameters: &Parameters) -> Option<&str> {
    let channel = parameters.channel.as_ref().map(Slug::as_str);
    channel.filter(|channel| !parameters.create_channel && !EVERYBODYS.contains(channel))
}

/// What the catalog's refusal means. One that is not of channels refuses nothing here: it is asked again when the package is
/// handed over, and decides then.
pub(crate) fn judge(
    code: &Word<Code>,
    detail: String,
    members: Map<String, Value>,
) -> Result<(), Refusal> {
    match code.known() {
        Some(Code::ChannelUnknown) => Err(Refusal::Unknown { detail, members }),
        Some(Code::ChannelInvalid) => Err(Refusal::Invalid(detail)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::RawParameters;

    #[test]
    fn only_a_channel_that_may_be_missing_is_asked_for() {
        let asked = |channel: Option<&str>, create: Option<&str>| {
            let raw = RawParameters {
                filename: "notes.apk".to_owned(),
                channel: channel.map(str::to_owned),
                create: create.map(str::to_owned),
                ..RawParameters::default()
            };
            asked(&raw.parse().expect("parameters")).map(str::to_owned)
        };
        assert_eq!(asked(None, None), None);
        assert_eq!(asked(Some("stable"), None), None);
        assert_eq!(asked(Some("beta"), None), None);
        assert_eq!(asked(Some("nightly"), Some("channel")), None);
        assert_eq!(asked(Some("nightly"), None).as_deref(), Some("nightly"));
    }

    #[test]
    fn what_is_not_of_channels_refuses_nothing() {
        let judge = |code: &str| judge(&Word::read(code), "words".to_owned(), Map::new());
        assert!(matches!(
            judge("channel_unknown"),
            Err(Refusal::Unknown { .. })
        ));
        assert_eq!(
            judge("channel_invalid"),
            Err(Refusal::Invalid("words".to_owned()))
        );
        for code in ["app_unknown", "not_found", "", "of_a_later_version"] {
            assert_eq!(judge(code), Ok(()), "{code}");
        }
    }
}
