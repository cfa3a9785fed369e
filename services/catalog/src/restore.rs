//! What happens when an older copy of this database, or an empty one, was put in its place: the feed is held. The rules are
//! [`crate::rules::restore`]. The hold is in the database itself, so it is shared, outlives processes, and is gone with it.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use http::Method;
use slipway_contract::grant::Grant;
use slipway_contract::held::{Loss, Report};
use slipway_runtime::clock;
use slipway_runtime::token::Token;
use sqlx::AnyConnection;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::error::Error;
use crate::held::Doubted;
use crate::rules::feed::{Ask, Feed, followers};
use crate::rules::restore::{self as rules, Marked};
use crate::state::CatalogState;
use crate::store::feed as rows;

/// How long a follower's report is believed.
const REPORT_LIFE: Duration = Duration::from_secs(1);
/// It is in a follower's memory. One that hangs must not hold everybody who has a token.
const REPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Holds the feed when `ask` shows that this database is an older copy.
pub(crate) async fn notice(state: &CatalogState, caller: &str, ask: &Ask) -> Result<(), Error> {
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    let marked = match state.marks.check(&ask.mark, &ask.epoch, ask.head) {
        Some(start) => match rows::reach(&mut connection, start).await? {
            Some(reach) => Marked::Reached(reach),
            None => Marked::Elsewhere,
        },
        None => Marked::No,
    };
    drop(connection);
    let (head, after) = (feed.head, ask.after);
    let older = rules::is_older(&feed, ask, marked).inspect_err(|_| {
        tracing::warn!(
            caller,
            head,
            after,
            "a follower is ahead and has no mark that shows it: nothing follows from that"
        );
    })?;
    if older {
        tracing::warn!(
            caller,
            head,
            marked = ask.head,
            "this database is an older copy: nothing is changed until `slipway accept-restore`, or until the newer one is back"
        );
        let mut transaction = state.database.write().await?;
        let held = Uuid::now_v7().to_string();
        rows::hold(&mut transaction, &feed.written, &held).await?;
        state.commit(transaction).await?;
    }
    Ok(())
}

/// Notes that a copy would lose something to the epoch that it was told, and holds the feed.
pub(crate) async fn claim(state: &CatalogState, caller: &str, ask: &Ask) -> sqlx::Result<()> {
    let place = (caller, &*ask.epoch);
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    // Most polls claim nothing, and are judged without a place in the queue of those that write.
    if !is_claim(&mut connection, &feed, place, ask).await? {
        return Ok(());
    }
    drop(connection);
    // Judged again, held and noted in one transaction: a hold that is accepted between the two gives up no copy whose
    // claim comes after it, and that follower would hold the feed once more.
    let mut transaction = state.database.write().await?;
    let feed = rows::lock(&mut transaction).await?;
    if !is_claim(&mut transaction, &feed, place, ask).await? {
        return Ok(());
    }
    let begun = rows::hold(&mut transaction, &feed.written, feed.epoch()).await?;
    rows::claim(&mut transaction, place, clock::unix_millis()).await?;
    state.commit(transaction).await?;
    if begun {
        tracing::warn!(
            caller,
            copy = ask.epoch,
            "this database would take from a copy what nobody asked to take: nothing is changed until `slipway accept-restore`, or until the right database is back"
        );
    }
    Ok(())
}

async fn is_claim(
    connection: &mut AnyConnection,
    feed: &Feed,
    place: (&str, &str),
    ask: &Ask,
) -> sqlx::Result<bool> {
    if !ask.claims(feed) {
        return Ok(false);
    }
    let is_known = rows::is_claimed(connection, place).await?;
    let replaced = rows::replaced(connection, feed.epoch()).await?;
    Ok(rules::is_claim(feed, ask, is_known, &replaced))
}

/// What the followers say of the held epoch.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) losses: BTreeSet<Loss>,
    /// All losses, also those that they did not list.
    pub(crate) count: usize,
    /// Services of which nobody could be asked, or nobody knows yet.
    pub(crate) away: Vec<&'static str>,
}

/// Asks an instance of each follower; those of one service share a copy.
pub(crate) async fn ask_followers(state: &CatalogState, epoch: &str) -> Told {
    let mut told = Told::default();
    for service in followers() {
        let Some(report) = report(state, service, epoch).await else {
            told.away.push(service);
            continue;
        };
        told.count = told.count.max(report.count);
        told.losses.extend(report.losses);
    }
    told.count = told.count.max(told.losses.len());
    told
}

/// What a service says of `epoch`; `None` when nobody answers, or it has not compared.
async fn report(state: &CatalogState, service: &'static str, epoch: &str) -> Option<Report> {
    let client = &state.peers.client;
    let asked = client.call(service, Method::GET, "/internal/held", None::<&()>);
    let report: Report = timeout(REPORT_TIMEOUT, asked).await.ok()?.ok()?;
    rules::is_about(&report, epoch).then_some(report)
}

/// Refuses, while the feed is held, a token that may have been revoked or narrowed since this copy was made.
pub(crate) async fn check_token(
    state: &CatalogState,
    feed: &Feed,
    grant: &Grant,
    hash: &str,
) -> Result<(), Error> {
    if is_administrators(state, hash) {
        return Ok(());
    }
    let mut asked = state.doubts.0.lock().await;
    let current = asked
        .as_ref()
        .is_some_and(|asked| asked.epoch == feed.epoch() && asked.at.elapsed() < REPORT_LIFE);
    if !current {
        *asked = Some(Doubted {
            tokens: rules::doubted(report(state, "upload", feed.epoch()).await),
            at: Instant::now(),
            epoch: feed.epoch().to_owned(),
        });
    }
    let tokens = asked.as_ref().and_then(|asked| asked.tokens.as_ref());
    Ok(rules::check_token(&grant.id, tokens)?)
}

fn is_administrators(state: &CatalogState, hash: &str) -> bool {
    let text = match fs::read_to_string(state.process.data.admin_token()) {
        Ok(text) => text,
        Err(error) => {
            tracing::warn!(%error, "the administrator's token cannot be read and permits nobody");
            return false;
        }
    };
    let token = text.trim().parse::<Token>();
    token.is_ok_and(|token| token.hash() == hash)
}
