//! Two instances that work on one queue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_database::Database;
use slipway_database::queue::{Limits, Queue, Row, Table, Work, Workers, crashes};
use slipway_database::signal::Signal;
use slipway_runtime::clock::unix_millis;
use slipway_testkit::database::engines;
use sqlx::{Any, AnyConnection, Transaction};

use super::{Fixture, Subject, TABLE};

/// Work that is only noted: how often each row was run, and the most at once.
#[derive(Clone)]
struct Noting {
    database: Database,
    noted: Arc<Mutex<Noted>>,
    takes: Duration,
    /// Runs of each row whose result is not written.
    failures: usize,
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
        {
            let mut noted = self.noted.lock().expect("nobody panics");
            noted.now -= 1;
            if noted.runs[&work.row.id] <= self.failures {
                return Err(sqlx::Error::WorkerCrashed);
            }
        }
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
    worked(fixture, takes, 0, LIMITS).await
}

async fn worked(fixture: &Fixture, takes: Duration, failures: usize, limits: Limits) -> Noted {
    let noted = Arc::new(Mutex::new(Noted::default()));
    let mut instances = Vec::new();
    for _ in 0..2 {
        let (process, database) = fixture.another().await;
        let noting = Noting {
            database: database.clone(),
            noted: noted.clone(),
            takes,
            failures,
        };
        let signal = Signal::default();
        Workers::new((&process, &database, &signal), noting, limits).start();
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
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
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
async fn what_could_not_be_written_is_tried_again_before_its_lease_ends() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.queue(TABLE, "one", 1).await;
        let long = Limits {
            lease: Duration::from_hours(1),
            ..LIMITS
        };
        let noted = worked(&fixture, Duration::ZERO, 2, long).await;
        assert_eq!(noted.runs, BTreeMap::from([("one".to_owned(), 3)]));
    }
}
