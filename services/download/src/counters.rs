//! How often each file was downloaded: counted in memory, added to the database every few seconds and at the end.
//!
//! A kill loses what was counted since the last write, at most [`crate::settings::Counters::flush_seconds`]. A download is one that was sent to its last byte, whole or as a part that begins at the first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use slipway_database::Database;
use slipway_runtime::Process;

use crate::store::downloads::{self, Downloads};

/// The address of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) app: String,
    pub(crate) version: String,
    pub(crate) filename: String,
}

/// The counters of this instance; cheap to clone.
#[derive(Clone)]
pub(crate) struct Counters {
    database: Database,
    pending: Arc<Mutex<HashMap<Address, i64>>>,
    /// Held while what is pending moves to the database, so that a reader finds it in exactly one of the two.
    moving: Arc<tokio::sync::Mutex<()>>,
    total: Counter,
}

impl Counters {
    pub(crate) fn new(process: &Process, database: Database) -> Self {
        Self {
            database,
            pending: Arc::default(),
            moving: Arc::default(),
            total: process
                .metrics
                .counter("downloads", "Files sent to their last byte"),
        }
    }

    pub(crate) fn add(&self, address: Address) {
        self.total.inc();
        *self.pending().entry(address).or_default() += 1;
    }

    /// The counts of a release's files, with what this instance has not yet written.
    pub(crate) async fn of_release(
        &self,
        app: &str,
        version: &str,
    ) -> sqlx::Result<Vec<Downloads>> {
        let _still = self.moving.lock().await;
        let mut counts =
            downloads::of_release(&mut *self.database.read().await?, app, version).await?;
        let pending = self.pending();
        for count in &mut counts {
            let address = Address {
                app: app.to_owned(),
                version: version.to_owned(),
                filename: count.filename.clone(),
            };
            count.count += pending.get(&address).copied().unwrap_or(0);
        }
        Ok(counts)
    }

    /// Writes what is pending; what could not be written stays.
    pub(crate) async fn flush(&self) -> sqlx::Result<()> {
        let _moving = self.moving.lock().await;
        let mut counts: Vec<(Address, i64)> = self.pending().clone().into_iter().collect();
        if counts.is_empty() {
            return Ok(());
        }
        // In one order everywhere, or two instances could wait for each other's rows.
        counts.sort_unstable();
        let mut transaction = self.database.write().await?;
        for (address, count) in &counts {
            let Address {
                app,
                version,
                filename,
            } = address;
            downloads::add(&mut transaction, app, version, filename, *count).await?;
        }
        transaction.commit().await?;
        let mut pending = self.pending();
        for (address, count) in counts {
            if let Some(left) = pending.get_mut(&address) {
                *left -= count;
            }
        }
        pending.retain(|_, count| *count > 0);
        Ok(())
    }

    /// Writes every `interval` and once more at the end.
    pub(crate) async fn run(self, process: Process, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        loop {
            let ends = tokio::select! {
                _ = ticks.tick() => false,
                () = process.shutdown.cancelled() => true,
            };
            if let Err(error) = self.flush().await {
                tracing::error!(%error, "the counts of downloads could not be written; they are kept for the next time");
            }
            if ends {
                return;
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<Address, i64>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
