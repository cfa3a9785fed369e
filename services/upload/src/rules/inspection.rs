//! What follows from an inspection: facts, or a refusal. Only a rule with a name stops an upload, and what is known to be
//! not whole: a parser's weakness must not stop a developer's release.

use slipway_contract::{Facts, FileName, Rule};
use slipway_packages::Outcome;

use crate::parameters::Parameters;

/// What the developer is told of a file whose inspection died.
const NOT_UNDERSTOOD: &str =
    "the inspection of this file did not come to an end; it is served as it is";
/// What the developer is told of a file that was declared to be of no known kind.
const DECLARED: &str = "it was sent with kind=other: it is served as it is, at its own address and on the page, and counts for no platform";
/// What an APK lacks that was changed after it was signed.
const CHANGED: &str = "the digest of its content that stands in its own signature (APK Signature Scheme v2 or v3) is not that of its bytes, so it was changed after it was signed";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not whole; `detail` says what is missing.
    Damaged { filename: FileName, detail: String },
    /// It is built to harm.
    Archive { rule: Rule, detail: String },
}

/// The facts of a file whose inspection died, or was led astray: it has not understood the file.
pub(crate) fn died() -> Facts {
    Facts::not_understood(NOT_UNDERSTOOD)
}

/// The facts of what was inspected. What is declared to be of no known kind is taken as it is, and only not when it is built
/// to harm: whoever gets it unpacks it all the same.
pub(crate) fn judge(outcome: Outcome, parameters: &Parameters) -> Result<Facts, Refusal> {
    if parameters.is_declared_other() {
        return as_declared(outcome, parameters);
    }
    match outcome {
        Outcome::Understood(facts) => Ok(*facts),
        Outcome::NotUnderstood { warning } => Ok(Facts::not_understood(warning)),
        Outcome::Damaged { detail } => Err(damaged(parameters, detail)),
        Outcome::Refused { rule, detail } => Err(Refusal::Archive { rule, detail }),
    }
}

/// The same once its content was compared with what its signature says of it: `None` when that names places that are not in
/// the file.
pub(crate) fn judge_content(
    facts: Facts,
    fits: Option<bool>,
    parameters: &Parameters,
) -> Result<Facts, Refusal> {
    match fits {
        Some(true) => Ok(facts),
        Some(false) => Err(damaged(parameters, CHANGED.to_owned())),
        None => Ok(died()),
    }
}

/// The facts of what is declared to be of no known kind: none, and in words what became of it.
fn as_declared(outcome: Outcome, parameters: &Parameters) -> Result<Facts, Refusal> {
    let mut facts = Facts::not_understood(DECLARED);
    match outcome {
        Outcome::Refused { rule, detail } => return Err(Refusal::Archive { rule, detail }),
        Outcome::Damaged { detail } => facts.warnings.push(format!("it is not whole: {detail}")),
        Outcome::Understood(_) | Outcome::NotUnderstood { .. } => {}
    }
    if let Some(platform) = parameters.platform {
        let warning = format!("platform={platform} was passed over, because of kind=other");
        facts.warnings.push(warning);
    }
    Ok(facts)
}

fn damaged(parameters: &Parameters, detail: String) -> Refusal {
    Refusal::Damaged {
        filename: parameters.filename.clone(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use slipway_contract::Kind;

    use super::*;
    use crate::parameters::RawParameters;

    fn parameters(kind: Option<&str>) -> Parameters {
        let raw = RawParameters {
            filename: "notes.apk".to_owned(),
            kind: kind.map(str::to_owned),
            ..RawParameters::default()
        };
        raw.parse().expect("parameters")
    }

    fn harmful() -> Outcome {
        Outcome::Refused {
            rule: Rule::Bomb,
            detail: "it unpacks to more".to_owned(),
        }
    }

    #[test]
    fn what_is_built_to_harm_is_refused_whatever_it_is_declared_as() {
        for kind in [None, Some("other")] {
            let refusal = judge(harmful(), &parameters(kind)).expect_err("a bomb");
            assert!(matches!(
                refusal,
                Refusal::Archive {
                    rule: Rule::Bomb,
                    ..
                }
            ));
        }
    }

    #[test]
    fn what_is_not_whole_is_taken_only_as_nothing() {
        let outcome = || Outcome::Damaged {
            detail: "its end is missing".to_owned(),
        };
        assert!(judge(outcome(), &parameters(None)).is_err());
        let facts = judge(outcome(), &parameters(Some("other"))).expect("facts");
        assert_eq!(facts.kind, Kind::Other);
        let said = |warning: &String| warning.contains("its end is missing");
        assert!(facts.warnings.iter().any(said));
    }

    #[test]
    fn an_inspection_that_was_led_astray_has_understood_nothing() {
        let content = |fits| judge_content(Facts::of(Kind::Apk), fits, &parameters(None));
        assert_eq!(content(Some(true)), Ok(Facts::of(Kind::Apk)));
        assert!(matches!(content(Some(false)), Err(Refusal::Damaged { .. })));
        assert_eq!(content(None), Ok(died()));
    }
}
