//! What the handlers and tasks of the service work with.

use slipway_database::Database;
use slipway_database::replica::copy::Replica as _;
use slipway_database::replica::follow::{CopyState, Following, follow};
use slipway_peers::Peers;
use slipway_runtime::metrics::Reading;
use slipway_runtime::{Health, Live, clock};
use sqlx::migrate::Migrator;

use crate::audience::Audience;
use crate::blobs::Blobs;
use crate::copy::Copy;
use crate::counters::Counters;
use crate::settings::Settings;

static MIGRATOR: Migrator = sqlx::migrate!();

/// What the handlers work with.
#[derive(Clone)]
pub struct DownloadState {
    pub(crate) database: Database,
    pub(crate) blobs: Blobs,
    pub(crate) counters: Counters,
    pub(crate) following: Following,
    pub(crate) audience: Audience,
    pub(crate) settings: Live<Settings>,
    /// Where the world finds this platform, without a slash at its end.
    pub(crate) public_url: Option<String>,
}

impl DownloadState {
    /// Opens the copy and the store, and begins to follow the catalog.
    pub async fn open(peers: &Peers, settings: &Settings) -> anyhow::Result<Self> {
        let process = &peers.process;
        let database = Database::open(process, &MIGRATOR).await?;
        Copy(database.clone()).complete().await?;
        let folder = settings
            .store
            .folder
            .clone()
            .unwrap_or_else(|| process.data.blobs());
        let counters = Counters::new(process, database.clone());
        let (flushing, counting) = (process.clone(), counters.clone());
        let interval = settings.counters.flush();
        process.spawn_to_its_end("counters", move || {
            counting.clone().run(flushing.clone(), interval)
        });
        let damaged = process.metrics.counter(
            "blobs_damaged",
            "Times that a file in the store, or its list of blocks, was found damaged",
        );
        Ok(Self {
            blobs: Blobs::open(&settings.store, folder, damaged),
            following: follow(peers, Copy(database.clone())),
            audience: Audience::Public,
            settings: peers.configuration.live(settings.clone()),
            public_url: process
                .settings
                .http
                .public_url
                .as_deref()
                .map(str::to_owned),
            counters,
            database,
        })
    }

    /// The copy that this instance serves from.
    pub fn copy(&self) -> Copy {
        Copy(self.database.clone())
    }

    pub(crate) fn seeing(&self, audience: Audience) -> Self {
        Self {
            audience,
            ..self.clone()
        }
    }
}

impl Health for DownloadState {
    async fn ready(&self) -> anyhow::Result<()> {
        self.database.ready().await?;
        self.blobs.ready().await?;
        anyhow::ensure!(
            *self.following.copy_state.borrow() == CopyState::Usable,
            "the copy of what is published is not complete yet"
        );
        Ok(())
    }

    async fn readings(&self) -> anyhow::Result<Vec<Reading>> {
        let reading = |name, help, value| Reading { name, help, value };
        Ok(vec![
            reading(
                "copy_applied",
                "Number of the last change of the catalog that the copy holds",
                self.copy().position().await?.applied,
            ),
            reading(
                "copy_age_seconds",
                "Seconds since the catalog said that the copy is the newest, -1 if it never did",
                self.following
                    .age
                    .seconds(clock::unix_millis())
                    .unwrap_or(-1),
            ),
            reading(
                "files_damaged",
                "Files in the store that were found damaged and have not been put back",
                i64::try_from(self.blobs.damaged_count())?,
            ),
        ])
    }
}
