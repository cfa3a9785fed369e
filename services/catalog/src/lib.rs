//! The catalog: apps, packages, releases, channels, tokens, the audit, and the jobs that carry a release from draft to
//! published.
//!
//! Every change is one transaction: the rows, their number in the change feed, the job that follows and the audit row
//! are there together or not at all, so a process can be killed anywhere and the next one goes on. With signing or
//! download away, releases wait and reads go on.

mod app;
mod channels;
mod choice;
mod crashes;
mod delivery;
mod draft;
mod feed;
mod gate;
mod history;
mod mark;
mod opening;
mod permission;
mod publishing;
mod quota;
mod release;
mod removal;
mod restore;
mod routes;
mod settings;
mod signals;
mod store;
mod worker;

use std::time::Duration;

use axum::Router;
use slipway_service::database::Database;
use slipway_service::metrics::Reading;
use slipway_service::process::RouterService;
use slipway_service::{Assembled, Health, Process, Service, clock};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{Any, Transaction};

use mark::Marks;
use opening::Opening;
use restore::{Doubts, Unchanged};
pub use settings::Settings;
use signals::Signals;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, for its binary and for the command.
pub struct Catalog;

/// What the handlers and jobs work with.
#[derive(Clone)]
pub struct CatalogState {
    pub(crate) database: Database,
    pub(crate) process: Process,
    pub(crate) settings: Settings,
    /// Raised at every commit of this instance.
    pub(crate) signals: Signals,
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

impl Service for Catalog {
    const NAME: &'static str = "catalog";
    const SOURCES: &'static str = env!("SLIPWAY_SOURCES");
    type Settings = Settings;
    type Http = RouterService;
    type Body = axum::body::Body;
    type Health = CatalogState;

    async fn build(
        process: Process,
        settings: Settings,
    ) -> anyhow::Result<Assembled<RouterService, CatalogState>> {
        let state = open(&process, settings).await?;
        worker::start(&state);
        let running = state.clone();
        process.spawn("administrator", move || {
            permission::keep_knowing_the_administrator(running.clone())
        });
        Ok(Assembled::new(&process, state.clone(), None, router(state)))
    }
}

/// The `main` of the service's binary. This and [`run`] are here, and not where they are called, so that the service is
/// compiled once for its binary and the command.
pub fn main() -> std::process::ExitCode {
    slipway_service::process::main::<Catalog>()
}

/// Runs an instance until it is told to end.
pub fn run(options: slipway_service::Options) -> anyhow::Result<()> {
    slipway_service::process::run::<Catalog>(options)
}

/// Opens the database and makes what a first start needs: the feed's epoch and the administrator's token.
pub async fn open(process: &Process, settings: Settings) -> anyhow::Result<CatalogState> {
    let longest = Duration::from_millis(settings.publishing.first_ask_millis);
    let state = CatalogState {
        database: Database::open(process, &MIGRATIONS).await?,
        process: process.clone(),
        settings,
        signals: Signals::default(),
        marks: Marks::open(&process.data)?,
        opening: Opening::begin(process.view.clone(), longest),
        doubts: Doubts::default(),
    };
    feed::begin(&state).await?;
    quota::begin(&state).await?;
    permission::know_administrator(&state).await?;
    Ok(state)
}

/// The whole HTTP surface but the edge.
pub fn router(state: CatalogState) -> Router {
    routes::router().with_state(state)
}

/// Starts the jobs' workers, for tests; [`Service::build`] does it for a process.
pub fn start_workers(state: &CatalogState) {
    worker::start(state);
}
