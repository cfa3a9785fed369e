//! `/internal/changes`: the feed that upload and download follow.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use slipway_contract::feed::Page;
use slipway_openapi::{InternalReading, PROBLEM, ProblemDocument};
use slipway_runtime::clock;
use slipway_runtime::http::caller::Caller;
use slipway_runtime::http::json::ApiQuery;
use tokio::time::Instant;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::error::Error;
use crate::refusal::Request;
use crate::rules::feed::Ask;
use crate::state::CatalogState;
use crate::store::feed as rows;
use crate::{feed, restore};

/// Longest time that a poll is held.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Characters of an epoch, which is a UUID unless an operator has written another.
const LONGEST_EPOCH: usize = 100;

pub(super) fn router() -> OpenApiRouter<CatalogState> {
    OpenApiRouter::new().routes(routes!(changes))
}

/// Unknown parameters are passed over: a later follower may say more.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    epoch: String,
    /// What the follower has applied.
    after: i64,
    /// Seconds to wait for a change.
    #[serde(default)]
    #[param(required = false)]
    wait: u64,
    /// The instance that says that `after` is applied; absent while a copy of a new epoch is gathered, of which nothing
    /// is applied yet.
    follower: Option<String>,
    #[serde(default)]
    #[param(required = false)]
    head: i64,
    #[serde(default)]
    #[param(required = false)]
    mark: String,
    held: Option<String>,
}

#[utoipa::path(
    get,
    path = "/internal/changes",
    operation_id = "follow_changes",
    params(Query),
    responses(
        InternalReading,
        (status = 200, description = "Changes after that number, in their order.", body = Page),
        (status = 409, description = "`follower_taken`, `follower_differs`.", body = ProblemDocument, content_type = PROBLEM),
        (status = 422, description = "It cannot be read.", body = ProblemDocument, content_type = PROBLEM),
        (status = 400, description = "`query_invalid`, `mark_invalid`, `epoch_invalid`: it cannot be read.", body = ProblemDocument, content_type = PROBLEM),
    ),
)]
async fn changes(
    State(state): State<CatalogState>,
    Caller(caller): Caller,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<Page>, Error> {
    check_length(&query)?;
    let (follower, wait) = (query.follower, Duration::from_secs(query.wait));
    let ask = Ask {
        epoch: query.epoch,
        after: query.after,
        head: query.head,
        mark: query.mark,
        held: query.held,
    };
    restore::notice(&state, &caller, &ask).await?;
    if let Some(follower) = follower {
        let follower = Uuid::try_parse(&follower)
            .map_err(|_| Request::QueryInvalid("`follower` is a UUID"))?;
        restore::claim(&state, &caller, &ask).await?;
        acknowledge(&state, &caller, &follower.to_string(), &ask).await?;
    }
    let deadline = Instant::now() + wait.min(LONGEST_WAIT);
    let waiting = state.signals.wait_for(deadline, || async {
        let mut connection = state.database.read().await?;
        let feed = rows::read(&mut connection).await?;
        Ok(ask.has_news(&feed).then_some(()))
    });
    tokio::select! {
        waited = waiting => { waited?; }
        () = state.process.closing.cancelled() => {}
    }
    // Looked at before the page is read: whoever was heard by then is in it, if only as a hold.
    let opening = !state.opening.is_over();
    // Read in pieces, a row could be told under the number before with the state after, and then once more.
    let mut snapshot = state.database.snapshot().await?;
    let page = feed::page(&mut snapshot, &state, &caller, &ask).await?;
    Ok(Json(Page { opening, ..page }))
}

/// An epoch goes into a row: what is longer than any is refused.
fn check_length(query: &Query) -> Result<(), Request> {
    let held = query.held.as_ref().map_or(0, String::len);
    if query.epoch.len().max(held) > LONGEST_EPOCH {
        return Err(Request::QueryInvalid("an epoch has at most 100 characters"));
    }
    Ok(())
}

/// Asking with `after=N` says that N is applied, by the one who asks and nobody else.
async fn acknowledge(
    state: &CatalogState,
    caller: &str,
    follower: &str,
    ask: &Ask,
) -> Result<(), Error> {
    let who = (caller, follower);
    let mut connection = state.database.read().await?;
    let feed = rows::read(&mut connection).await?;
    let before = rows::acknowledged(&mut connection, who).await?;
    drop(connection);
    let in_step = ask.epoch == feed.epoch();
    if in_step && before.is_none_or(|before| before < ask.after) {
        let mut transaction = state.database.write().await?;
        rows::acknowledge(&mut transaction, who, ask.after, clock::unix_millis()).await?;
        state.commit(transaction).await?;
    }
    if in_step || feed.is_held() {
        state.opening.heard(caller);
    }
    Ok(())
}
