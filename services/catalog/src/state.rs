//! What the handlers and tasks of the service work with.

use slipway_contract::fleet::Waiting;
use slipway_database::Database;
use slipway_database::signal::Signal;
use slipway_peers::Peers;
use slipway_runtime::metrics::Reading;
use slipway_runtime::{Health, Live, Process, clock};
use sqlx::pool::PoolConnection;
use sqlx::{Any, Transaction};

use crate::held::{Doubts, Unchanged};
use crate::mark::Marks;
use crate::opening::Opening;
use crate::settings::Settings;
use crate::store;

/// What the handlers and jobs work with.
#[derive(Clone)]
pub struct CatalogState {
    pub(crate) database: Database,
    pub(crate) process: Process,
    pub(crate) peers: Peers,
    pub(crate) settings: Live<Settings>,
    /// Raised at every commit of this instance.
    pub(crate) signals: Signal,
    pub(crate) marks: Marks,
    pub(crate) opening: Opening,
    /// Which tokens are not believed while the feed is held.
    pub(crate) doubts: Doubts,
}

impl CatalogState {
    /// A transaction in which the platform's state may be changed: the only way to one. What is only kept of processes,
    /// such as leases and what followers have applied, is written without it. One runs at a time, in all instances: what
    /// was judged in it, such as a token, is not changed by another before it commits.
    pub(crate) async fn change(&self) -> Result<Transaction<'static, Any>, Unchanged> {
        self.opening.over().await;
        let mut transaction = self.database.write().await?;
        if store::feed::lock(&mut transaction).await?.is_held() {
            return Err(Unchanged::Held);
        }
        store::releases::complete_keys(&mut transaction).await?;
        Ok(transaction)
    }

    /// A connection on which releases are found by their versions, also those that 0.3.0 has written beside us. What such a
    /// version leaves is completed in a transaction of its own: what reads writes nothing else.
    pub(crate) async fn read_by_version(&self) -> sqlx::Result<PoolConnection<Any>> {
        let mut connection = self.database.read().await?;
        if store::releases::keys_are_complete(&mut connection).await? {
            return Ok(connection);
        }
        drop(connection);
        let mut transaction = self.database.write().await?;
        store::releases::complete_keys(&mut transaction).await?;
        transaction.commit().await?;
        self.database.read().await
    }

    /// Commits, and wakes everybody in this instance who waits for a change.
    pub(crate) async fn commit(&self, transaction: Transaction<'static, Any>) -> sqlx::Result<()> {
        transaction.commit().await?;
        self.signals.raise();
        Ok(())
    }
}

impl Health for CatalogState {
    async fn ready(&self) -> anyhow::Result<()> {
        self.database.ready().await
    }

    /// The release that was made first of those that do not go on.
    async fn waits(&self) -> anyhow::Result<Option<Waiting>> {
        let mut connection = self.database.read().await?;
        let oldest = store::releases::oldest_waiting(&mut connection).await?;
        Ok(oldest.map(|release| {
            let store::releases::WaitingRelease {
                app,
                version,
                state,
                reason,
                created_at,
            } = release;
            let why = reason.unwrap_or_default();
            let words = format!("{app} {version} is {state} {why}");
            // What is verified is read by download.
            let on = if state == "signing" {
                "signing"
            } else {
                "download"
            };
            Waiting::new(words.trim(), created_at, on)
        }))
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let mut connection = self.database.read().await?;
        let counts = store::jobs::count(&mut connection, clock::unix_millis()).await?;
        let held = store::feed::read(&mut connection).await?.is_held();
        let reading = |name, help, value| Reading { name, help, value };
        Ok(vec![
            reading("jobs_pending", "Jobs that are not done", counts.pending),
            reading(
                "jobs_oldest_seconds",
                "Seconds that the oldest due job waits",
                counts.oldest_millis / 1000,
            ),
            reading("jobs_failed", "Jobs that were given up", counts.failed),
            reading(
                "restore_held",
                "1 while nothing is changed because the database is older than its followers' copies",
                i64::from(held),
            ),
        ])
    }
}
