//! What may become of a release: publishing, yanking and back, retrying, other notes.

use crate::refusal::{Draft, Need, Refusal, Release, Request};
use crate::rules::given::Given;
use crate::rules::state::State;

/// A release that somebody wants to change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) version: &'a str,
    pub(crate) state: &'a State,
}

impl Facts<'_> {
    /// Refuses a release in a state that is not known here: only who knows it may change it.
    pub(crate) fn known(self) -> Result<Self, Release> {
        match self.state {
            State::Unknown(state) => Err(Release::StateUnknown {
                version: self.version.to_owned(),
                state: state.clone(),
            }),
            _ => Ok(self),
        }
    }

    /// The same of one that was deleted.
    pub(crate) fn there(self) -> Result<Self, Release> {
        match self.known()?.state {
            State::Deleted => Err(Release::Deleted(self.version.to_owned())),
            _ => Ok(self),
        }
    }

    fn must_be(self, state: &State, need: Need) -> Result<(), Release> {
        if self.known()?.state == state {
            return Ok(());
        }
        Err(Release::Is {
            version: self.version.to_owned(),
            state: self.state.clone(),
            need,
        })
    }

    /// Refuses what only a published release can be: `change` says what.
    pub(crate) fn must_be_published(self, change: &'static str) -> Result<(), Release> {
        self.must_be(&State::Published, Need::Published(change))
    }
}

/// Whether users are to have a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Yank.
    TakeBack,
    /// Unyank.
    GiveAgain,
}

impl Offer {
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::TakeBack => "yank",
            Self::GiveAgain => "unyank",
        }
    }

    /// What the audit calls it.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::TakeBack => "release.yank",
            Self::GiveAgain => "release.unyank",
        }
    }

    /// Refuses a reason that says nothing.
    pub(crate) fn check_reason(self, reason: &str) -> Result<(), Request> {
        if !reason.trim().is_empty() {
            return Ok(());
        }
        let again = self == Self::GiveAgain;
        Err(Request::ReasonMissing { again })
    }
}

/// The states that a yank or its opposite leads from and to. The release has the reason only while it is yanked.
pub(crate) fn turn_over(release: Facts<'_>, offer: Offer) -> Result<(State, State), Release> {
    match offer {
        Offer::TakeBack => {
            release.must_be_published("yanked")?;
            Ok((State::Published, State::Yanked))
        }
        Offer::GiveAgain => {
            release.must_be(&State::Yanked, Need::Yanked)?;
            Ok((State::Yanked, State::Published))
        }
    }
}

/// Sends a failed release on its way again.
pub(crate) fn retry(release: Facts<'_>) -> Result<Way, Release> {
    release.must_be(&State::Failed, Need::Failed)?;
    Ok(Way::Start { again: true })
}

/// How a release comes to its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Signing begins.
    Start {
        /// After it failed: what was signed then is forgotten.
        again: bool,
    },
    /// It is on its way, or there: it only joins the channel.
    Join,
}

/// What somebody's wish to publish a release to a channel comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Publish,
    /// It left the channel at a roll-back, and to publish it again does not bring it back. Nothing is done.
    StaysOut,
}

/// Whether the wish of a developer to publish a release is done. `has_left`: it left the channel at a roll-back.
pub(crate) fn ask(release: Facts<'_>, has_left: bool) -> Result<Asked, Release> {
    let state = release.there()?.state;
    if state.is_open() {
        return Ok(Asked::Publish);
    }
    if has_left {
        return Ok(Asked::StaysOut);
    }
    let version = release.version.to_owned();
    Err(match state {
        State::Yanked => Release::Yanked(version),
        _ => Release::Released(version),
    })
}

/// How a release that is to be published goes on. `is_empty`: it has no packages.
pub(crate) fn publish(release: Facts<'_>, is_empty: bool) -> Result<Way, Refusal> {
    let state = release.there()?.state;
    let version = release.version.to_owned();
    if *state == State::Yanked {
        return Err(Release::Yanked(version).into());
    }
    if is_empty {
        return Err(Draft::Empty(version).into());
    }
    Ok(match state {
        State::Draft => Way::Start { again: false },
        State::Failed => Way::Start { again: true },
        _ => Way::Join,
    })
}

/// What other notes of a release come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Whether those that came with its packages are forgotten: they would take the place of what was decided since.
    pub(crate) forget_drafted: bool,
    pub(crate) change: bool,
    /// Whether followers hear of it: a draft is told to nobody.
    pub(crate) tell: bool,
}

/// Gives a release other notes, in whatever state but `deleted`.
pub(crate) fn edit(
    release: Facts<'_>,
    before: Option<&str>,
    notes: Option<&str>,
) -> Result<Edit, Release> {
    let state = release.there()?.state;
    let change = before != notes;
    Ok(Edit {
        forget_drafted: state.is_open(),
        change,
        tell: change && *state != State::Draft,
    })
}

/// The notes with which a release is published: those that come with that, else those that came with the packages of who
/// publishes it; nothing but spaces is none. Without either they stay. Those of nobody else: a token that may upload must
/// not put its words into another's release.
pub(crate) fn notes<'a>(given: Option<&'a str>, own: Option<&'a str>) -> Given<&'a str> {
    given
        .or(own)
        .map_or(Given::No, |notes| Given::Yes(some(notes)))
}

/// Notes that say something.
pub(crate) fn some(notes: &str) -> Option<&str> {
    Some(notes).filter(|notes| !notes.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = State> {
        prop_oneof![
            prop::sample::select(State::KNOWN.to_vec()),
            "[a-z]{1,9}".prop_map(State::from),
        ]
    }

    fn facts(state: &State) -> Facts<'_> {
        let version = "1.0";
        Facts { version, state }
    }

    proptest! {
        /// Nothing comes to users but by signing and the gate, or by what had passed them.
        #[test]
        fn nothing_becomes_published_that_was_not(state in any_state()) {
            for offer in [Offer::TakeBack, Offer::GiveAgain] {
                if let Ok((from, to)) = turn_over(facts(&state), offer) {
                    prop_assert_eq!(&from, &state);
                    prop_assert!(to == State::Yanked || from == State::Yanked);
                }
            }
        }

        /// What is fixed is not signed again, and what somebody took back does not come again by a publish.
        #[test]
        fn only_a_draft_and_what_failed_are_sent_on_their_way(state in any_state(), empty: bool, left: bool) {
            let started = [publish(facts(&state), empty), retry(facts(&state)).map_err(Refusal::from)];
            let started = started.iter().any(|way| matches!(way, Ok(Way::Start { .. })));
            prop_assert!(!started || state.is_open());
            let again = [State::Yanked, State::Deleted].contains(&state);
            prop_assert!(!again || publish(facts(&state), empty).is_err());
            prop_assert_eq!(ask(facts(&state), left) == Ok(Asked::Publish), state.is_open());
        }

        #[test]
        fn nothing_is_done_in_a_state_of_a_later_version(text in "[a-z]{1,9}", left: bool) {
            let state = State::from(text);
            prop_assume!(matches!(state, State::Unknown(_)));
            let release = facts(&state);
            prop_assert!(publish(release, false).is_err() && ask(release, left).is_err());
            prop_assert!(retry(release).is_err() && edit(release, None, Some("new")).is_err());
            prop_assert!(turn_over(release, Offer::TakeBack).is_err());
            prop_assert!(turn_over(release, Offer::GiveAgain).is_err());
        }
    }

    #[test]
    fn what_left_the_channel_is_not_brought_back_by_a_publish() {
        assert_eq!(ask(facts(&State::Published), true), Ok(Asked::StaysOut));
        assert_eq!(ask(facts(&State::Yanked), true), Ok(Asked::StaysOut));
        let deleted = ask(facts(&State::Deleted), true);
        assert_eq!(deleted, Err(Release::Deleted("1.0".to_owned())));
    }

    #[test]
    fn a_draft_without_packages_is_not_published() {
        let empty = publish(facts(&State::Draft), true);
        assert_eq!(empty, Err(Draft::Empty("1.0".to_owned()).into()));
    }

    #[test]
    fn notes_of_a_draft_are_told_to_nobody() {
        let draft = edit(facts(&State::Draft), None, Some("new")).unwrap();
        assert!(draft.forget_drafted && draft.change && !draft.tell);
        let published = edit(facts(&State::Published), Some("old"), Some("new")).unwrap();
        assert!(!published.forget_drafted && published.tell);
        let same = edit(facts(&State::Published), Some("new"), Some("new")).unwrap();
        assert!(!same.change && !same.tell);
    }

    #[test]
    fn notes_are_those_of_who_publishes() {
        assert_eq!(notes(Some("given"), Some("own")), Given::Yes(Some("given")));
        assert_eq!(notes(None, Some("own")), Given::Yes(Some("own")));
        assert_eq!(notes(Some(" \n"), Some("own")), Given::Yes(None));
        assert_eq!(notes(None, None), Given::No);
    }
}
