//! `/internal/changes`: the feed that upload and download follow.

use std::time::Duration;

use axum::extract::State as Extracted;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use slipway_service::changes::Page;
use slipway_service::http::json::ApiQuery;
use slipway_service::internal::verify::Caller;
use slipway_service::{Problem, clock};
use tokio::time::Instant;

use crate::store::feed as rows;
use crate::{State, feed};

/// Longest time that a poll is held.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

pub(super) fn router() -> Router<State> {
    Router::new().route("/internal/changes", get(changes))
}

#[derive(Deserialize)]
struct Query {
    epoch: String,
    /// What the follower has applied.
    after: i64,
    /// Seconds to wait for a change.
    #[serde(default)]
    wait: u64,
    /// Who says that `after` is applied; absent while a copy of a new epoch is gathered, of which nothing is applied yet.
    follower: Option<String>,
}

async fn changes(
    Extracted(state): Extracted<State>,
    caller: Caller,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<Page>, Problem> {
    feed::notice_a_restore(&state, &query.epoch, query.after).await?;
    if let Some(follower) = &query.follower {
        acknowledge(&state, &caller, &query, follower).await?;
    }
    let deadline = Instant::now() + Duration::from_secs(query.wait).min(LONGEST_WAIT);
    let waiting = state.signals.wait_for(deadline, || async {
        let mut connection = state.database.read().await?;
        let (epoch, head) = rows::position(&mut connection).await?;
        Ok((epoch != query.epoch || head > query.after).then_some(()))
    });
    tokio::select! {
        waited = waiting => { waited?; }
        () = state.process.draining.cancelled() => {}
    }
    // Read in pieces, a row could be told under the number before with the state after, and then once more.
    let mut snapshot = state.database.snapshot().await?;
    Ok(Json(
        feed::page(&mut snapshot, &query.epoch, query.after).await?,
    ))
}

/// Asking with `after=N` says that N is applied.
async fn acknowledge(
    state: &State,
    Caller(service): &Caller,
    query: &Query,
    follower: &str,
) -> Result<(), Problem> {
    let mut connection = state.database.read().await?;
    let (epoch, _) = rows::position(&mut connection).await?;
    let before = rows::acknowledged(&mut connection, follower).await?;
    drop(connection);
    if epoch != query.epoch || before.is_some_and(|before| before >= query.after) {
        return Ok(());
    }
    let mut transaction = state.database.write().await?;
    rows::acknowledge(
        &mut transaction,
        follower,
        service,
        query.after,
        clock::unix_millis(),
    )
    .await?;
    state.commit(transaction).await?;
    Ok(())
}
