//! Rows of a queue, and two instances that work on them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_service::clock::{Moment, unix_millis};
use slipway_service::database::Database;
use slipway_service::database::queue::{Lease, Limits, Queue, Row, Table, Work, Workers, crashes};
use slipway_service::database::signal::Signal;
use slipway_service::process::Process;
use slipway_testkit::TestProcess;
use slipway_testkit::database::{Engine, engines};
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Executor as _, FromRow, Transaction};

const TABLE: Table = Table {
    name: "tasks",
    subject: "words",
    held: "words = 'held'",
    counts_crashes: true,
};
/// The same as an outbox has it.
const PLAIN: Table = Table {
    name: "letters",
    counts_crashes: false,
    ..TABLE
};
const TABLES: &str = "
    CREATE TABLE tasks (id text PRIMARY KEY, words text NOT NULL, attempts bigint NOT NULL, next_at bigint NOT NULL,
        lease_owner text, lease_until bigint, last_error text, crashes bigint NOT NULL DEFAULT 0,
        alone_crashes bigint NOT NULL DEFAULT 0, lease_alone bigint NOT NULL DEFAULT 0, failed_at bigint);
    CREATE TABLE letters (id text PRIMARY KEY, words text NOT NULL, attempts bigint NOT NULL, next_at bigint NOT NULL,
        lease_owner text, lease_until bigint, last_error text)";
const PAUSE: i64 = 5000;
const LEASE: i64 = 1000;

#[derive(Clone, Debug, FromRow)]
struct Subject {
    words: String,
}

/// What a queue must not change by mistake.
type Columns = (
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<String>,
    i64,
    Option<i64>,
);

/// A fresh database with both tables.
struct Fixture {
    test: TestProcess,
    database: Database,
}

impl Fixture {
    async fn new(engine: Engine) -> Self {
        let test = slipway_testkit::process("catalog", engine).await;
        let database = open(&test.process).await;
        let fixture = Self { test, database };
        fixture.execute(TABLES).await;
        fixture
    }

    async fn execute(&self, sql: &str) {
        let mut transaction = self.database.write().await.expect("a transaction");
        let sql = AssertSqlSafe(sql.to_owned());
        transaction.execute(sql).await.expect("an edit");
        transaction.commit().await.expect("an end");
    }

    /// Queues work that is due since `next_at`.
    async fn queue(&self, table: Table, id: &str, next_at: i64) {
        let name = table.name;
        let row = format!(
            "INSERT INTO {name} (id, words, attempts, next_at) VALUES ('{id}', 'words', 0, {next_at})"
        );
        self.execute(&row).await;
    }

    async fn due(&self, table: Table, now: i64) -> Option<Row<Subject>> {
        let mut connection = self.database.read().await.expect("a connection");
        let moment = Moment::new(now, PAUSE, LEASE);
        table.due(&mut connection, moment).await.expect("a look")
    }

    async fn take(
        &self,
        table: Table,
        row: Row<Subject>,
        owner: &str,
        until: i64,
    ) -> Option<Lease> {
        let mut transaction = self.database.write().await.expect("a transaction");
        let owner = (owner.to_owned(), false);
        let taken = Lease::take(table, &mut transaction, row, owner, until).await;
        transaction.commit().await.expect("an end");
        taken.expect("a lease").map(|(lease, _)| lease)
    }

    async fn taken(&self, table: Table, owner: &str, now: i64) -> Lease {
        let row = self.due(table, now).await.expect("a row that is due");
        let lease = self.take(table, row, owner, now + LEASE).await;
        lease.expect("a lease")
    }

    async fn columns(&self, table: Table) -> Columns {
        let crashes = if table.counts_crashes {
            "crashes, failed_at"
        } else {
            "cast(0 AS bigint), cast(NULL AS bigint)"
        };
        let sql = format!(
            "SELECT attempts, next_at, lease_owner, lease_until, last_error, {crashes} FROM {}",
            table.name
        );
        let mut connection = self.database.read().await.expect("a connection");
        let row = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *connection);
        row.await.expect("one row")
    }

    /// One more instance over the same database.
    async fn another(&self) -> (Process, Database) {
        let (data, settings) = (self.test.process.data.clone(), &self.test.process.settings);
        let process = Process::open("catalog", data, settings.as_ref().clone());
        let process = process.expect("a process");
        let database = open(&process).await;
        (process, database)
    }
}

async fn open(process: &Process) -> Database {
    let none = tempfile::tempdir().expect("a temporary folder");
    let migrations = Migrator::new(none.path()).await.expect("no migrations");
    Database::open(process, &migrations)
        .await
        .expect("a database")
}

#[tokio::test]
async fn a_row_is_due_when_neither_pause_nor_lease_holds_it() {
    let now = 1_000_000;
    for engine in engines() {
        for table in [TABLE, PLAIN] {
            let fixture = Fixture::new(engine).await;
            fixture.queue(table, "one", now).await;
            for (edit, due) in [
                ("next_at = 1000000", true),
                ("next_at = 1000001", false),
                // The longest pause, and by how much clocks may differ; later is none.
                ("next_at = 1035000", false),
                ("next_at = 1035001", true),
                (
                    "next_at = 5, lease_owner = 'a/1', lease_until = 1000000",
                    false,
                ),
                ("lease_until = 999999", true),
                ("lease_until = 1031000", false),
                ("lease_until = 1031001", true),
                ("lease_until = NULL, words = 'held'", false),
                ("words = 'words'", true),
            ] {
                let name = table.name;
                fixture.execute(&format!("UPDATE {name} SET {edit}")).await;
                let found = fixture.due(table, now).await;
                assert_eq!(found.is_some(), due, "{edit} in {name}");
            }
            if table.counts_crashes {
                fixture.execute("UPDATE tasks SET failed_at = 1").await;
                assert!(fixture.due(table, now).await.is_none(), "it was given up");
            }
        }
    }
}

#[tokio::test]
async fn of_two_owners_that_found_a_row_one_gets_it() {
    for engine in engines() {
        for table in [TABLE, PLAIN] {
            let fixture = Fixture::new(engine).await;
            for number in 0..20 {
                fixture.queue(table, &format!("row-{number}"), number).await;
                let (first, second) =
                    tokio::join!(fixture.due(table, 100), fixture.due(table, 100));
                let (first, second) = (first.expect("a row"), second.expect("a row"));
                assert_eq!(first.id, second.id);
                let (first, second) = tokio::join!(
                    fixture.take(table, first, "a/1", 100 + LEASE),
                    fixture.take(table, second, "b/1", 100 + LEASE),
                );
                assert!(first.is_some() != second.is_some(), "one of the two has it");
            }
        }
    }
}

#[tokio::test]
async fn who_lost_its_lease_changes_nothing() {
    for engine in engines() {
        for table in [TABLE, PLAIN] {
            let fixture = Fixture::new(engine).await;
            fixture.queue(table, "one", 1).await;
            // Of the same instance: only the id of the lease says which is whose.
            let lost = fixture.taken(table, "a/1", 10).await;
            let later = 10 + LEASE + 1;
            let held = fixture.taken(table, "a/2", later).await;
            if table.counts_crashes {
                fixture.execute("UPDATE tasks SET crashes = 2").await;
            }
            let before = fixture.columns(table).await;
            let mut transaction = fixture.database.write().await.expect("a transaction");
            assert!(
                !lost
                    .renew(&mut transaction, later + 9)
                    .await
                    .expect("no error")
            );
            assert!(
                !lost
                    .put_back(&mut transaction, later, "late")
                    .await
                    .expect("no error")
            );
            lost.went_forward(&mut transaction).await.expect("no error");
            assert!(!lost.done(&mut transaction).await.expect("no error"));
            transaction.commit().await.expect("an end");
            assert_eq!(fixture.columns(table).await, before);

            let mut transaction = fixture.database.write().await.expect("a transaction");
            assert!(
                held.renew(&mut transaction, later + LEASE + 9)
                    .await
                    .expect("no error")
            );
            assert!(held.done(&mut transaction).await.expect("no error"));
            transaction.commit().await.expect("an end");
            assert!(fixture.due(table, later).await.is_none());
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_again_during_the_work_is_due_at_once() {
    for engine in engines() {
        for table in [TABLE, PLAIN] {
            let fixture = Fixture::new(engine).await;
            fixture.queue(table, "one", 1).await;
            let again = format!(
                "UPDATE {} SET attempts = 0, next_at = 20, words = 'again'",
                table.name
            );
            for is_done in [true, false] {
                let lease = fixture.taken(table, &format!("a/{is_done}"), 100).await;
                fixture.execute(&again).await;
                let mut transaction = fixture.database.write().await.expect("a transaction");
                if is_done {
                    assert!(!lease.done(&mut transaction).await.expect("no error"));
                } else {
                    assert!(
                        lease
                            .put_back(&mut transaction, 100, "away")
                            .await
                            .expect("no error")
                    );
                }
                transaction.commit().await.expect("an end");
                let row = fixture.due(table, 100).await.expect("it is due");
                assert_eq!((row.attempts, &*row.subject.words), (0, "again"));
            }
        }
    }
}

#[tokio::test]
async fn each_time_that_it_is_put_back_the_pause_grows_until_somebody_comes() {
    for engine in engines() {
        for table in [TABLE, PLAIN] {
            let fixture = Fixture::new(engine).await;
            fixture.queue(table, "one", 1).await;
            let mut now = 1000;
            for pause in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
                let lease = fixture.taken(table, "a/1", now).await;
                let mut transaction = fixture.database.write().await.expect("a transaction");
                assert!(
                    lease
                        .put_back(&mut transaction, now, "away")
                        .await
                        .expect("no error")
                );
                transaction.commit().await.expect("an end");
                let (_, next_at, owner, until, error, ..) = fixture.columns(table).await;
                assert_eq!((next_at - now, owner, until), (pause, None, None));
                assert_eq!(error.as_deref(), Some("away"));
                now = next_at;
            }
            let mut transaction = fixture.database.write().await.expect("a transaction");
            let soon = now - 4999;
            assert!(
                table
                    .some_wait(&mut transaction, soon)
                    .await
                    .expect("no error")
            );
            table
                .wake_all(&mut transaction, soon)
                .await
                .expect("no error");
            assert!(
                !table
                    .some_wait(&mut transaction, soon)
                    .await
                    .expect("no error")
            );
            transaction.commit().await.expect("an end");
            assert!(fixture.due(table, soon).await.is_some());
        }
    }
}

/// Work that is only noted: how often each row was run, and the most at once.
#[derive(Clone)]
struct Noting {
    database: Database,
    noted: Arc<Mutex<Noted>>,
    takes: Duration,
}

#[derive(Debug, Default)]
struct Noted {
    runs: BTreeMap<String, usize>,
    now: usize,
    most: usize,
    given_up: Vec<String>,
}

impl Queue for Noting {
    const TABLE: Table = TABLE;
    type Subject = Subject;

    async fn begin(&self) -> sqlx::Result<Option<Transaction<'static, Any>>> {
        self.database.write().await.map(Some)
    }

    async fn run(&self, work: &Work<Subject>) -> sqlx::Result<()> {
        {
            let mut noted = self.noted.lock().expect("nobody panics");
            *noted.runs.entry(work.row.id.clone()).or_default() += 1;
            noted.now += 1;
            noted.most = noted.most.max(noted.now);
        }
        tokio::time::sleep(self.takes).await;
        self.noted.lock().expect("nobody panics").now -= 1;
        let mut transaction = self.database.write().await?;
        assert!(work.lease.done(&mut transaction).await?, "its lease held");
        transaction.commit().await
    }

    async fn give_up(
        &self,
        _: &mut AnyConnection,
        row: &Row<Subject>,
        reason: &str,
    ) -> sqlx::Result<()> {
        let mut noted = self.noted.lock().expect("nobody panics");
        noted.given_up.push(format!("{}: {reason}", row.id));
        Ok(())
    }
}

const LIMITS: Limits = Limits {
    at_once: 2,
    lease: Duration::from_secs(1),
    crashes: crashes::Limits {
        max_crashes: 3,
        max_crashes_alone: 3,
        alone_pause_millis: 1,
    },
};

/// Lets two instances work until no row is left that is not given up; what they noted.
async fn worked_by_two(fixture: &Fixture, takes: Duration) -> Noted {
    let noted = Arc::new(Mutex::new(Noted::default()));
    let mut instances = Vec::new();
    for _ in 0..2 {
        let (process, database) = fixture.another().await;
        let noting = Noting {
            database: database.clone(),
            noted: noted.clone(),
            takes,
        };
        let signal = Signal::default();
        Workers::new((&process, &database, &signal), noting, LIMITS).start();
        instances.push(process);
    }
    let left = || async {
        let mut connection = fixture.database.read().await?;
        let left: Option<String> =
            sqlx::query_scalar("SELECT id FROM tasks WHERE failed_at IS NULL LIMIT 1")
                .fetch_optional(&mut *connection)
                .await?;
        Ok(left.is_none().then_some(()))
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let through = Signal::default().wait_for(deadline, left).await;
    through.expect("a look").expect("all work is done");
    for process in instances {
        process.shutdown.cancel();
        process.tasks.close();
        process.tasks.wait().await;
    }
    Arc::into_inner(noted)
        .expect("nobody works any more")
        .into_inner()
        .expect("nobody panicked")
}

#[tokio::test]
async fn two_instances_do_each_work_once() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for number in 0..30 {
            fixture.queue(TABLE, &format!("row-{number}"), 1).await;
        }
        let noted = worked_by_two(&fixture, Duration::from_millis(20)).await;
        assert_eq!(noted.runs.len(), 30);
        assert!(noted.runs.values().all(|runs| *runs == 1), "{noted:?}");
        assert!(noted.most <= 4, "two at once in each: {noted:?}");
    }
}

#[tokio::test]
async fn a_lease_is_renewed_for_as_long_as_the_work_takes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.queue(TABLE, "long", 1).await;
        let noted = worked_by_two(&fixture, LIMITS.lease * 5 / 2).await;
        assert_eq!(noted.runs, BTreeMap::from([("long".to_owned(), 1)]));
    }
}

/// Rows as dead instances have left them.
#[tokio::test]
async fn what_ends_processes_is_given_up_once() {
    for engine in engines() {
        for (crashes, alone_crashes, alone, given_up) in [
            (1, 0, 0, false),
            (2, 0, 0, false),
            (3, 1, 1, false),
            (3, 2, 1, true),
        ] {
            let fixture = Fixture::new(engine).await;
            fixture.queue(TABLE, "suspect", 1).await;
            let left = format!(
                "UPDATE tasks SET attempts = 9, crashes = {crashes}, alone_crashes = {alone_crashes}, lease_alone = {alone},
                 lease_owner = 'gone/1', lease_until = {}",
                unix_millis() - 1
            );
            fixture.execute(&left).await;
            for number in 0..5 {
                fixture.queue(TABLE, &format!("row-{number}"), 2).await;
            }
            let noted = worked_by_two(&fixture, Duration::from_millis(20)).await;
            let expected = if given_up {
                vec!["suspect: the work on it ended 6 processes, 3 of them while they did nothing else; the log has their last words".to_owned()]
            } else {
                Vec::new()
            };
            assert_eq!(noted.given_up, expected);
            assert_eq!(noted.runs.contains_key("suspect"), !given_up, "{noted:?}");
            assert_eq!(noted.runs.values().sum::<usize>(), noted.runs.len());
        }
    }
}

#[tokio::test]
async fn an_instance_that_ends_gives_its_leases_back_and_nobody_elses() {
    for engine in engines() {
        for table in [TABLE, PLAIN] {
            let fixture = Fixture::new(engine).await;
            fixture.queue(table, "one", 1).await;
            fixture.taken(table, "a-2/1", 10).await;
            let mut transaction = fixture.database.write().await.expect("a transaction");
            table
                .hand_back(&mut transaction, "a")
                .await
                .expect("no error");
            transaction.commit().await.expect("an end");
            assert!(fixture.due(table, 11).await.is_none(), "it is of another");
            let mut transaction = fixture.database.write().await.expect("a transaction");
            table
                .hand_back(&mut transaction, "a-2")
                .await
                .expect("no error");
            transaction.commit().await.expect("an end");
            let row = fixture.due(table, 11).await.expect("it is due");
            assert_eq!(row.lost_by(i64::MAX), None, "that was no crash");
        }
    }
}
