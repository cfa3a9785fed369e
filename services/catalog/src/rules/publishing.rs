//! How a release comes to its users: the next step from what is known of it, and what an answer that is none comes to.
//!
//! Every step begins from what the database says, so the work may end anywhere and begin again.

use slipway_contract::{Code, Word};

use crate::rules::state::State;

/// What a package has of what it needs before users get it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package<'a> {
    pub(crate) signature: Option<&'a str>,
    /// The signature with which a download instance has proven to serve it.
    pub(crate) proven: Option<&'a str>,
}

impl Package<'_> {
    fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Whether the gate has proven it with the signature that it has: one that was made since proves nothing.
    fn is_proven(&self) -> bool {
        self.is_signed() && self.proven == self.signature
    }
}

/// A release that a job carries on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) state: &'a State,
    /// Whether the app's key is known.
    pub(crate) has_key: bool,
    pub(crate) packages: &'a [Package<'a>],
    /// Whether a download instance holds it as staged, in the state that it is in.
    pub(crate) is_staged: bool,
}

/// What is to be done next. A package is named by its place in the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Signing is asked for the app's key.
    MakeKey,
    /// Signing is asked for the signature of a package.
    Sign(usize),
    /// All are signed: download instances may hold it.
    Stage,
    /// Nothing is looked at that no download instance holds.
    AwaitDownload,
    /// The gate reads what a download instance would serve.
    Prove(usize),
    /// All are proven: the public gets it.
    Publish,
    /// Nothing: it is not on its way.
    Nothing,
    /// A later version wrote its state: it is left to who knows it.
    Unknown,
}

/// What a release needs next.
pub(crate) fn next(facts: &Facts<'_>) -> Step {
    let mut packages = facts.packages.iter();
    match facts.state {
        State::Signing if !facts.has_key => Step::MakeKey,
        State::Signing => {
            let unsigned = packages.position(|package| !package.is_signed());
            unsigned.map_or(Step::Stage, Step::Sign)
        }
        State::Verifying if !facts.is_staged => Step::AwaitDownload,
        State::Verifying => {
            let unproven = packages.position(|package| !package.is_proven());
            unproven.map_or(Step::Publish, Step::Prove)
        }
        State::Draft | State::Published | State::Failed | State::Yanked | State::Deleted => {
            Step::Nothing
        }
        State::Unknown(_) => Step::Unknown,
    }
}

/// Whether a release fails when its job is given up: only one that is on its way, as far as is known here.
pub(crate) fn fails_when_given_up(state: &State) -> bool {
    matches!(state, State::Signing | State::Verifying)
}

/// What another service has said instead of giving what it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) code: Word<Code>,
    pub(crate) detail: &'a str,
    /// Whether it refuses for good.
    pub(crate) is_final: bool,
    /// Whether it speaks of what it was asked, and not of a fault of its own.
    pub(crate) is_of_the_call: bool,
}

/// What a release waits for that no download instance holds.
pub(crate) const NOT_STAGED: &str =
    "waits for a download instance, which must serve it before it is published";

/// Codes of signing whose words say what somebody must put back, set right or make room for: they are the reason that a
/// release waits.
const SAID_BY_SIGNING: [Code; 5] = [
    Code::DiskFull,
    Code::KeyMissing,
    Code::StatementDamaged,
    Code::BlobMissing,
    Code::ClockWrong,
];
/// Signing has read other bytes than were uploaded.
const OTHER_BYTES: Code = Code::DigestMismatch;
/// Codes of signing that no time changes: it has stated other bytes under this name, or the bytes are others.
const FINAL: [Code; 2] = [Code::StatementDiffers, OTHER_BYTES];

/// What becomes of a package that signing gave no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// Signing is asked once more.
    AskAgain,
    /// Its release fails, with these words.
    Fails(String),
    /// Its release waits, with these words.
    Waits(String),
}

/// What becomes of a package for which signing has `said` something, or nothing, instead of a signature. That its bytes
/// are wrong is believed when they are so at a second reading, by another instance if there is one: one bad read of a disk
/// is no reason to give a release up.
pub(crate) fn unsigned(filename: &str, said: Option<&Said<'_>>, is_second: bool) -> Unsigned {
    let code = |said: &Said<'_>| said.code.known().copied();
    match said {
        Some(said) if said.is_final && !is_second && said.code == OTHER_BYTES => Unsigned::AskAgain,
        Some(said) if said.is_final && code(said).is_some_and(|code| FINAL.contains(&code)) => {
            Unsigned::Fails(format!("{filename} was not signed: {}", said.detail))
        }
        said => Unsigned::Waits(waiting("signing", said)),
    }
}

/// What a release or a key waits for, in words for the developer, after `service` has `said` something, or nothing. What is
/// not known to be for good is none of the release's fault: it may be another version of the service.
pub(crate) fn waiting(service: &str, said: Option<&Said<'_>>) -> String {
    let is_told = |said: &&Said<'_>| {
        let code = said.code.known();
        code.is_some_and(|code| SAID_BY_SIGNING.contains(code))
    };
    if let Some(said) = said.filter(is_told) {
        return said.detail.to_owned();
    }
    match said.filter(|said| said.is_of_the_call && !said.detail.is_empty()) {
        Some(Said { detail, .. }) => {
            format!("waits for the {service} service, which does not take it now: {detail}")
        }
        None => format!(
            "waits for the {service} service, which does not answer now; it goes on by itself"
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A release with what it owns, so that steps can be taken with it.
    #[derive(Clone, Debug)]
    struct Case {
        state: State,
        has_key: bool,
        /// Signature and what was proven.
        packages: Vec<(Option<String>, Option<String>)>,
        is_staged: bool,
    }

    impl Case {
        fn next(&self) -> Step {
            let packages: Vec<_> = self
                .packages
                .iter()
                .map(|(signature, proven)| Package {
                    signature: signature.as_deref(),
                    proven: proven.as_deref(),
                })
                .collect();
            next(&Facts {
                state: &self.state,
                has_key: self.has_key,
                packages: &packages,
                is_staged: self.is_staged,
            })
        }

        /// Does the step as if every service answered.
        fn take(&mut self, step: Step) {
            match step {
                Step::MakeKey => self.has_key = true,
                Step::Sign(at) => self.packages[at].0 = Some(format!("signature {at}")),
                Step::Stage => (self.state, self.is_staged) = (State::Verifying, false),
                Step::AwaitDownload => self.is_staged = true,
                Step::Prove(at) => self.packages[at].1 = self.packages[at].0.clone(),
                Step::Publish => self.state = State::Published,
                Step::Nothing | Step::Unknown => {}
            }
        }

        fn are_proven(&self) -> bool {
            let is_proven =
                |(signature, proven): &(Option<_>, _)| signature.is_some() && signature == proven;
            self.packages.iter().all(is_proven)
        }
    }

    fn any_case() -> impl Strategy<Value = Case> {
        let state = prop_oneof![
            prop::sample::select(State::KNOWN.to_vec()),
            "[a-z]{1,9}".prop_map(State::from),
        ];
        let text = || prop::option::of("[ab]");
        let packages = prop::collection::vec((text(), text()), 0..5);
        (state, any::<bool>(), packages, any::<bool>()).prop_map(
            |(state, has_key, packages, is_staged)| Case {
                state,
                has_key,
                packages,
                is_staged,
            },
        )
    }

    fn said(code: &str, is_final: bool) -> Said<'_> {
        Said {
            code: Word::read(code),
            detail: "the words",
            is_final,
            is_of_the_call: true,
        }
    }

    proptest! {
        /// Whatever was done before a crash: nothing becomes published but what is signed and proven with that signature,
        /// and nothing is proven or published that no download instance holds.
        #[test]
        fn nothing_unproven_is_published(case in any_case()) {
            match case.next() {
                Step::Publish => prop_assert!(case.state == State::Verifying && case.is_staged && case.are_proven()),
                Step::Prove(at) => {
                    prop_assert!(case.state == State::Verifying && case.is_staged);
                    prop_assert!(case.packages[at].0.is_none() || case.packages[at].0 != case.packages[at].1);
                }
                Step::Sign(at) => prop_assert!(case.state == State::Signing && case.has_key && case.packages[at].0.is_none()),
                Step::Stage => prop_assert!(case.packages.iter().all(|(signature, _)| signature.is_some())),
                _ => {}
            }
        }

        /// A release on its way gets to the public in as many steps as there are, from wherever it was left, and nothing
        /// else moves.
        #[test]
        fn the_way_has_an_end(mut case in any_case()) {
            let before = case.state.clone();
            // What is verified has been signed.
            if before == State::Verifying {
                prop_assume!(case.packages.iter().all(|(signature, _)| signature.is_some()));
            }
            let most = 2 * case.packages.len() + 4;
            let mut taken = 0;
            loop {
                let step = case.next();
                if matches!(step, Step::Nothing | Step::Unknown) {
                    break;
                }
                case.take(step);
                taken += 1;
                prop_assert!(taken <= most, "{case:?}");
            }
            let is_on_its_way = fails_when_given_up(&before);
            prop_assert_eq!(taken > 0, is_on_its_way);
            prop_assert_eq!(case.state == State::Published, is_on_its_way || before == State::Published);
        }

        /// Only what signing refuses for good in words that are known makes a release fail, whatever a later version says.
        #[test]
        fn what_is_not_known_to_be_for_good_waits(code in "[a-z_]{1,12}|digest_mismatch|statement_differs|key_missing", is_final: bool, is_second: bool) {
            let answer = unsigned("notes.apk", Some(&said(&code, is_final)), is_second);
            let is_for_good = is_final && matches!(code.as_str(), "digest_mismatch" | "statement_differs");
            prop_assert_eq!(!matches!(answer, Unsigned::Waits(_)), is_for_good);
        }
    }

    #[test]
    fn a_later_state_is_left_to_who_knows_it() {
        let case = Case {
            state: State::Unknown("ready".to_owned()),
            has_key: true,
            packages: Vec::new(),
            is_staged: true,
        };
        assert_eq!(case.next(), Step::Unknown);
        assert!(!fails_when_given_up(&case.state));
    }

    #[test]
    fn other_bytes_are_believed_at_the_second_reading() {
        let other = said("digest_mismatch", true);
        let first = unsigned("notes.apk", Some(&other), false);
        assert_eq!(first, Unsigned::AskAgain);
        let second = unsigned("notes.apk", Some(&other), true);
        let words = "notes.apk was not signed: the words".to_owned();
        assert_eq!(second, Unsigned::Fails(words.clone()));
        let stated = said("statement_differs", true);
        let stated = unsigned("notes.apk", Some(&stated), false);
        assert_eq!(stated, Unsigned::Fails(words));
    }

    #[test]
    fn words_say_what_is_to_be_done_or_who_is_away() {
        let by_hand = Said {
            is_of_the_call: false,
            ..said("disk_full", false)
        };
        assert_eq!(waiting("signing", Some(&by_hand)), "the words");
        let not_taken = said("of_a_later_version", false);
        let words = "waits for the signing service, which does not take it now: the words";
        assert_eq!(waiting("signing", Some(&not_taken)), words);
        let away = "waits for the signing service, which does not answer now; it goes on by itself";
        assert_eq!(waiting("signing", None), away);
        let faulty = Said {
            is_of_the_call: false,
            ..said("internal", false)
        };
        assert_eq!(waiting("signing", Some(&faulty)), away);
        let wordless = Said {
            detail: "",
            ..said("internal", true)
        };
        assert_eq!(waiting("signing", Some(&wordless)), away);
    }
}
