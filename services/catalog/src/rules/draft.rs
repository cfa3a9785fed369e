//! What may become of a draft: its spelling, its files, and whose they are.

use slipway_contract::shown::twin;

use crate::refusal::{Draft, Package, Refusal, Release, Version};
use crate::rules::release::Facts;
use crate::rules::state::State;

/// A token that sent a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) token_id: String,
    pub(crate) token_name: String,
}

/// Whether `owners` is this token and nobody else.
pub(crate) fn are_only(owners: &[Owner], token_id: &str) -> bool {
    !owners.is_empty() && owners.iter().all(|owner| owner.token_id == token_id)
}

/// Whether this token is one of them.
pub(crate) fn is_one(owners: &[Owner], token_id: &str) -> bool {
    owners.iter().any(|owner| owner.token_id == token_id)
}

/// Their names, for people.
pub(crate) fn names(owners: &[Owner]) -> String {
    if owners.is_empty() {
        return "of an earlier version".to_owned();
    }
    let names: Vec<_> = owners.iter().map(|owner| &*owner.token_name).collect();
    names.join(", ")
}

/// Who may spell the version of a draft anew: a draft takes no version, in no spelling.
#[derive(Clone, Copy)]
pub(crate) enum Speller<'a> {
    /// The token that put all of it there.
    Token(&'a str),
    /// Whoever names all that is released.
    Releaser,
}

/// What another spelling of a version comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    Same,
    /// It takes the place of that of the draft.
    Anew,
}

/// Whether `given` may be the spelling of a release: `1.0` and `1.0.0` would be two names for one place in the order.
/// `may`: the draft is the speller's.
pub(crate) fn spell(release: Facts<'_>, given: &str, may: bool) -> Result<Spelling, Refusal> {
    if release.version == given {
        return Ok(Spelling::Same);
    }
    let (given, there) = (given.to_owned(), release.version.to_owned());
    match release.known()?.state {
        State::Draft if may => Ok(Spelling::Anew),
        State::Draft => Err(Version::DraftedOtherwise {
            given,
            drafted: there,
        }
        .into()),
        State::Deleted => Err(Release::Deleted(there).into()),
        _ => Err(Version::Taken {
            given,
            taken: there,
        }
        .into()),
    }
}

/// The file of a release that has the name of one that comes.
pub(crate) struct SameName {
    pub(crate) sha256: String,
    pub(crate) owners: Vec<Owner>,
}

/// What a file that comes is to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adding {
    /// The same bytes are there under its name, and are the token's too.
    There,
    /// It takes the place of the token's own other bytes.
    Replace,
    New,
}

/// Whether a file of this name and these bytes comes into a release for the token `token_id`. `names` are those of the files
/// that are there, `same` is the one of this name. Somebody's file must not become another's between the PUT of the one and
/// the release by the other.
pub(crate) fn add(
    release: Facts<'_>,
    (filename, sha256): (&str, &str),
    names: &[&str],
    same: Option<&SameName>,
    token_id: &str,
) -> Result<Adding, Refusal> {
    check_spelling(release, names, filename)?;
    let Some(same) = same else {
        takes_file(release, filename)?;
        return Ok(Adding::New);
    };
    if same.sha256 == sha256 {
        return Ok(Adding::There);
    }
    let (version, filename) = (release.version.to_owned(), filename.to_owned());
    if *release.known()?.state != State::Draft {
        return Err(Version::OtherBytes { version, filename }.into());
    }
    if are_only(&same.owners, token_id) {
        return Ok(Adding::Replace);
    }
    let owners = self::names(&same.owners);
    Err(Version::OthersFile {
        version,
        filename,
        owners,
    }
    .into())
}

/// A package that somebody wants to give to a release.
pub(crate) struct Taking<'a> {
    pub(crate) id: &'a str,
    pub(crate) filename: &'a str,
    /// Whether it is of the release's app.
    pub(crate) of_app: bool,
    /// Whether it is in the release already.
    pub(crate) is_in: bool,
}

/// Whether a package on its own is given to a release with files of these `names`; `false` when it is there already.
pub(crate) fn take(
    release: Facts<'_>,
    package: &Taking<'_>,
    names: &[&str],
) -> Result<bool, Refusal> {
    if !package.of_app {
        return Err(Package::Unknown(package.id.to_owned()).into());
    }
    if package.is_in {
        return Ok(false);
    }
    takes_file(release, package.filename)?;
    check_spelling(release, names, package.filename)?;
    if names.contains(&package.filename) {
        let (version, filename) = (release.version.to_owned(), package.filename.to_owned());
        return Err(Version::OtherBytes { version, filename }.into());
    }
    Ok(true)
}

/// Refuses to leave a file out of what was begun to be signed: its files are fixed.
pub(crate) fn leave_out(release: Facts<'_>) -> Result<(), Refusal> {
    match release.known()?.state {
        State::Draft => Ok(()),
        _ => Err(Version::Fixed(release.version.to_owned()).into()),
    }
}

/// Refuses what is odd, for who wants to be refused.
pub(crate) fn refuse_odd(strict: bool, odd: &[String]) -> Result<(), Draft> {
    if !strict || odd.is_empty() {
        return Ok(());
    }
    Err(Draft::Odd(odd.to_vec()))
}

/// Refuses another file for a release that is on its way, or was.
fn takes_file(release: Facts<'_>, filename: &str) -> Result<(), Refusal> {
    let (version, filename) = (release.version.to_owned(), filename.to_owned());
    match release.known()?.state {
        State::Draft => Ok(()),
        State::Failed => Err(Version::Fixed(version).into()),
        State::Deleted => Err(Release::Deleted(version).into()),
        _ => Err(Draft::Closed { version, filename }.into()),
    }
}

/// Refuses a second file whose name cannot be told from that of one which is there.
fn check_spelling(release: Facts<'_>, names: &[&str], filename: &str) -> Result<(), Version> {
    match twin(names.iter().copied(), filename) {
        None => Ok(()),
        Some(there) => Err(Version::OtherSpelling {
            version: release.version.to_owned(),
            there: there.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(state: &State) -> Facts<'_> {
        let version = "1.0";
        Facts { version, state }
    }

    fn owners(ids: &[String]) -> Vec<Owner> {
        let owner = |id: &String| Owner {
            token_id: id.clone(),
            token_name: format!("name of {id}"),
        };
        ids.iter().map(owner).collect()
    }

    proptest! {
        /// A leaked token of CI must not put its bytes in the place of another's, and nobody's change what is signed.
        #[test]
        fn only_the_tokens_own_file_of_a_draft_is_replaced(
            state in prop::sample::select(State::KNOWN.to_vec()),
            ids in prop::collection::vec("[ab]", 0..3),
        ) {
            let same = SameName { sha256: "old".to_owned(), owners: owners(&ids) };
            let added = add(facts(&state), ("notes.apk", "new"), &["notes.apk"], Some(&same), "a");
            let own = !ids.is_empty() && ids.iter().all(|id| id == "a");
            prop_assert_eq!(added == Ok(Adding::Replace), own && state == State::Draft);
            prop_assert_ne!(added, Ok(Adding::New));
        }

        #[test]
        fn the_same_bytes_are_there_whatever_the_state(state in prop::sample::select(State::KNOWN.to_vec())) {
            let same = SameName { sha256: "one".to_owned(), owners: Vec::new() };
            let added = add(facts(&state), ("a.apk", "one"), &["a.apk"], Some(&same), "a");
            prop_assert_eq!(added, Ok(Adding::There));
        }

        #[test]
        fn a_file_comes_into_a_draft_alone(state in prop::sample::select(State::KNOWN.to_vec())) {
            let draft = state == State::Draft;
            let new = add(facts(&state), ("b.apk", "two"), &["a.apk"], None, "a");
            prop_assert_eq!(new == Ok(Adding::New), draft);
            let package = Taking { id: "1", filename: "b.apk", of_app: true, is_in: false };
            prop_assert_eq!(take(facts(&state), &package, &["a.apk"]) == Ok(true), draft);
            prop_assert_eq!(leave_out(facts(&state)).is_ok(), draft);
        }

        #[test]
        fn a_version_is_spelt_anew_by_who_has_the_whole_draft(
            state in prop::sample::select(State::KNOWN.to_vec()),
            may: bool,
        ) {
            let spelt = spell(facts(&state), "1.0.0", may);
            prop_assert_eq!(spelt == Ok(Spelling::Anew), may && state == State::Draft);
            prop_assert_eq!(spell(facts(&state), "1.0", false), Ok(Spelling::Same));
        }
    }

    #[test]
    fn names_that_cannot_be_told_apart_are_one() {
        let state = State::Draft;
        let refused = add(
            facts(&state),
            ("Notes.apk", "new"),
            &["notes.apk"],
            None,
            "a",
        );
        let there = "notes.apk".to_owned();
        let version = "1.0".to_owned();
        assert_eq!(
            refused,
            Err(Version::OtherSpelling { version, there }.into())
        );
    }

    #[test]
    fn a_package_of_another_app_is_as_if_it_were_not_there() {
        let state = State::Draft;
        let package = Taking {
            id: "1",
            filename: "b.apk",
            of_app: false,
            is_in: true,
        };
        let refused = take(facts(&state), &package, &[]);
        assert_eq!(refused, Err(Package::Unknown("1".to_owned()).into()));
    }
}
