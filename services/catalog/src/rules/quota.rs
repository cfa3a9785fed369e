//! What an app may hold: by the settings, unless an administrator has said otherwise of it.

use slipway_contract::quota::{Quota, QuotaExceeded, Used};

use crate::refusal::Request;
use crate::rules::given::Given;
use crate::rules::state::State;

/// The limits of an app after a change of some.
pub(crate) fn over(
    before: Quota,
    (bytes, releases, drafts): (Given<i64>, Given<i64>, Given<i64>),
) -> Result<Quota, Request> {
    let one = |given, before| match given {
        Given::No => Ok(before),
        Given::Yes(Some(limit)) if limit < 0 => Err(Request::QuotaInvalid),
        Given::Yes(limit) => Ok(limit),
    };
    Ok(Quota {
        bytes: one(bytes, before.bytes)?,
        releases: one(releases, before.releases)?,
        drafts: one(drafts, before.drafts)?,
    })
}

/// Refuses to make one release more, of a release in `state`, than the app may have that holds `used`. What has failed was
/// counted when it began, and what upload has acknowledged was counted there.
pub(crate) fn check_release(
    state: &State,
    app: &str,
    quota: Quota,
    used: Used,
) -> Result<(), QuotaExceeded> {
    if *state != State::Draft {
        return Ok(());
    }
    let after = Used {
        releases: used.releases + 1,
        ..used
    };
    quota.check(app, used, after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_not_named_stays_and_no_limit_is_below_nothing(
            bytes: Option<i64>, named: bool, limit: Option<i64>,
        ) {
            let given = if named { Given::Yes(limit) } else { Given::No };
            let before = Quota { bytes, releases: Some(7), drafts: None };
            match over(before, (given, Given::No, Given::No)) {
                Ok(after) => {
                    prop_assert_eq!(after.bytes, if named { limit } else { bytes });
                    prop_assert_eq!((after.releases, after.drafts), (Some(7), None));
                }
                Err(refused) => {
                    prop_assert_eq!(refused, Request::QuotaInvalid);
                    prop_assert!(named && limit < Some(0) && limit.is_some());
                }
            }
        }

        /// A release that failed can be published again, however many there are.
        #[test]
        fn only_a_draft_becomes_one_more(
            state in prop::sample::select(State::KNOWN.to_vec()),
            releases in 0..100_i64,
            most in prop::option::of(0..100_i64),
        ) {
            let quota = Quota { releases: most, ..Quota::default() };
            let used = Used { releases, ..Used::default() };
            let refused = check_release(&state, "notes", quota, used).is_err();
            prop_assert_eq!(refused, state == State::Draft && most.is_some_and(|most| releases >= most));
        }
    }
}
