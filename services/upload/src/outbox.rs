//! Telling the catalog what was stored, until it confirms or refuses for good.
//!
//! A row is leased, sent, and removed in the transaction that notes the result. A process that is killed leaves a lease
//! that ends; the catalog takes the same delivery again without a change. While nobody answers, the pauses grow to five
//! seconds, and they end as soon as somebody new is known.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use slipway_service::api::Uploaded;
use slipway_service::clock;
use slipway_service::internal::client::CallError;
use tokio::sync::{Semaphore, watch};

use crate::State;
use crate::store::{outbox, packages};

/// Pauses of a row that waits for the catalog.
const FIRST_PAUSE_MILLIS: i64 = 100;
const LONGEST_PAUSE_MILLIS: i64 = 5000;
/// How often it is looked for rows that other instances left.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What a developer is told while the catalog does not answer.
pub(crate) const AWAY: &str =
    "the catalog does not answer; the package is safe and is handed over by itself";

/// Tells this instance's tasks that rows have come or gone; cheap to clone.
#[derive(Clone)]
pub(crate) struct Signal(watch::Sender<u64>);

impl Default for Signal {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Signal {
    pub(crate) fn raise(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Delivers rows for ever.
pub(crate) async fn run(state: State) {
    let places = Arc::new(Semaphore::new(state.settings.outbox.at_once.max(1)));
    let mut signal = state.outbox.subscribe();
    loop {
        signal.mark_unchanged();
        match lease(&state, places.available_permits()).await {
            Ok(entries) if entries.is_empty() => {
                let _ = tokio::time::timeout(LOOK_AGAIN, signal.changed()).await;
            }
            Ok(entries) => {
                for entry in entries {
                    let place = places.clone().acquire_owned().await;
                    let state = state.clone();
                    state.process.tasks.clone().spawn(async move {
                        let shutdown = state.process.shutdown.clone();
                        tokio::select! {
                            () = deliver(&state, &entry) => {}
                            () = shutdown.cancelled() => {}
                        }
                        drop(place);
                        state.outbox.raise();
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn lease(state: &State, places: usize) -> sqlx::Result<Vec<outbox::Entry>> {
    let now = clock::unix_millis();
    {
        // Looked at without the write lock first: an idle platform writes nothing.
        let mut connection = state.database.read().await?;
        if places == 0 || !outbox::some_due(&mut connection, now).await? {
            return Ok(Vec::new());
        }
    }
    let lease = i64::try_from(state.settings.outbox.lease_seconds).unwrap_or(i64::MAX / 2000);
    let limit = i64::try_from(places).unwrap_or(i64::MAX);
    let owner = &state.process.instance;
    let mut transaction = state.database.write().await?;
    let until = now + lease * 1000;
    let entries = outbox::lease(&mut transaction, owner, until, now, limit).await?;
    transaction.commit().await?;
    Ok(entries)
}

async fn deliver(state: &State, entry: &outbox::Entry) {
    if let Err(error) = try_to_deliver(state, entry).await {
        tracing::warn!(entry = entry.id, %error, "the result of a delivery could not be written");
    }
}

async fn try_to_deliver(state: &State, entry: &outbox::Entry) -> sqlx::Result<()> {
    let mut connection = state.database.read().await?;
    let package = packages::by_id(&mut connection, &entry.package_id)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    drop(connection);
    let delivery = package.delivery(entry.channel.clone());
    let call = state.process.client.call::<Uploaded>(
        "catalog",
        Method::POST,
        "/internal/packages",
        Some(&delivery),
    );
    // Given up before the lease ends, so that nobody else has the row meanwhile.
    let lease = Duration::from_secs(state.settings.outbox.lease_seconds);
    let answer = tokio::time::timeout(lease * 4 / 5, call).await;
    let owner = &state.process.instance;
    let now = clock::unix_millis();
    let mut transaction = state.database.write().await?;
    match answer {
        Ok(Ok(uploaded)) => {
            outbox::remove(&mut transaction, &entry.id, owner).await?;
            let known_as = &uploaded.package.id;
            packages::deliver(&mut transaction, &entry.package_id, known_as).await?;
        }
        Ok(Err(CallError::Refused {
            status,
            code,
            detail,
            ..
        })) => {
            tracing::info!(package = entry.package_id, %status, code, "the catalog refused a package");
            let refusal = (i64::from(status.as_u16()), &*code, &*detail);
            if outbox::remove(&mut transaction, &entry.id, owner).await? {
                packages::refuse(&mut transaction, &entry.package_id, refusal).await?;
            }
        }
        Ok(Err(error)) => {
            tracing::debug!(package = entry.package_id, %error, "a delivery waits");
            let next_at = now + pause(entry.attempts);
            outbox::put_back(&mut transaction, &entry.id, owner, (now, next_at), AWAY).await?;
        }
        Err(_) => {
            let next_at = now + pause(entry.attempts);
            outbox::put_back(&mut transaction, &entry.id, owner, (now, next_at), AWAY).await?;
        }
    }
    transaction.commit().await
}

/// 100 ms, doubling to 5 s.
fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 8) - 1).unwrap_or(0);
    (FIRST_PAUSE_MILLIS << doublings).min(LONGEST_PAUSE_MILLIS)
}

/// Ends every pause as soon as somebody new is known: it may be the catalog.
pub(crate) async fn wake_when_somebody_comes(state: State) {
    let mut changes = state.process.view.subscribe();
    while changes.changed().await.is_ok() {
        if let Err(error) = wake(&state).await {
            tracing::warn!(%error, "waiting deliveries could not be woken; they wake by themselves");
        }
    }
}

async fn wake(state: &State) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    {
        let mut connection = state.database.read().await?;
        if !outbox::some_wait(&mut connection, now).await? {
            return Ok(());
        }
    }
    let mut transaction = state.database.write().await?;
    outbox::wake_all(&mut transaction, now).await?;
    transaction.commit().await?;
    state.outbox.raise();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_seconds() {
        let pauses: Vec<_> = (1..=8).map(pause).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(i64::MAX), 5000);
    }
}
