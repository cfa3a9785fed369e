//! What a new token may be, and which one stays.

use std::collections::BTreeSet;

use slipway_contract::grant::{Grant, Scope};

use crate::refusal::Token;

/// Seconds of a token's life at most: ten years. Longer is `null`, which never ends.
const LONGEST_LIFE: i64 = 10 * 366 * 24 * 3600;

/// When a new token with these scopes expires, Unix milliseconds, if it lives `expires_in` seconds from `now` on; `None` is
/// never.
pub(crate) fn expiry(
    scopes: &BTreeSet<Scope>,
    expires_in: Option<i64>,
    now: i64,
) -> Result<Option<i64>, Token> {
    if scopes.is_empty() {
        return Err(Token::ScopesEmpty);
    }
    let is_life = |seconds: &i64| (1..=LONGEST_LIFE).contains(seconds);
    match expires_in {
        None => Ok(None),
        Some(seconds) if is_life(&seconds) => Ok(Some(now.saturating_add(seconds * 1000))),
        Some(_) => Err(Token::ExpiryRefused),
    }
}

/// Whether a token administers the whole platform while it is alive.
pub(crate) fn administers(grant: &Grant) -> bool {
    grant.app.is_none() && grant.scopes.contains(&Scope::Admin)
}

/// Whether a token that is revoked `now` ends the rule of somebody: it administered the platform until then. Of one that
/// had ended before nothing is lost.
pub(crate) fn ends_a_rule(revoked: &Grant, now: i64) -> bool {
    let expired = revoked.expires_at.is_some_and(|at| at <= now);
    let ended_before = expired || revoked.revoked_at != Some(now);
    !ended_before && administers(revoked)
}

/// Refuses to revoke, `now`, the last token that administers the platform, or one that would outlive all others: when they
/// have expired nobody could make another. `outlived`: another administers it at least as long.
pub(crate) fn check_administered(revoked: &Grant, now: i64, outlived: bool) -> Result<(), Token> {
    if outlived || !ends_a_rule(revoked, now) {
        return Ok(());
    }
    Err(Token::LastAdministrator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCOPES: [Scope; 4] = [Scope::Read, Scope::Upload, Scope::Release, Scope::Admin];

    fn grant(scopes: &[Scope], app: Option<&str>, expires_at: Option<i64>) -> Grant {
        Grant {
            id: "1".to_owned(),
            name: "ci".to_owned(),
            scopes: scopes.iter().copied().collect(),
            app: app.map(str::to_owned),
            expires_at,
            revoked_at: Some(100),
        }
    }

    proptest! {
        #[test]
        fn somebody_administers_the_platform_for_ever(
            scopes in prop::collection::vec(prop::sample::select(SCOPES.to_vec()), 0..4),
            of_app: bool, expires_at: Option<i64>, outlived: bool,
        ) {
            let revoked = grant(&scopes, of_app.then_some("notes"), expires_at);
            let ruled = !of_app && scopes.contains(&Scope::Admin) && expires_at.is_none_or(|at| at > 100);
            prop_assert_eq!(check_administered(&revoked, 100, outlived).is_err(), ruled && !outlived);
        }

        #[test]
        fn a_life_is_of_seconds_and_ends_after_now(seconds: i64, now in 0..4_000_000_000_000_i64) {
            let scopes = BTreeSet::from([Scope::Read]);
            match expiry(&scopes, Some(seconds), now) {
                Ok(at) => prop_assert!(at > Some(now)),
                Err(refused) => {
                    prop_assert_eq!(refused, Token::ExpiryRefused);
                    prop_assert!(!(1..=LONGEST_LIFE).contains(&seconds));
                }
            }
        }
    }

    #[test]
    fn a_token_without_a_scope_is_none() {
        assert_eq!(expiry(&BTreeSet::new(), None, 0), Err(Token::ScopesEmpty));
    }

    #[test]
    fn one_that_was_revoked_before_takes_nothing_with_it() {
        let revoked = grant(&[Scope::Admin], None, None);
        assert!(check_administered(&revoked, 200, false).is_ok());
    }
}
