//! Which releases are in a channel: what joins it, what leaves it at a roll-back, and what does not come back by itself.
//!
//! A roll-back is a decision about what users get, and nothing that was asked for before it undoes it. A release that is on
//! its way then is published at its own address, and joins no channel; a publish that was acknowledged while the catalog
//! was away, and had not heard of the roll-back, does the same; and so does one that is repeated later, by a pipeline that
//! runs again. Each says so in a warning. To promote it is a decision too, and brings it back.

use slipway_contract::{Slug, internal};
use slipway_runtime::clock;

use crate::refusal::Channel;
use crate::rules::state::State;

/// Channels that every app may publish to without making them first.
const EVERYBODYS: [&str; 2] = ["beta", "stable"];
/// How much of a name may be wrong to be taken for another, by the distance of Damerau and Levenshtein: half of it.
const LEAST_ALIKE: f64 = 0.5;

/// Where a release is to be published.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) channel: &'a Slug,
    /// Whether a channel that does not exist is made.
    pub(crate) create: bool,
    /// When it was asked for; `None`: now.
    pub(crate) asked: Option<Asked<'a>>,
}

/// What is known of when an intent was taken.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) heard: Option<&'a internal::Heard>,
    /// Unix milliseconds, by upload's clock.
    pub(crate) acknowledged_at: Option<i64>,
}

/// The last roll-back of a channel.
#[derive(Clone, Debug)]
pub(crate) struct Rollback {
    /// The release that was made the newest.
    pub(crate) release_id: String,
    /// The number of the change.
    pub(crate) seq: i64,
    /// Unix milliseconds.
    pub(crate) rolled_back_at: i64,
}

impl Asked<'_> {
    /// Whether it was asked for after a roll-back, in the feed of `epoch`. In doubt it was not: then a warning says what
    /// to do, and nobody gets what was taken back.
    fn is_after(&self, rollback: &Rollback, epoch: &str) -> bool {
        if let Some(heard) = self.heard.filter(|heard| heard.epoch == epoch) {
            return heard.seq >= rollback.seq;
        }
        let sure = rollback
            .rolled_back_at
            .saturating_add(clock::TOLERANCE_MILLIS);
        self.acknowledged_at.is_some_and(|at| at > sure)
    }
}

/// What becomes of a release in a channel that it is published to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    Joins,
    /// It left at a roll-back.
    StaysOut,
    /// It was asked for before a roll-back to this lower release, and is out of the channel like those that were there.
    Leaves(String),
}

/// Whether a release joins a channel because it is published there. `rollback` is the last one of the channel to a lower
/// version, if it counts for who asks, `epoch` that of the feed as it is written.
pub(crate) fn join(
    has_left: bool,
    asked: Option<Asked<'_>>,
    rollback: Option<&Rollback>,
    epoch: &str,
) -> Joining {
    if has_left {
        return Joining::StaysOut;
    }
    match (asked, rollback) {
        (Some(asked), Some(rollback)) if !asked.is_after(rollback, epoch) => {
            Joining::Leaves(rollback.release_id.clone())
        }
        _ => Joining::Joins,
    }
}

/// Refuses to make a channel with a reserved name. One that has it from an earlier version goes on.
pub(crate) fn check_name(channel: &Slug, is_there: bool) -> Result<(), Channel> {
    match channel.check_new_channel() {
        Err(reserved) if !is_there => Err(Channel::Invalid(reserved.to_string())),
        _ => Ok(()),
    }
}

/// Refuses also a channel that is not there and was not asked to be made. `there` are the names of the app's channels.
pub(crate) fn check(channel: &Slug, create: bool, there: &[String]) -> Result<(), Channel> {
    let is_there = there.iter().any(|name| name == channel.as_str());
    check_name(channel, is_there)?;
    if create || is_there || EVERYBODYS.contains(&channel.as_str()) {
        return Ok(());
    }
    Err(unknown(channel, there))
}

/// The refusal of a channel that is not among those `there`.
pub(crate) fn unknown(channel: &Slug, there: &[String]) -> Channel {
    let mut names: Vec<&str> = there.iter().map(String::as_str).collect();
    let everybodys = EVERYBODYS.iter();
    names.extend(everybodys.filter(|name| !there.iter().any(|there| there == *name)));
    names.sort_unstable();
    Channel::Unknown {
        channel: channel.to_string(),
        nearest: nearest(channel.as_str(), &names).map(str::to_owned),
        there: names.into_iter().map(str::to_owned).collect(),
    }
}

/// The name that was most likely meant.
fn nearest<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    let alike = |name: &&str| strsim::normalized_damerau_levenshtein(given, name);
    let best = names
        .iter()
        .copied()
        .max_by(|one, other| alike(one).total_cmp(&alike(other)))?;
    (alike(&best) >= LEAST_ALIKE).then_some(best)
}

/// Refuses to make a release the newest of a channel while higher ones are offered there, or will be by themselves.
/// `higher` are those in it with their states, highest first.
pub(crate) fn check_newest(
    channel: &Slug,
    version: &str,
    higher: &[(String, State)],
) -> Result<(), Channel> {
    let is_offered =
        |(_, state): &&(String, State)| !matches!(state, State::Failed | State::Yanked);
    let newer: Vec<_> = higher.iter().filter(is_offered).cloned().collect();
    if newer.is_empty() {
        return Ok(());
    }
    Err(Channel::Newer {
        channel: channel.to_string(),
        version: version.to_owned(),
        newer,
    })
}

/// What is said of a release that left a channel, which was rolled back to `to`.
pub(crate) fn left(app: &str, version: &str, (channel, to): &(String, String)) -> String {
    format!(
        "left_channel: {version} is out of {channel}, which was rolled back to {to}; to publish it again does not bring it back, PUT /api/v1/apps/{app}/channels/{channel} with this version does"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }

    fn rollback(seq: i64, rolled_back_at: i64) -> Rollback {
        Rollback {
            release_id: "lower".to_owned(),
            seq,
            rolled_back_at,
        }
    }

    proptest! {
        /// Nothing that was asked for before a roll-back undoes it, whatever a clock says.
        #[test]
        fn what_had_not_heard_of_a_roll_back_joins_nothing(
            seq in 1..i64::MAX, before in 1..100_i64, acknowledged_at: Option<i64>,
        ) {
            let heard = internal::Heard { epoch: "e".to_owned(), seq: seq.saturating_sub(before) };
            let asked = Asked { heard: Some(&heard), acknowledged_at };
            let joining = join(false, Some(asked), Some(&rollback(seq, 0)), "e");
            prop_assert_eq!(joining, Joining::Leaves("lower".to_owned()));
        }

        #[test]
        fn what_left_stays_out(acknowledged_at: Option<i64>, ask: bool) {
            let asked = ask.then_some(Asked { heard: None, acknowledged_at });
            prop_assert_eq!(join(true, asked, Some(&rollback(1, 1)), "e"), Joining::StaysOut);
        }

        /// Who decides now is never before a roll-back.
        #[test]
        fn what_is_asked_now_joins(seq: i64, at: i64) {
            prop_assert_eq!(join(false, None, Some(&rollback(seq, at)), "e"), Joining::Joins);
        }

        #[test]
        fn a_channel_is_there_or_everybodys_or_is_made(name in "[a-z]{1,8}", create: bool, there: bool) {
            prop_assume!(slug(&name).check_new_channel().is_ok());
            let names = if there { vec![name.clone()] } else { Vec::new() };
            let may = create || there || EVERYBODYS.contains(&name.as_str());
            prop_assert_eq!(check(&slug(&name), create, &names).is_ok(), may);
        }

        #[test]
        fn a_release_is_the_newest_where_nothing_higher_is_offered_or_will_be(
            states in prop::collection::vec(prop::sample::select(State::KNOWN.to_vec()), 0..6),
        ) {
            let higher: Vec<_> = states.iter().map(|state| ("2.0".to_owned(), state.clone())).collect();
            let ends = [State::Failed, State::Yanked];
            let newest = states.iter().all(|state| ends.contains(state));
            prop_assert_eq!(check_newest(&slug("stable"), "1.0", &higher).is_ok(), newest);
        }
    }

    #[test]
    fn a_reserved_name_is_kept_by_who_has_it() {
        let reserved = slug("latest");
        assert!(check_name(&reserved, false).is_err() && check_name(&reserved, true).is_ok());
        assert!(check(&reserved, true, &[]).is_err());
    }

    #[test]
    fn the_nearest_name_is_one_that_could_be_meant() {
        let names = ["beta", "nightly", "stable"];
        for (given, meant) in [
            ("stabel", Some("stable")),
            ("stble", Some("stable")),
            ("beat", Some("beta")),
            ("nightlies", Some("nightly")),
            ("production", None),
        ] {
            assert_eq!(nearest(given, &names), meant, "{given}");
        }
        assert_eq!(nearest("stable", &[]), None);
    }

    #[test]
    fn what_had_not_heard_of_a_roll_back_was_before_it() {
        let rollback = rollback(7, 1_000_000);
        let after = |heard: Option<(&str, i64)>, acknowledged_at| {
            let heard = heard.map(|(epoch, seq)| internal::Heard {
                epoch: epoch.to_owned(),
                seq,
            });
            let asked = Asked {
                heard: heard.as_ref(),
                acknowledged_at,
            };
            asked.is_after(&rollback, "e")
        };
        assert!(after(Some(("e", 7)), None) && !after(Some(("e", 6)), Some(i64::MAX)));
        // Of another epoch, and of an earlier version, only the clock tells.
        for heard in [Some(("of before", 9)), None] {
            assert!(!after(heard, Some(1_000_001)) && !after(heard, None));
            assert!(after(heard, Some(1_000_001 + clock::TOLERANCE_MILLIS)));
        }
    }
}
