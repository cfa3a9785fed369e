//! What happens when an older copy of this database, or an empty one, was put in its place.
//!
//! The followers know: one that was given a mark beyond this database, or that would lose something to it, says so. Then
//! the feed is held: it is told under an epoch that nobody takes, reads go on, and nothing is changed, until somebody
//! accepts that epoch or the newer database is back. The hold is in the database itself, so it is shared, outlives
//! processes, and is gone with it.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use slipway_service::changes::held::{Loss, Report};
use slipway_service::token::{Grant, Token, unknown_token};
use slipway_service::{Problem, clock};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::CatalogState;
use crate::feed::{Ask, FOLLOWERS};
use crate::store::feed::{self as rows, Feed};

/// Seconds after which whoever wants to change something may ask again: a person has to decide first.
const RETRY_SECONDS: &str = "30";
/// How long a follower's report is believed.
const REPORT_LIFE: Duration = Duration::from_secs(1);
/// It is in a follower's memory. One that hangs must not hold everybody who has a token.
const REPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why nothing may be changed now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unchanged {
    #[error(
        "the catalog's database is older than what its followers have, and nothing is changed before somebody decides: run `slipway accept-restore`, or put the newer database back"
    )]
    Held,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Unchanged> for Problem {
    fn from(unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::Held => held(unchanged.to_string()),
            Unchanged::Database(error) => error.into(),
        }
    }
}

fn held(detail: String) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "restore_held", detail)
        .with_header("retry-after", RETRY_SECONDS)
}

/// Holds the feed when `ask` shows that this database is an older copy: it has a mark of a start or a number that is not
/// here. Without a good mark a number beyond ours proves nothing and is refused.
pub(crate) async fn notice(state: &CatalogState, caller: &str, ask: &Ask) -> Result<(), Problem> {
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    if feed.is_held() || ask.epoch != feed.written() {
        return Ok(());
    }
    let older = match state.marks.check(&ask.mark, &ask.epoch, ask.head) {
        Some(start) => rows::reach(&mut connection, start)
            .await?
            .is_none_or(|reach| ask.head > reach),
        None => false,
    };
    drop(connection);
    let (head, after) = (feed.head, ask.after);
    if older {
        tracing::warn!(
            caller,
            head,
            marked = ask.head,
            "this database is an older copy: nothing is changed until `slipway accept-restore`, or until the newer one is back"
        );
        hold(state, feed.written(), &Uuid::now_v7().to_string()).await?;
    } else if after > head {
        tracing::warn!(
            caller,
            head,
            after,
            "a follower is ahead and has no mark that shows it: nothing follows from that"
        );
        return Err(Problem::bad_request(
            "mark_invalid",
            "what was applied is beyond the feed, and the mark does not show that it was ever given",
        ));
    }
    Ok(())
}

/// Notes that a copy would lose something to the epoch that it was told, and holds the feed.
pub(crate) async fn claim(state: &CatalogState, caller: &str, ask: &Ask) -> sqlx::Result<()> {
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    let place = (caller, &*ask.epoch);
    if !ask.claims(&feed) || feed.is_held() && rows::is_claimed(&mut connection, place).await? {
        return Ok(());
    }
    // Whoever has not heard yet that its copy was given up claims nothing.
    let replaced = rows::replaced(&mut connection, feed.epoch()).await?;
    if replaced.contains(&ask.epoch) {
        return Ok(());
    }
    drop(connection);
    if hold(state, feed.written(), feed.epoch()).await? {
        tracing::warn!(
            caller,
            copy = ask.epoch,
            "this database would take from a copy what nobody asked to take: nothing is changed until `slipway accept-restore`, or until the right database is back"
        );
    }
    let mut transaction = state.database.write().await?;
    rows::claim(&mut transaction, place, clock::unix_millis()).await?;
    state.commit(transaction).await
}

async fn hold(state: &CatalogState, epoch: &str, held: &str) -> sqlx::Result<bool> {
    let mut transaction = state.database.write().await?;
    let done = rows::hold(&mut transaction, epoch, held).await?;
    state.commit(transaction).await?;
    Ok(done)
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
    for service in FOLLOWERS {
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
    let compared = report.epoch.as_deref() == Some(epoch) && !report.from.is_empty();
    (compared || report.from == epoch).then_some(report)
}

/// Which tokens cannot be believed while the feed is held, as upload knows it.
#[derive(Clone, Default)]
pub(crate) struct Doubts(Arc<Mutex<Option<Asked>>>);

struct Asked {
    at: Instant,
    epoch: String,
    /// Ids of tokens that would be permitted more; `None` when nobody can tell.
    tokens: Option<HashSet<String>>,
}

/// Refuses, while the feed is held, a token that has been revoked or narrowed since this copy was made. Where nobody can
/// tell, the administrator's own token passes alone: it lies in the data folder.
pub(crate) async fn check_token(
    state: &CatalogState,
    feed: &Feed,
    grant: &Grant,
    hash: &str,
) -> Result<(), Problem> {
    if is_administrators(state, hash) {
        return Ok(());
    }
    let mut asked = state.doubts.0.lock().await;
    let current = asked
        .as_ref()
        .is_some_and(|asked| asked.epoch == feed.epoch() && asked.at.elapsed() < REPORT_LIFE);
    if !current {
        let report = report(state, "upload", feed.epoch()).await;
        let whole = report.filter(|report| report.count == report.losses.len());
        *asked = Some(Asked {
            at: Instant::now(),
            epoch: feed.epoch().to_owned(),
            tokens: whole.map(|report| {
                let losses = report.losses.into_iter();
                losses.map(|loss| loss.subject).collect()
            }),
        });
    }
    match asked.as_ref().and_then(|asked| asked.tokens.as_ref()) {
        Some(tokens) if tokens.contains(&grant.id) => Err(unknown_token()),
        Some(_) => Ok(()),
        None => Err(held(
            "the catalog's database is older than what its followers have, and upload, which knows whether this token was revoked since, does not say: try again, or use the token in the data folder"
                .to_owned(),
        )),
    }
}

fn is_administrators(state: &CatalogState, hash: &str) -> bool {
    let text = fs::read_to_string(state.process.data.admin_token()).unwrap_or_default();
    let token = text.trim().parse::<Token>();
    token.is_ok_and(|token| token.hash() == hash)
}
