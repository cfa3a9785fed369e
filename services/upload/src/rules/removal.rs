//! Who may delete a package, and who has to agree.

use http::StatusCode;
use slipway_contract::{Code, Word};

use crate::store::state::State;

/// What decides. Whoever asks may upload or release: that is looked at before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) state: &'a State,
    /// The token that uploaded it.
    pub(crate) token_name: &'a str,
    /// Whether that is the one that asks.
    pub(crate) own: bool,
    /// Whether who asks may release.
    pub(crate) releases: bool,
    /// Whether another token's intent waits for the catalog to be told of the package.
    pub(crate) shared: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is gone: the same again, by whoever had sent it.
    Nothing,
    /// It goes here alone: the catalog never had what it has refused.
    End,
    /// It goes when the catalog agrees, and before it what waits behind it because it took the place of that: that would be
    /// released when this is gone.
    AgreeWithReplaced,
    /// It goes when the catalog agrees, which knows whose it is.
    Agree,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another token's.
    OfAnother { token_name: String },
    /// Another token's too, and the catalog was not told of that yet.
    Shared,
    /// The catalog's, as it said it.
    Catalog {
        status: StatusCode,
        code: Word<Code>,
        detail: String,
    },
    /// The catalog says that it cannot agree now, and why.
    CatalogUnavailable(String),
    /// The catalog does not answer.
    CatalogAway,
}

/// Codes with which the catalog refuses a removal: what it says of the token, and not of this service.
pub(crate) const CODES: [Code; 7] = [
    Code::AppDeleted,
    Code::PackageUnknown,
    Code::ReleaseNotDraft,
    Code::ScopeMissing,
    Code::TokenExpired,
    Code::TokenInvalid,
    Code::TokenOfAnotherApp,
];

pub(crate) fn decide(facts: Facts<'_>) -> Result<Effect, Refusal> {
    match facts.state {
        State::Removed => Ok(Effect::Nothing),
        State::Refused => check_own(facts).map(|()| Effect::End),
        State::Stored => check_waiting(facts).map(|()| Effect::AgreeWithReplaced),
        State::Delivered | State::Unknown(_) => Ok(Effect::Agree),
    }
}

/// The catalog may not have it yet, and then does not know whose it is. What more tokens have sent is theirs too: one of
/// them must not take it from the others.
pub(crate) fn check_waiting(facts: Facts<'_>) -> Result<(), Refusal> {
    check_own(facts)?;
    if facts.shared && !facts.releases {
        return Err(Refusal::Shared);
    }
    Ok(())
}

/// What the catalog does not have is deleted by its token, and by who may release.
fn check_own(facts: Facts<'_>) -> Result<(), Refusal> {
    if facts.own || facts.releases {
        return Ok(());
    }
    Err(Refusal::OfAnother {
        token_name: facts.token_name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    proptest! {
        #[test]
        fn nobody_takes_a_package_from_another(
            state in "stored|refused|removed|delivered|later",
            own in any::<bool>(),
            releases in any::<bool>(),
            shared in any::<bool>(),
        ) {
            let state = State::from(state);
            let decided = decide(Facts { state: &state, token_name: "ci", own, releases, shared });
            // What the catalog cannot judge is judged here.
            if matches!(state, State::Stored | State::Refused) && !own && !releases {
                assert_eq!(decided, Err(Refusal::OfAnother { token_name: "ci".to_owned() }));
            }
            if state == State::Stored && shared && !releases {
                assert!(decided.is_err());
            }
            if own && !shared {
                assert!(decided.is_ok());
            }
            // Nothing goes without the catalog but what it never had.
            assert_eq!(decided == Ok(Effect::End), (state == State::Refused) && (own || releases));
        }
    }
}
