//! Who may delete what, and what is left of it. What nobody was promised is gone: packages that are in no release yet,
//! drafts with theirs, channels without releases. Of what others may know, releases and apps, a row stays for ever, so that
//! no other takes its name.

use slipway_contract::Version;

use crate::refusal::{App, Channel, Draft, Package, Refusal, Release};
use crate::rules::draft::{Owner, is_one, names};
use crate::rules::release::Facts;
use crate::rules::state::State;

/// What a token may delete of an app, beside its own packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Power {
    /// Nothing else.
    Uploads,
    /// What CI brings, a draft and what failed.
    Releases,
    /// Also what users were given, since nobody can undo it: a leaked token must not take the history of an app.
    Administers,
}

/// A package that is to be deleted.
pub(crate) struct Packed<'a> {
    pub(crate) id: &'a str,
    /// Whether it is of the app that the request names.
    pub(crate) of_app: bool,
    /// Its release, if it has one.
    pub(crate) release: Option<Facts<'a>>,
    pub(crate) owners: &'a [Owner],
}

/// What becomes of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// It is gone.
    Gone,
    /// Another token has sent the same bytes: this one takes itself out, and the package stays.
    TakenOut,
}

/// Deletes a package for the token `token_id`. What was begun to be signed keeps its version and its files.
pub(crate) fn package(
    package: &Packed<'_>,
    token_id: &str,
    power: Power,
) -> Result<Parting, Refusal> {
    if !package.of_app {
        return Err(Package::Unknown(package.id.to_owned()).into());
    }
    if let Some(release) = package.release
        && *release.known()?.state != State::Draft
    {
        let (version, state) = (release.version.to_owned(), release.state.clone());
        return Err(Package::Fixed { version, state }.into());
    }
    if power >= Power::Releases {
        return Ok(Parting::Gone);
    }
    if !is_one(package.owners, token_id) {
        return Err(Package::Others(names(package.owners)).into());
    }
    Ok(match package.owners {
        [_] => Parting::Gone,
        _ => Parting::TakenOut,
    })
}

/// What becomes of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is a draft: nothing is left, and its version is free.
    Remove,
    /// Its version is left, for ever.
    Bury,
    /// It is deleted already.
    Nothing,
}

/// Deletes a release, whatever its state. `only_own`: all its packages are of the token alone.
pub(crate) fn release(
    release: Facts<'_>,
    was_published: bool,
    only_own: bool,
    power: Power,
) -> Result<Ending, Refusal> {
    let version = || release.version.to_owned();
    match release.known()?.state {
        State::Draft if power >= Power::Releases || only_own => Ok(Ending::Remove),
        State::Draft => Err(Draft::NotYours(version()).into()),
        State::Deleted => Ok(Ending::Nothing),
        _ if was_published && power < Power::Administers => {
            Err(Release::NeedsAdmin(version()).into())
        }
        _ => Ok(Ending::Bury),
    }
}

/// The same with its app. One in a state that is not known here is buried like the others: nothing of the app is left.
pub(crate) fn with_its_app(state: &State) -> Ending {
    match state {
        State::Deleted => Ending::Nothing,
        State::Draft => Ending::Remove,
        _ => Ending::Bury,
    }
}

/// Whether an app is deleted, when its slug is typed again; `false` when it was deleted before. Typed it has to be then
/// too: what is asked is judged alike, whatever was done before.
pub(crate) fn app(slug: &str, is_deleted: bool, confirmation: &str) -> Result<bool, App> {
    if confirmation != slug {
        return Err(App::NotConfirmed(slug.to_owned()));
    }
    Ok(!is_deleted)
}

/// Refuses to delete a channel that gives somebody something. A yanked release leaves it: put back, it is in its other
/// channels. `releases` are those in it with their states.
pub(crate) fn channel(channel: &str, releases: &[(&str, &State)]) -> Result<(), Channel> {
    // What a later version makes of a release is not known: it counts.
    let fills = |(_, state): &&(&str, &State)| !matches!(state, State::Yanked | State::Deleted);
    let filling = releases.iter().filter(fills);
    let filling: Vec<_> = filling.map(|(version, _)| (*version).to_owned()).collect();
    if filling.is_empty() {
        return Ok(());
    }
    let channel = channel.to_owned();
    Err(Channel::NotEmpty { channel, filling })
}

/// Whether a release of this version is among those that were `deleted`, in whatever spelling.
pub(crate) fn was_deleted(version: &Version, deleted: &[String]) -> bool {
    deleted.iter().any(|deleted| {
        let deleted = deleted.parse::<Version>();
        deleted.is_ok_and(|deleted| deleted.order_key() == version.order_key())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POWERS: [Power; 3] = [Power::Uploads, Power::Releases, Power::Administers];

    fn facts(state: &State) -> Facts<'_> {
        let version = "1.0";
        Facts { version, state }
    }

    fn owners(ids: &[String]) -> Vec<Owner> {
        let owner = |id: &String| Owner {
            token_id: id.clone(),
            token_name: id.clone(),
        };
        ids.iter().map(owner).collect()
    }

    proptest! {
        /// Whoever steals a token of CI takes back what CI brings, and never what users were given.
        #[test]
        fn what_users_were_given_goes_by_an_administrator_alone(
            state in prop::sample::select(State::KNOWN.to_vec()),
            own: bool,
        ) {
            for power in [Power::Uploads, Power::Releases] {
                let ending = release(facts(&state), true, own, power);
                prop_assert!(ending != Ok(Ending::Bury));
            }
        }

        #[test]
        fn what_may_be_deleted_grows_with_the_power(
            state in prop::sample::select(State::KNOWN.to_vec()),
            published: bool,
            own: bool,
        ) {
            let may = POWERS.map(|power| release(facts(&state), published, own, power).is_ok());
            prop_assert!(may.is_sorted());
            prop_assert!(may[2], "an administrator deletes everything that is known");
        }

        /// Nobody takes back what another has sent too, and nobody what is not theirs.
        #[test]
        fn a_token_that_uploads_takes_out_itself_alone(ids in prop::collection::vec("[ab]", 0..3)) {
            let owners = owners(&ids);
            let packed = Packed { id: "1", of_app: true, release: None, owners: &owners };
            let parting = package(&packed, "a", Power::Uploads);
            let expected = match ids.iter().any(|id| id == "a") {
                false => None,
                true if ids.len() == 1 => Some(Parting::Gone),
                true => Some(Parting::TakenOut),
            };
            prop_assert_eq!(parting.ok(), expected);
        }

        /// What was begun to be signed keeps its files.
        #[test]
        fn only_of_a_draft_packages_are_deleted(state in prop::sample::select(State::KNOWN.to_vec())) {
            for power in POWERS {
                let packed = Packed {
                    id: "1", of_app: true, release: Some(facts(&state)), owners: &owners(&["a".to_owned()]),
                };
                prop_assert_eq!(package(&packed, "a", power).is_ok(), state == State::Draft);
            }
        }

        #[test]
        fn a_channel_goes_when_it_gives_nobody_anything(
            states in prop::collection::vec(prop::sample::select(State::KNOWN.to_vec()), 0..6),
        ) {
            let releases: Vec<_> = states.iter().map(|state| ("1.0", state)).collect();
            let empty = states.iter().all(|state| matches!(state, State::Yanked | State::Deleted));
            prop_assert_eq!(channel("beta", &releases).is_ok(), empty);
        }
    }

    #[test]
    fn a_state_of_a_later_version_fills_a_channel_and_is_deleted_with_its_app_alone() {
        let later = State::from("paused".to_owned());
        assert!(channel("beta", &[("1.0", &later)]).is_err());
        assert!(release(facts(&later), false, true, Power::Administers).is_err());
        assert_eq!(with_its_app(&later), Ending::Bury);
    }

    #[test]
    fn a_version_that_was_deleted_is_known_in_every_spelling() {
        let version: Version = "1.0.0".parse().unwrap();
        assert!(was_deleted(&version, &["0.9".to_owned(), "1.0".to_owned()]));
        assert!(!was_deleted(&version, &["1.0.1".to_owned()]));
    }

    #[test]
    fn an_app_goes_when_its_slug_is_typed_again() {
        assert_eq!(app("notes", false, "notes"), Ok(true));
        assert!(app("notes", false, "").is_err());
        assert_eq!(app("notes", true, "notes"), Ok(false));
        assert!(app("notes", true, "").is_err());
    }
}
