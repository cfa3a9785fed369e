//! One set of SQL for SQLite and PostgreSQL.
//!
//! What is committed survives the loss of power: SQLite runs WAL with `synchronous=FULL`. Write transactions take the
//! write lock when they begin, because a deferred one that reads and then writes fails at once under contention,
//! whatever the busy time-out.

mod born;

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Executor as _, Transaction};

use crate::data::private_folder;
use crate::process::Process;

/// Milliseconds that SQLite waits for another writer. Writers hold the lock for one transaction, so this is a crowd.
const BUSY_MILLIS: u32 = 10_000;

/// The database of a service.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    begin: &'static str,
    begin_snapshot: &'static str,
}

impl Database {
    /// Opens the service's database as its settings say and brings its tables up to date.
    pub async fn open(process: &Process, migrations: &Migrator) -> anyhow::Result<Self> {
        let folder = process.data.service(process.service);
        private_folder(&folder)?;
        let settings = &process.settings.database;
        let url = settings.url.clone().unwrap_or_else(|| {
            let file = folder.join(format!("{}.db", process.service));
            format!("sqlite://{}", file.display())
        });
        Self::connect(&url, settings.max_connections, migrations, &folder).await
    }

    /// Opens the database at `url`. `folder` holds the lock under which one process at a time migrates, since two
    /// first starts on SQLite would race, and says in `born` which database it is. Another one is refused.
    pub async fn connect(
        url: &str,
        max_connections: u32,
        migrations: &Migrator,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        let url = if sqlite && !url.contains('?') {
            format!("{url}?mode=rwc")
        } else {
            url.to_owned()
        };
        let lock =
            File::create(folder.join("migrate.lock")).context("could not lock the database")?;
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        born::check(&url, folder).await?;
        let pool = AnyPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        connection.execute(PRAGMAS.as_str()).await?;
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await
            .context("could not open the database")?;
        // Those of a later version, which ran here or runs beside us, are no reason not to start.
        Migrator::with_migrations(migrations.iter().cloned().collect())
            .set_ignore_missing(true)
            .run(&pool)
            .await
            .context("could not bring the database's tables up to date")?;
        drop(lock);
        Ok(Self {
            pool,
            begin: if sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" },
            begin_snapshot: if sqlite {
                "BEGIN DEFERRED"
            } else {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            },
        })
    }

    /// A connection for reading.
    pub async fn read(&self) -> sqlx::Result<PoolConnection<Any>> {
        self.pool.acquire().await
    }

    /// A transaction whose queries all see the database as it is at the first of them.
    pub async fn snapshot(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.pool.begin_with(self.begin_snapshot).await
    }

    /// A transaction that may write.
    pub async fn write(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.pool.begin_with(self.begin).await
    }

    /// Ends all connections. SQLite then has everything in its one file, which may be copied or replaced.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> anyhow::Result<()> {
        self.read()
            .await?
            .execute("SELECT 1")
            .await
            .context("the database does not answer")?;
        Ok(())
    }
}

static PRAGMAS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "PRAGMA busy_timeout = {BUSY_MILLIS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    )
});
