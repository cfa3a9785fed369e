//! What the handlers and tasks of the service work with.

use slipway_database::Database;
use slipway_database::replica::follow::Following;
use slipway_database::signal::Signal;
use slipway_peers::Peers;
use slipway_runtime::{Live, Process};

use crate::hashes::Hashes;
use crate::inspection::Inspection;
use crate::settings::Settings;
use crate::staging::Staging;

/// What the handlers and tasks work with.
#[derive(Clone)]
pub struct UploadState {
    pub(crate) process: Process,
    pub(crate) peers: Peers,
    pub(crate) settings: Live<Settings>,
    pub(crate) database: Database,
    pub(crate) staging: Staging,
    pub(crate) inspection: Inspection,
    /// What is known of the bytes of sessions.
    pub(crate) hashes: Hashes,
    /// Rows of the outbox have come or gone.
    pub(crate) outbox: Signal,
    /// The copy of who may upload.
    pub(crate) following: Following,
}
