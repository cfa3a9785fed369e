//! What an inspection found, as it travels from the process that read the bytes to the one that decides.

use serde::{Deserialize, Serialize};
use slipway_contract::{Facts, Rule};

use crate::apk::ContentDigests;

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

#[cfg(test)]
mod tests {
    use slipway_contract::{Digest, Kind};

    use super::*;

    #[test]
    fn outcomes_travel_as_json_both_ways() {
        let mut facts = Facts::of(Kind::TarGz);
        facts.signer_sha256 = Some(Digest::from_bytes([7; 32]));
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
}
