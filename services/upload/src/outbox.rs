//! Telling the catalog what was stored, until it confirms or refuses for good.
//!
//! A row is leased, sent, and removed in the transaction that notes the result. A process that is killed leaves a lease
//! that ends; the catalog takes the same delivery again without a change. While nobody answers, the pauses grow to five
//! seconds, and they end as soon as somebody new is known.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Map;
use slipway_service::api::{Refusal, Uploaded};
use slipway_service::clock::Moment;
use slipway_service::internal::client::CallError;
use slipway_service::{clock, retry};
use tokio::sync::{Semaphore, watch};

use crate::UploadState;
use crate::store::{intents, outbox, packages, replacements};

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

/// Starts to deliver, until the process ends.
pub(crate) fn start(state: &UploadState) {
    let process = &state.process;
    let running = state.clone();
    process.spawn("outbox", move || run(running.clone()));
    let waking = state.clone();
    retry::wake_when_somebody_comes(&state.peers, move || wake(waking.clone()));
}

async fn run(state: UploadState) {
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
                    let delivering = state.clone();
                    state.process.spawn_once("delivery", async move {
                        deliver(&delivering, &entry).await;
                        drop(place);
                        delivering.outbox.raise();
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

async fn lease(state: &UploadState, places: usize) -> sqlx::Result<Vec<outbox::Entry>> {
    let lease = i64::try_from(state.settings.outbox.lease_seconds).unwrap_or(i64::MAX / 2000);
    let now = clock::unix_millis();
    let moment = Moment::new(now, retry::LONGEST_PAUSE_MILLIS, lease * 1000);
    {
        // Looked at without the write lock first: an idle platform writes nothing.
        let mut connection = state.database.read().await?;
        if places == 0 || !outbox::some_due(&mut connection, moment).await? {
            return Ok(Vec::new());
        }
    }
    let limit = i64::try_from(places).unwrap_or(i64::MAX);
    let mut transaction = state.database.write().await?;
    let until = now + lease * 1000;
    let entries = outbox::lease(&mut transaction, moment, until, limit).await?;
    transaction.commit().await?;
    Ok(entries)
}

async fn deliver(state: &UploadState, entry: &outbox::Entry) {
    if let Err(error) = try_to_deliver(state, entry).await {
        tracing::warn!(entry = entry.id, %error, "the result of a delivery could not be written");
    }
}

async fn try_to_deliver(state: &UploadState, entry: &outbox::Entry) -> sqlx::Result<()> {
    let mut connection = state.database.read().await?;
    let package = packages::by_id(&mut connection, &entry.package_id)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let replaces = replacements::of_package(&mut connection, &entry.package_id).await?;
    let intent = intents::by_id(&mut connection, &entry.intent).await?;
    drop(connection);
    let delivery = package.clone().delivery(entry, intent, replaces);
    let call = state.peers.client.call::<Uploaded>(
        "catalog",
        Method::POST,
        "/internal/packages",
        Some(&delivery),
    );
    // Given up before the lease ends, so that nobody else has the row meanwhile.
    let lease = Duration::from_secs(state.settings.outbox.lease_seconds);
    let answer = tokio::time::timeout(lease * 4 / 5, call).await;
    let now = clock::unix_millis();
    let mut transaction = state.database.write().await?;
    match answer {
        Ok(Ok(uploaded)) => {
            let removed = outbox::remove(&mut transaction, entry).await?;
            let known_as = &uploaded.package.id;
            packages::deliver(&mut transaction, &entry.package_id, known_as).await?;
            packages::warn(&mut transaction, &package, &uploaded.package.warnings).await?;
            if let Some(refused) = uploaded.refused.filter(|_| removed) {
                tracing::info!(
                    package = entry.package_id,
                    code = refused.code,
                    "the catalog refused an intent to publish"
                );
                let refused_entry = Some(entry.id.as_str());
                packages::refuse(&mut transaction, &entry.package_id, &refused, refused_entry)
                    .await?;
            }
        }
        Ok(Err(CallError::Refused {
            status,
            code,
            detail,
            ..
        })) => {
            tracing::info!(package = entry.package_id, %status, code, "the catalog refused a package");
            let refusal = Refusal {
                status: status.as_u16(),
                code,
                detail,
                members: Map::new(),
            };
            if outbox::remove(&mut transaction, entry).await? {
                packages::refuse(&mut transaction, &entry.package_id, &refusal, None).await?;
            }
        }
        Ok(Err(error)) => {
            tracing::debug!(package = entry.package_id, %error, "a delivery waits");
            let next_at = now + retry::pause(entry.attempts);
            let why = reason(&error);
            outbox::put_back(&mut transaction, entry, (now, next_at), why).await?;
        }
        Err(_) => {
            let next_at = now + retry::pause(entry.attempts);
            outbox::put_back(&mut transaction, entry, (now, next_at), AWAY).await?;
        }
    }
    transaction.commit().await
}

/// Why a delivery waits, for the developer: what the catalog says of itself, such as that it is held or its disk full.
fn reason(error: &CallError) -> &str {
    const TOLD: [StatusCode; 2] = [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::INSUFFICIENT_STORAGE,
    ];
    match error {
        CallError::Failed { status, detail, .. } if TOLD.contains(status) && !detail.is_empty() => {
            detail
        }
        _ => AWAY,
    }
}

/// Ends every pause: it may be the catalog that has come.
async fn wake(state: UploadState) -> sqlx::Result<()> {
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
