//! Telling the catalog what was stored, until it confirms or refuses for good.
//!
//! A row is leased, sent, and removed in the transaction that notes the result. The catalog takes the same delivery again
//! without a change.

use std::borrow::Cow;
use std::time::Duration;

use http::{Method, StatusCode};
use slipway_contract::internal::Delivery;
use slipway_contract::public::{Refusal, Uploaded};
use slipway_database::queue::{self, Queue, Row, Table, Workers, crashes};
use slipway_peers::client::CallError;
use slipway_peers::waking::wake_when_somebody_comes;
use slipway_runtime::clock;
use sqlx::{Any, AnyConnection, Transaction};

use crate::settings;
use crate::state::UploadState;
use crate::store::{intents, outbox, packages, replacements};

/// What a developer is told while the catalog does not answer.
pub(crate) const AWAY: &str =
    "the catalog does not answer; the package is safe and is handed over by itself";

/// A leased entry and its place.
type Work = queue::Work<outbox::Entry>;

#[derive(Clone)]
struct Deliveries(UploadState);

impl Queue for Deliveries {
    /// An entry in whose place another package was put waits until the catalog has decided on that one: told first, it
    /// would be released.
    const TABLE: Table = Table {
        name: "outbox",
        subject: outbox::ENTRY,
        held: "EXISTS (
            SELECT 1 FROM replacements r JOIN packages p ON p.id = r.package_id
            WHERE r.replaced = outbox.package_id AND p.state = 'stored')",
        // It is sent until the catalog takes it or refuses it for good.
        counts_crashes: false,
    };
    type Subject = outbox::Entry;

    async fn begin(&self) -> sqlx::Result<Option<Transaction<'static, Any>>> {
        self.0.database.write().await.map(Some)
    }

    async fn run(&self, work: &Work) -> sqlx::Result<()> {
        deliver(&self.0, work).await
    }

    async fn give_up(
        &self,
        _: &mut AnyConnection,
        _: &Row<outbox::Entry>,
        _: &str,
    ) -> sqlx::Result<()> {
        Ok(())
    }
}

/// Starts to deliver, until the process ends.
pub(crate) fn start(state: &UploadState) {
    let context = (&state.process, &state.database, &state.outbox);
    let settings = state.settings.now();
    let settings = &settings.outbox;
    let limits = queue::Limits {
        at_once: settings.at_once,
        lease: lease_time(settings),
        crashes: crashes::Limits::default(),
    };
    let workers = Workers::new(context, Deliveries(state.clone()), limits);
    workers.start();
    workers.follow(&state.settings, |settings| settings.outbox.at_once);
    wake_when_somebody_comes(&state.peers, move || workers.clone().wake());
}

fn lease_time(settings: &settings::Outbox) -> Duration {
    Duration::from_secs(settings.lease_seconds)
}

/// Hands a package over. A refusal is for good, so it has to be said twice: a catalog of before 0.5.0 finds no rows, once for each
/// of its connections, when a later version beside it has just added a column to the table that it reads.
async fn hand_over(state: &UploadState, delivery: &Delivery) -> Result<Uploaded, CallError> {
    let ask = async || {
        let (path, client) = ("/internal/packages", &state.peers.client);
        client
            .call("catalog", Method::POST, path, Some(delivery))
            .await
    };
    let first = ask().await;
    let Err(CallError::Refused { code: before, .. }) = first else {
        return first;
    };
    match ask().await {
        Err(CallError::Refused {
            service,
            status,
            code,
            detail,
            ..
        }) if code != before => Err(CallError::Failed {
            service,
            status,
            code,
            detail,
        }),
        second => second,
    }
}

async fn deliver(state: &UploadState, work: &Work) -> sqlx::Result<()> {
    let entry = &work.row.subject;
    let mut connection = state.database.read().await?;
    let package = packages::by_id(&mut connection, &entry.package_id)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let replaces = replacements::of_package(&mut connection, &entry.package_id).await?;
    let intent = intents::by_id(&mut connection, &entry.intent).await?;
    drop(connection);
    let delivery = package.clone().delivery(entry, intent, replaces);
    // A catalog that hangs must not hold a place, and the developer is told of it, before another would take the row.
    let patience = lease_time(&state.settings.now().outbox) * 4 / 5;
    let answer = tokio::time::timeout(patience, hand_over(state, &delivery)).await;
    let mut transaction = state.database.write().await?;
    match answer {
        Ok(Ok(uploaded)) => {
            let removed = remove(&mut transaction, work).await?;
            let known_as = &uploaded.package.id;
            packages::deliver(&mut transaction, &entry.package_id, known_as).await?;
            packages::warn(&mut transaction, &package, &uploaded.package.warnings).await?;
            if let Some(refused) = uploaded.refused.filter(|_| removed) {
                tracing::info!(
                    package = entry.package_id,
                    code = %refused.code,
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
            members,
            ..
        })) => {
            tracing::info!(package = entry.package_id, %status, %code, "the catalog refused a package");
            let refusal = Refusal {
                status: status.as_u16(),
                code,
                detail,
                members,
            };
            if remove(&mut transaction, work).await? {
                packages::refuse(&mut transaction, &entry.package_id, &refusal, None).await?;
            }
        }
        Ok(Err(error)) => {
            tracing::debug!(package = entry.package_id, %error, "a delivery waits");
            put_back(&mut transaction, work, &reason(&error)).await?;
        }
        Err(_) => put_back(&mut transaction, work, AWAY).await?,
    }
    transaction.commit().await
}

/// Removes a delivered entry; `false` when the lease was lost, or when it was asked for again meanwhile: then it stays, for
/// the next lease.
async fn remove(db: &mut AnyConnection, work: &Work) -> sqlx::Result<bool> {
    let removed = work.lease.done(db).await?;
    if removed {
        intents::remove(db, &work.row.subject.intent).await?;
    }
    Ok(removed)
}

async fn put_back(db: &mut AnyConnection, work: &Work, reason: &str) -> sqlx::Result<()> {
    let now = clock::unix_millis();
    if work.lease.put_back(db, now, reason).await? {
        outbox::note_failure(db, &work.row.id, now).await?;
    }
    Ok(())
}

/// Why a delivery waits, for the developer: what the catalog says of itself, such as that it is held or its disk full, or that it,
/// of another version, does not know what it is told.
fn reason(error: &CallError) -> Cow<'_, str> {
    const TOLD: [StatusCode; 2] = [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::INSUFFICIENT_STORAGE,
    ];
    match error {
        CallError::Failed { status, detail, .. } if TOLD.contains(status) && !detail.is_empty() => {
            detail.into()
        }
        _ => match error.not_taken() {
            Some(detail) => format!(
                "the catalog does not take it now: {detail}; the package is safe and is handed over by itself"
            )
            .into(),
            None => AWAY.into(),
        },
    }
}
