//! What the handlers and tasks of the service work with.

use std::sync::Arc;

use slipway_database::Database;
use slipway_peers::Peers;
use slipway_runtime::{Health, Process};

use crate::blobs::Blobs;
use crate::files::StatementFiles;
use crate::sealing::SealingKey;
use crate::single_flight::SingleFlight;
use crate::time::Past;

/// What the handlers work with. There is none without a sealing key that opens the keys of its database.
#[derive(Clone)]
pub struct SigningState {
    pub(crate) process: Process,
    pub(crate) peers: Peers,
    pub(crate) database: Database,
    pub(crate) sealing: Arc<SealingKey>,
    pub(crate) blobs: Arc<Blobs>,
    /// Of the first statements, and of the further ones.
    pub(crate) files: StatementFiles,
    pub(crate) further: StatementFiles,
    pub(crate) single_flight: SingleFlight,
    pub(crate) past: Arc<Past>,
}

impl Health for SigningState {
    async fn ready(&self) -> anyhow::Result<()> {
        self.database.ready().await?;
        self.blobs.ready().await?;
        self.files.ready().await
    }
}
