//! Channels inside the caller's transaction: what joins one, and what leaves it. The rules are [`crate::rules::channel`].

use slipway_contract::Slug;
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::error::Error;
use crate::refusal::Channel;
use crate::rules::channel::{self as rules, Joining, Place};
use crate::store;
use crate::store::channels;
use crate::store::releases::{self, Release};

/// Refuses to make a channel with a reserved name.
pub(crate) async fn check_name(
    db: &mut AnyConnection,
    app: &str,
    channel: &Slug,
) -> Result<(), Error> {
    let is_there = releases::has_channel(db, app, channel.as_str()).await?;
    Ok(rules::check_name(channel, is_there)?)
}

/// Refuses also a channel that is not there and was not asked to be made.
pub(crate) async fn check(
    db: &mut AnyConnection,
    app: &str,
    channel: &Slug,
    create: bool,
) -> Result<(), Error> {
    let there = channels::names(db, app).await?;
    Ok(rules::check(channel, create, &there)?)
}

/// The refusal of a channel that is not there.
pub(crate) async fn unknown(
    db: &mut AnyConnection,
    app: &str,
    channel: &Slug,
) -> sqlx::Result<Channel> {
    let there = channels::names(db, app).await?;
    Ok(rules::unknown(channel, &there))
}

/// Lets a release into a channel because it is published there; `false` when it is in it, or stays out of it.
pub(crate) async fn join(
    db: &mut AnyConnection,
    release: &Release,
    place: Place<'_>,
) -> sqlx::Result<bool> {
    let (channel, now) = (place.channel.as_str(), clock::unix_millis());
    let has_left = left_of(db, release, place.channel).await?.is_some();
    let rollback = match place.asked {
        Some(_) => channels::rollback_below(db, release, channel).await?,
        None => None,
    };
    let feed = store::feed::read(db).await?;
    match rules::join(has_left, place.asked, rollback.as_ref(), &feed.written) {
        Joining::Joins => releases::add_to_channel(db, release, channel, now).await,
        Joining::StaysOut => Ok(false),
        Joining::Leaves(to) => {
            channels::leave(db, release, channel, &to, now).await?;
            Ok(false)
        }
    }
}

/// What is said of a release that left this channel, and stays out of it when it is published again.
pub(crate) async fn left_of(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<Option<String>> {
    let departures = channels::departures(db, &release.id).await?;
    let departure = departures.iter().find(|(left, _)| left == channel.as_str());
    Ok(departure
        .map(|departure| rules::left(release.app.as_str(), release.version.as_str(), departure)))
}

/// Adds a release to a channel by somebody's word.
pub(crate) async fn add(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    channels::forget_departure(db, release, channel.as_str()).await?;
    if releases::add_to_channel(db, release, channel.as_str(), now).await? {
        releases::touch(db, &release.id).await?;
    }
    Ok(())
}

/// Refuses to make a release the newest of a channel while higher ones are offered there, or will be by themselves.
pub(crate) async fn check_newest(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> Result<(), Error> {
    let higher = channels::higher(db, release, channel.as_str()).await?;
    let higher: Vec<_> = higher
        .into_iter()
        .map(|release| (release.version.to_string(), release.state))
        .collect();
    Ok(rules::check_newest(
        channel,
        release.version.as_str(),
        &higher,
    )?)
}

/// Makes a release the newest of a channel: whatever is higher leaves it, also what is on its way, has failed or was
/// yanked, and could otherwise come above it later.
pub(crate) async fn roll_back(
    db: &mut AnyConnection,
    release: &Release,
    channel: &Slug,
) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    channels::forget_departure(db, release, channel.as_str()).await?;
    releases::add_to_channel(db, release, channel.as_str(), now).await?;
    let mut seq = releases::touch(db, &release.id).await?;
    for higher in channels::higher(db, release, channel.as_str()).await? {
        channels::leave(db, &higher, channel.as_str(), &release.id, now).await?;
        seq = releases::touch(db, &higher.id).await?;
    }
    channels::set_rollback(db, release, channel.as_str(), (seq, now)).await
}
