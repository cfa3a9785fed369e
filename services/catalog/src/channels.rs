//! Which releases are in a channel: what joins it, what leaves it at a roll-back, and what does not come back by itself.
//!
//! A roll-back is a decision about what users get, and nothing that was asked for before it undoes it. A release that is on
//! its way then is published at its own address, and joins no channel; a publish that was acknowledged while the catalog
//! was away, and had not heard of the roll-back, does the same; and so does one that is repeated later, by a pipeline that
//! runs again. Each says so in a warning. To promote it is a decision too, and brings it back.

use std::fmt::Write as _;

use http::StatusCode;
use slipway_packages::Slug;
use slipway_service::{Problem, api, clock};
use sqlx::AnyConnection;

use crate::release::State as Stage;
use crate::store;
use crate::store::channels::{self, Rollback};
use crate::store::releases::{self, Release};

/// Channels that every app may publish to without making them first.
const EVERYBODYS: [&str; 2] = ["beta", "stable"];
/// Names that the words of a refusal list.
const NAMED: usize = 10;
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
    pub(crate) heard: Option<&'a api::Heard>,
    /// Unix milliseconds, by upload's clock.
    pub(crate) acknowledged_at: Option<i64>,
}

impl Asked<'_> {
    /// Whether it was asked for after a roll-back, in the feed of `epoch`. In doubt it was not: then a warning says what
    /// to do, and nobody gets what was taken back.
    fn is_after(&self, rollback: &Rollback, epoch: &str) -> bool {
        if let Some(heard) = self.heard.filter(|heard| heard.epoch == epoch) {
            return heard.seq >= rollback.seq;
        }
        let sure = rollback.rolled_back_at + clock::TOLERANCE_MILLIS;
        self.acknowledged_at.is_some_and(|at| at > sure)
    }
}

/// Refuses to make a channel with a reserved name. One that has it from an earlier version goes on.
pub(crate) async fn check_name(
    db: &mut AnyConnection,
    app: &str,
    channel: &Slug,
) -> Result<(), Problem> {
    let Err(reserved) = channel.check_new_channel() else {
        return Ok(());
    };
    if releases::has_channel(db, app, channel.as_str()).await? {
        return Ok(());
    }
    let detail = reserved.to_string();
    Err(Problem::unprocessable("channel_invalid", detail))
}

/// Refuses also a channel that is not there and was not asked to be made.
pub(crate) async fn check(
    db: &mut AnyConnection,
    app: &str,
    channel: &Slug,
    create: bool,
) -> Result<(), Problem> {
    check_name(db, app, channel).await?;
    if create || EVERYBODYS.contains(&channel.as_str()) {
        return Ok(());
    }
    if releases::has_channel(db, app, channel.as_str()).await? {
        return Ok(());
    }
    Err(unknown(channel, &channels::names(db, app).await?))
}

fn unknown(channel: &Slug, there: &[String]) -> Problem {
    let mut names: Vec<&str> = there.iter().map(String::as_str).collect();
    names.extend(
        EVERYBODYS
            .iter()
            .filter(|name| !there.iter().any(|there| there == *name)),
    );
    names.sort_unstable();
    let nearest = nearest(channel.as_str(), &names);
    let mut detail = format!("there is no channel {channel}");
    let _ = match nearest {
        Some(nearest) => write!(detail, "; the nearest is {nearest}"),
        None => write!(
            detail,
            "; there are {}",
            names[..names.len().min(NAMED)].join(", ")
        ),
    };
    detail.push_str(": correct the spelling, or say create=channel (in JSON \"create\": \"channel\") to make a new one");
    Problem::new(StatusCode::NOT_FOUND, "channel_unknown", detail).with_member("nearest", nearest)
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

/// Lets a release into a channel because it is published there; `false` when it is in it, or stays out of it.
pub(crate) async fn join(
    db: &mut AnyConnection,
    release: &Release,
    place: Place<'_>,
    now: i64,
) -> sqlx::Result<bool> {
    let channel = place.channel.as_str();
    if has_left(db, release, place.channel).await? {
        return Ok(false);
    }
    if let Some(asked) = place.asked
        && let Some(rollback) = channels::rollback_below(db, release, channel).await?
        && !asked.is_after(&rollback, store::feed::read(db).await?.written())
    {
        let to = &rollback.release_id;
        channels::leave(db, release, channel, to, now).await?;
        return Ok(false);
    }
    releases::add_to_channel(db, release, channel, now).await
}

/// What is said of a release that left this channel.
pub(crate) async fn left_of(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<Option<String>> {
    let departures = channels::departures(db, &release.id).await?;
    let departure = departures.iter().find(|(left, _)| left == channel.as_str());
    Ok(departure.map(|departure| left(release, departure)))
}

/// Whether a release left a channel, and stays out of it when it is published again.
pub(crate) async fn has_left(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<bool> {
    Ok(left_of(db, release, channel).await?.is_some())
}

/// Adds a release to a channel by somebody's word; the number of the change, if there is one.
pub(crate) async fn add(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<Option<i64>> {
    let now = clock::unix_millis();
    channels::forget_departure(db, release, channel.as_str()).await?;
    if !releases::add_to_channel(db, release, channel.as_str(), now).await? {
        return Ok(None);
    }
    releases::touch(db, &release.id).await.map(Some)
}

/// Refuses to make a release the newest of a channel while higher ones are offered there, or will be by themselves.
pub(crate) async fn check_newest(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> Result<(), Problem> {
    let higher = channels::higher(db, release, channel.as_str()).await?;
    let is_offered =
        |release: &&Release| !matches!(release.state(), Ok(Stage::Failed | Stage::Yanked));
    let newer: Vec<_> = higher.iter().filter(is_offered).collect();
    if newer.is_empty() {
        return Ok(());
    }
    let named = newer
        .iter()
        .take(NAMED)
        .map(|release| match release.state() {
            Ok(Stage::Published) => release.version.clone(),
            _ => format!("{} ({})", release.version, release.state),
        });
    let mut names = named.collect::<Vec<_>>().join(", ");
    if newer.len() > NAMED {
        let _ = write!(names, " and {} more", newer.len() - NAMED);
    }
    let version = &release.version;
    let problem = Problem::conflict(
        "channel_newer",
        format!(
            "{channel} has higher versions than {version}: {names}. To roll it back, so that they leave it, say \"rollback\": true; to add {version} beside them, POST …/channels/{channel}/releases"
        ),
    );
    let versions: Vec<_> = newer
        .iter()
        .map(|release| release.version.clone())
        .collect();
    Err(problem.with_member("newer", versions))
}

/// Makes a release the newest of a channel: whatever is higher leaves it, also what is on its way, has failed or was
/// yanked, and could otherwise come above it later. Returns the number of the last change.
pub(crate) async fn roll_back(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<i64> {
    let now = clock::unix_millis();
    channels::forget_departure(db, release, channel.as_str()).await?;
    releases::add_to_channel(db, release, channel.as_str(), now).await?;
    let mut seq = releases::touch(db, &release.id).await?;
    for higher in channels::higher(db, release, channel.as_str()).await? {
        channels::leave(db, &higher, channel.as_str(), &release.id, now).await?;
        seq = releases::touch(db, &higher.id).await?;
    }
    channels::set_rollback(db, release, channel.as_str(), (seq, now)).await?;
    Ok(seq)
}

/// What is said of a release that left a channel.
pub(crate) fn left(release: &Release, (channel, to): &(String, String)) -> String {
    format!(
        "left_channel: {} is out of {channel}, which was rolled back to {to}; to publish it again does not bring it back, PUT /api/v1/apps/{}/channels/{channel} with this version does",
        release.version, release.app
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let rollback = Rollback {
            release_id: String::new(),
            seq: 7,
            rolled_back_at: 1_000_000,
        };
        let after = |heard: Option<(&str, i64)>, acknowledged_at| {
            let heard = heard.map(|(epoch, seq)| api::Heard {
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
