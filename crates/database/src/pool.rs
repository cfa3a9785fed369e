//! One set of SQL for SQLite and PostgreSQL.
//!
//! What is committed survives the loss of power: SQLite runs WAL with `synchronous=FULL`. Write transactions take the
//! write lock when they begin, because a deferred one that reads and then writes fails at once under contention,
//! whatever the busy time-out.

use std::fs::File;
use std::path::Path;
use std::pin::pin;
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, AnyPool, AssertSqlSafe, Connection as _, Executor as _, Transaction};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use slipway_runtime::Process;
use slipway_runtime::damage::Damage;
use slipway_runtime::data::private_folder;
use slipway_runtime::fault::Fault;
use slipway_runtime::settings;

use crate::born;
use crate::damage::{Watched, refuse, tells_of_damage};
use crate::fault;

/// Milliseconds that SQLite waits for another writer. Writers hold the lock for one transaction, so this is a crowd.
const BUSY_MILLIS: u32 = 10_000;
/// Time after which SQLite is stuck when nobody was let in meanwhile: as long as a writer may wait.
const BUSY: Duration = Duration::from_millis(BUSY_MILLIS as u64);
/// Time in which a turn must come in a crowd.
const CROWD: Duration = Duration::from_secs(30);
/// Time in which a server that is up lets a process in, at a start. Until then nobody waits for an answer.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Time in which a transaction that writes begins where anybody can work: above the wait in a crowd of writers.
const READY_TIMEOUT: Duration = Duration::from_secs(5);
/// Time that open transactions get at the end of the process.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The database of a service.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    engine: Engine,
    damage: Damage,
    /// Time after which the database is away when nobody was let in meanwhile.
    wait: Duration,
    /// When somebody was let in last.
    begun: watch::Sender<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

impl Database {
    /// Opens the service's database as its settings say and brings its tables up to date. Its connections end with the
    /// process.
    pub async fn open(process: &Process, migrations: &Migrator) -> anyhow::Result<Self> {
        let folder = process.data.service(process.service);
        private_folder(&folder)?;
        let settings = &process.settings.database;
        let url = settings.url.clone().unwrap_or_else(|| {
            let file = folder.join(format!("{}.db", process.service));
            format!("sqlite://{}", file.display())
        });
        process
            .damage
            .name(born::name(&url), process.service, tells_of_damage);
        let watched = watched(&url, settings.check_bytes, &process.damage)?;
        if watched.is_some() {
            process.damage.watch();
        }
        let opened = Self::connect(&url, settings, migrations, &folder, watched.as_ref()).await;
        let opened = opened.inspect_err(|error| process.damage.notice(error.as_ref()));
        if let Some(watched) = watched {
            let checked = process.clone();
            process.spawn("database check", move || {
                end_when_mended(checked.clone(), watched.clone())
            });
        }
        let pool = opened?;
        let engine = Engine::of(&url);
        let database = Self {
            pool,
            engine,
            damage: process.damage.clone(),
            wait: match engine {
                Engine::Sqlite => BUSY,
                Engine::Postgres => settings.wait(),
            },
            begun: watch::Sender::new(Instant::now()),
        };
        let closing = database.clone();
        process.at_the_end(async move { closing.close().await });
        Ok(database)
    }

    /// Opens the database at `url`. `folder` holds the lock under which one process at a time migrates, since two
    /// first starts on SQLite would race, and says in `born` which database it is. Another one is refused, and so is a
    /// damaged one.
    async fn connect(
        url: &str,
        settings: &settings::Database,
        migrations: &Migrator,
        folder: &Path,
        watched: Option<&Watched>,
    ) -> anyhow::Result<AnyPool> {
        let engine = Engine::of(url);
        let lock =
            File::create(folder.join("migrate.lock")).context("could not lock the database")?;
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        if let Some(watched) = watched {
            watched.look_first().await?;
        }
        let url = &creating(url);
        tokio::time::timeout(START_TIMEOUT, born::check(url, folder))
            .await
            .context("the database does not let this process in: is its server there?")??;
        migrate(url, engine, migrations).await?;
        drop(lock);
        pool(url, engine, settings).await
    }

    /// A connection for reading.
    pub async fn read(&self) -> sqlx::Result<PoolConnection<Any>> {
        self.begin(self.pool.acquire()).await
    }

    /// A transaction whose queries all see the database as it is at the first of them.
    pub async fn snapshot(&self) -> sqlx::Result<Transaction<'static, Any>> {
        let statement = match self.engine {
            Engine::Sqlite => "BEGIN DEFERRED",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.begin(self.pool.begin_with(statement)).await
    }

    /// A transaction that may write.
    pub async fn write(&self) -> sqlx::Result<Transaction<'static, Any>> {
        let statement = match self.engine {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN",
        };
        self.begin(self.pool.begin_with(statement)).await
    }

    /// Waits in a crowd, as long as somebody in it is let in; where nobody was for the time to wait, the server is away.
    async fn begin<T>(&self, beginning: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        refuse(&self.damage)?;
        let asked = Instant::now();
        let mut beginning = pin!(beginning);
        loop {
            let last = asked.max(*self.begun.borrow());
            match timeout_at(last + self.wait, &mut beginning).await {
                Ok(Ok(begun)) => {
                    self.begun.send_replace(Instant::now());
                    return Ok(begun);
                }
                Ok(refused) => return refused,
                Err(_) if *self.begun.borrow() <= last => return Err(sqlx::Error::PoolTimedOut),
                Err(_) => {}
            }
        }
    }

    /// Ends all connections. SQLite then has everything in its one file, which may be copied or replaced.
    pub async fn close(&self) {
        // Closing would write to a damaged file, or remove by name what lies beside the good one in its place.
        if self.damage.found().is_some() {
            return;
        }
        // The last connection does this too; here it is done beside other instances that go on.
        if self.engine == Engine::Sqlite
            && let Ok(mut connection) = self.pool.acquire().await
            && let Err(error) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await
        {
            tracing::warn!(%error, "the database's log stays beside it; the next start reads it");
        }
        if tokio::time::timeout(CLOSE_TIMEOUT, self.pool.close())
            .await
            .is_err()
        {
            tracing::warn!("a connection to the database was still in use and is cut off");
        }
    }

    /// Whether a transaction that writes can begin. A full disk is no reason to send nobody here: what is read is there,
    /// and what must be written is refused with words that say so.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let begin = async { self.write().await?.rollback().await };
        let began = tokio::time::timeout(READY_TIMEOUT, begin).await;
        match began.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Err(error) if fault::of(&error) == Some(Fault::Full) => Ok(()),
            began => began.context("no transaction that writes can begin"),
        }
    }
}

impl Engine {
    fn of(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            return Self::Sqlite;
        }
        Self::Postgres
    }
}

/// The URL by which a first start makes the file.
fn creating(url: &str) -> String {
    match Engine::of(url) {
        Engine::Sqlite if !url.contains('?') => format!("{url}?mode=rwc"),
        _ => url.to_owned(),
    }
}

fn watched(url: &str, at_start: u64, damage: &Damage) -> anyhow::Result<Option<Watched>> {
    install_default_drivers();
    if Engine::of(url) == Engine::Postgres {
        return Ok(None);
    }
    Ok(Some(Watched {
        file: SqliteConnectOptions::from_str(url)?
            .get_filename()
            .to_owned(),
        options: AnyConnectOptions::from_str(url)?,
        damage: damage.clone(),
        at_start,
    }))
}

/// A process that found its database damaged ends when a whole one is in its place: whoever supervises it starts it again.
async fn end_when_mended(process: Process, watched: Watched) {
    watched.look_again().await;
    tracing::info!("the database is whole again, and this process ends for the next to use it");
    process.draining.cancel();
}

/// Brings the tables up to date, on a connection of its own: how long a migration takes is bounded by nothing.
async fn migrate(url: &str, engine: Engine, migrations: &Migrator) -> anyhow::Result<()> {
    let options = AnyPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(START_TIMEOUT);
    let alone = options
        .connect(url)
        .await
        .context("could not open the database")?;
    if engine == Engine::Sqlite {
        alone.execute(PRAGMAS.as_str()).await?;
    }
    // Those of a later version, which ran here or runs beside us, are no reason not to start.
    Migrator::with_migrations(migrations.iter().cloned().collect())
        .set_ignore_missing(true)
        .run(&alone)
        .await
        .context("could not bring the database's tables up to date")?;
    alone.close().await;
    Ok(())
}

async fn pool(url: &str, engine: Engine, settings: &settings::Database) -> anyhow::Result<AnyPool> {
    let session = match engine {
        Engine::Sqlite => PRAGMAS.clone(),
        Engine::Postgres => session(settings),
    };
    AnyPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(CROWD)
        .after_connect(move |connection, _| {
            let session = session.clone();
            Box::pin(async move {
                connection.execute(AssertSqlSafe(session)).await?;
                Ok(())
            })
        })
        // After `SQLITE_FULL` SQLite has rolled back by itself, the rollback that sqlx sends fails, and sqlx counts one
        // transaction more than there is: that connection never begins another.
        .after_release(move |connection, _| {
            Box::pin(async move {
                if engine == Engine::Postgres {
                    return Ok(true);
                }
                // What was sent before has been done when this answers.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect(url)
        .await
        .context("could not open the database")
}

/// What PostgreSQL ends by itself. A transaction that does nothing is that of a process that was stopped.
fn session(settings: &settings::Database) -> String {
    let statement = settings.statement_seconds;
    format!(
        "SET lock_timeout = '{}s'; SET statement_timeout = '{statement}s'; SET idle_in_transaction_session_timeout = '{statement}s'",
        settings.lock_seconds
    )
}

static PRAGMAS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "PRAGMA busy_timeout = {BUSY_MILLIS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    )
});
