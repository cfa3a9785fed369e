//! Rows of a queue.

mod workers;

use slipway_database::Database;
use slipway_database::queue::{Lease, Row, Table};
use slipway_runtime::Process;
use slipway_runtime::clock::Moment;
use slipway_testkit::TestProcess;
use slipway_testkit::database::{Engine, engines};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Executor as _, FromRow};

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
