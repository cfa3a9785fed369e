//! Which database a service takes for its own.

use slipway_contract::Code;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use slipway_database::{Database, fault};
use slipway_runtime::Process;
use slipway_runtime::fault::Fault;
use slipway_testkit::TestProcess;
use slipway_testkit::database::{Engine, engines};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, query_scalar};

const SERVICE: &str = "catalog";

async fn open(process: &Process) -> anyhow::Result<Database> {
    let none = tempfile::tempdir().expect("a temporary folder");
    let migrations = Migrator::new(none.path()).await.expect("no migrations");
    Database::open(process, &migrations).await
}

/// Starts and ends; the id of the database.
async fn run(process: &Process) -> String {
    let database = open(process).await.expect("a start");
    let mut connection = database.read().await.expect("a connection");
    let id = query_scalar("SELECT id FROM slipway_database")
        .fetch_one(&mut *connection)
        .await
        .expect("one id");
    drop(connection);
    database.close().await;
    id
}

async fn refusal(process: &Process) -> String {
    let Err(error) = open(process).await else {
        panic!("it was taken for its own")
    };
    error.to_string()
}

fn born(process: &Process) -> PathBuf {
    process.data.service(SERVICE).join("born")
}

fn file(process: &Process) -> PathBuf {
    process.data.service(SERVICE).join("catalog.db")
}

/// The process of `test`, in whose place another database is.
fn swapped(test: &TestProcess, other: &TestProcess, engine: Engine) -> Process {
    if engine == Engine::Sqlite {
        fs::copy(file(&other.process), file(&test.process)).expect("another database");
    }
    let settings = other.process.settings.as_ref().clone();
    Process::open(SERVICE, test.process.data.clone(), settings).expect("a process")
}

#[tokio::test]
async fn a_database_keeps_its_id_and_the_folder_notes_it() {
    for engine in engines() {
        let test = slipway_testkit::process(SERVICE, engine).await;
        let first = run(&test.process).await;
        let noted = fs::read_to_string(born(&test.process)).expect("born");
        assert_eq!(noted.trim(), first);
        assert_eq!(run(&test.process).await, first);
    }
}

#[tokio::test]
async fn another_database_is_refused_and_stays_as_it_is() {
    for engine in engines() {
        let test = slipway_testkit::process(SERVICE, engine).await;
        let other = slipway_testkit::process(SERVICE, engine).await;
        run(&test.process).await;
        let theirs = run(&other.process).await;
        let swapped = swapped(&test, &other, engine);
        let words = refusal(&swapped).await;
        let born = born(&swapped).display().to_string();
        assert!(words.contains("another database"), "{words}");
        assert_eq!(words.matches(&born).count(), 2, "{words}");
        let database = match &swapped.settings.database.url {
            Some(url) => url.clone(),
            None => file(&swapped).display().to_string(),
        };
        assert!(words.contains(&database), "{words}");
        assert_eq!(run(&other.process).await, theirs);

        fs::remove_file(born).expect("the operator's word");
        assert_eq!(run(&swapped).await, theirs);
    }
}

#[tokio::test]
async fn an_empty_database_is_refused_and_nothing_is_made_in_it() {
    for engine in engines() {
        let test = slipway_testkit::process(SERVICE, engine).await;
        let empty = slipway_testkit::process(SERVICE, engine).await;
        let first = run(&test.process).await;
        if engine == Engine::Sqlite {
            fs::write(file(&test.process), b"").expect("an empty file");
        }
        let settings = empty.process.settings.as_ref().clone();
        let process =
            Process::open(SERVICE, test.process.data.clone(), settings).expect("a process");
        let words = refusal(&process).await;
        assert!(words.contains("empty"), "{words}");
        if engine == Engine::Sqlite {
            assert_eq!(fs::read(file(&process)).expect("the file"), b"");
        }
        assert_eq!(refusal(&process).await, words, "the refusal made something");

        fs::remove_file(born(&process)).expect("the operator's word");
        assert_ne!(run(&process).await, first);
    }
}

#[tokio::test]
async fn a_missing_database_is_refused_and_not_made() {
    for engine in engines() {
        let test = slipway_testkit::process(SERVICE, engine).await;
        run(&test.process).await;
        let mut settings = test.process.settings.as_ref().clone();
        if let Some(url) = &mut settings.database.url {
            url.push_str("_gone");
        } else {
            for entry in fs::read_dir(test.process.data.service(SERVICE)).expect("the folder") {
                let path = entry.expect("an entry").path();
                if path.display().to_string().contains("catalog.db") {
                    fs::remove_file(path).expect("a lost database");
                }
            }
        }
        let process =
            Process::open(SERVICE, test.process.data.clone(), settings).expect("a process");
        let words = refusal(&process).await;
        assert!(words.contains("missing"), "{words}");
        assert!(!file(&process).exists());
    }
}

#[tokio::test]
async fn a_database_of_a_time_before_gets_its_id_at_the_next_start() {
    for engine in engines() {
        let test = slipway_testkit::process(SERVICE, engine).await;
        let database = open(&test.process).await.expect("a first start");
        let old = "DROP TABLE slipway_database; CREATE TABLE apps (slug text)";
        database
            .read()
            .await
            .expect("a connection")
            .execute(old)
            .await
            .expect("0.1.0's");
        fs::remove_file(born(&test.process)).expect("0.1.0 has none");
        let given = run(&test.process).await;
        let noted = fs::read_to_string(born(&test.process)).expect("born");
        assert_eq!(noted.trim(), given);
    }
}

#[tokio::test]
async fn first_starts_at_once_make_one_database() {
    for engine in engines() {
        let test = slipway_testkit::process(SERVICE, engine).await;
        let mut folders = vec![test.process.data.clone()];
        let second = tempfile::tempdir().expect("a second folder");
        if engine == Engine::Postgres {
            let data = slipway_runtime::data::DataDir::new(second.path());
            slipway_init::prepare(&data).expect("a data folder");
            folders.push(data);
        }
        let mut starts = tokio::task::JoinSet::new();
        for number in 0..8 {
            let settings = test.process.settings.as_ref().clone();
            let data = folders[number % folders.len()].clone();
            let process = Process::open(SERVICE, data, settings).expect("a process");
            starts.spawn(async move { run(&process).await });
        }
        let ids = starts.join_all().await;
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        for data in folders {
            let noted = fs::read_to_string(data.service(SERVICE).join("born")).expect("born");
            assert_eq!(noted.trim(), ids[0]);
        }
    }
}

/// Opens it with one connection, so that what a transaction leaves behind meets the next one.
async fn open_narrow(test: &TestProcess) -> Database {
    let mut settings = test.process.settings.as_ref().clone();
    settings.database.max_connections = 1;
    let data = test.process.data.clone();
    let process = Process::open(SERVICE, data, settings).expect("a process");
    let database = open(&process).await.expect("a start");
    let mut connection = database.read().await.expect("a connection");
    connection
        .execute("CREATE TABLE notes (text text)")
        .await
        .expect("a table");
    drop(connection);
    database
}

async fn note(database: &Database, text: &str) -> sqlx::Result<()> {
    let mut transaction = database.write().await?;
    sqlx::query("INSERT INTO notes (text) VALUES ($1)")
        .bind(text)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// SQLite's limit of pages stands for the disk's end: the same code, and the same rollback of its own.
#[tokio::test]
async fn a_database_that_was_full_goes_on_when_there_is_room() {
    let test = slipway_testkit::process(SERVICE, Engine::Sqlite).await;
    let database = open_narrow(&test).await;
    for _ in 0..12 {
        let mut connection = database.read().await.expect("a connection");
        connection
            .execute("PRAGMA max_page_count = 16")
            .await
            .expect("a small disk");
        drop(connection);
        let full = note(&database, &"long".repeat(100_000)).await;
        let full = full.expect_err("more than sixteen pages");
        assert_eq!(fault::of(&full), Some(Fault::Full), "{full}");
        let problem = fault::problem(full);
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (507, Code::DiskFull)
        );
        // The connection with the small disk has gone.
        database.ready().await.expect("it is ready");
        note(&database, &"long".repeat(100_000))
            .await
            .expect("there is room");
    }
    let mut connection = database.read().await.expect("a connection");
    let kept: i64 = query_scalar("SELECT count(*) FROM notes")
        .fetch_one(&mut *connection)
        .await
        .expect("a count");
    assert_eq!(kept, 12);
}

#[tokio::test]
async fn a_full_database_makes_nobody_unready_and_one_that_takes_no_writes_does() {
    let test = slipway_testkit::process(SERVICE, Engine::Sqlite).await;
    let database = open_narrow(&test).await;
    let mut connection = database.read().await.expect("a connection");
    connection
        .execute("PRAGMA max_page_count = 1")
        .await
        .expect("a full disk");
    drop(connection);
    database.ready().await.expect("reads go on");
    database.close().await;
    database.ready().await.expect_err("it is closed");
}

#[tokio::test]
async fn a_closed_database_is_one_file() {
    let test = slipway_testkit::process(SERVICE, Engine::Sqlite).await;
    let database = open_narrow(&test).await;
    note(&database, "in the log first").await.expect("a row");
    let log = file(&test.process).with_extension("db-wal");
    assert!(log.exists());
    database.close().await;
    assert!(!log.exists(), "everything is in the one file");
}

/// The bytes of the file with the row `word` of an indexed table; the database is closed.
async fn closed_with(test: &TestProcess, word: &str) -> Vec<u8> {
    let database = open(&test.process).await.expect("a start");
    let mut connection = database.read().await.expect("a connection");
    let rows = format!(
        "CREATE TABLE tokens (hash text PRIMARY KEY); INSERT INTO tokens VALUES ('{word}'), ('other')"
    );
    connection.execute(AssertSqlSafe(rows)).await.expect("rows");
    drop(connection);
    database.close().await;
    fs::read(file(&test.process)).expect("the file")
}

fn again(test: &TestProcess) -> Process {
    let settings = test.process.settings.as_ref().clone();
    Process::open(SERVICE, test.process.data.clone(), settings).expect("a process")
}

async fn found_damaged(test: &TestProcess, bytes: &[u8]) {
    fs::write(file(&test.process), bytes).expect("damage");
    let process = again(test);
    let Err(error) = open(&process).await else {
        panic!("a damaged database was opened")
    };
    assert_eq!(fault::of(error.as_ref()), Some(Fault::Damaged), "{error:#}");
    let found = process.damage.found().expect("damage").to_string();
    let name = file(&process).display().to_string();
    assert!(found.contains(&name), "{found}");
}

#[tokio::test]
async fn every_flipped_page_and_a_flipped_byte_of_an_index_are_found_at_the_start() {
    let word = "a-hash-of-a-token";
    let test = slipway_testkit::process(SERVICE, Engine::Sqlite).await;
    let whole = closed_with(&test, word).await;
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        for byte in &mut bytes[page * 4096..(page + 1) * 4096] {
            *byte ^= 0xff;
        }
        found_damaged(&test, &bytes).await;
    }
    let places: Vec<_> = (0..whole.len())
        .filter(|at| whole[*at..].starts_with(word.as_bytes()))
        .collect();
    assert_eq!(places.len(), 2, "the row and its entry in the index");
    for place in places {
        let mut bytes = whole.clone();
        bytes[place + 2] ^= 1;
        found_damaged(&test, &bytes).await;
    }
    fs::write(file(&test.process), &whole).expect("the good copy");
    open(&again(&test)).await.expect("a start");
}

#[tokio::test]
async fn nothing_is_read_out_of_a_database_that_a_statement_stumbled_over() {
    let test = slipway_testkit::process(SERVICE, Engine::Sqlite).await;
    closed_with(&test, "a-hash").await;
    // As a page that goes bad while the service runs.
    let mut settings = test.process.settings.as_ref().clone();
    settings.database.check_bytes = 0;
    let process = Process::open(SERVICE, test.process.data.clone(), settings).expect("a process");
    let database = open(&process).await.expect("a start");
    let mut connection = database.read().await.expect("a connection");
    let spoil = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 9999 WHERE name = 'tokens'; PRAGMA writable_schema = RESET";
    connection.execute(spoil).await.expect("damage");
    let stumbled = connection
        .fetch_all("SELECT * FROM tokens NOT INDEXED")
        .await
        .map(drop)
        .expect_err("a page that is not there");
    drop(connection);
    assert_eq!(fault::of(&stumbled), Some(Fault::Damaged), "{stumbled}");
    process.damage.notice(&stumbled);
    for refused in [
        database.read().await.map(drop),
        database.write().await.map(drop),
        database.snapshot().await.map(drop),
    ] {
        let problem = fault::problem(refused.expect_err("it is damaged"));
        assert_eq!(problem.status, 503);
        assert_eq!(problem.code, Code::DatabaseDamaged);
    }
    database.ready().await.expect_err("it is damaged");
}

/// Another connection to the database of `process`, which is on a server.
async fn beside(process: &Process) -> AnyConnection {
    let url = process.settings.database.url.as_deref().expect("a server");
    AnyConnection::connect(url).await.expect("a connection")
}

#[tokio::test]
async fn a_locked_table_is_told_and_ended_connections_are_replaced() {
    for engine in engines() {
        if engine == Engine::Sqlite {
            continue;
        }
        let test = slipway_testkit::process(SERVICE, engine).await;
        let database = open_narrow(&test).await;
        let mut other = beside(&test.process).await;
        let mut lock = other.begin().await.expect("a transaction");
        lock.execute("LOCK TABLE notes").await.expect("a lock");
        let late = note(&database, "late").await.expect_err("it is locked");
        assert_eq!(fault::problem(late).code, Code::DatabaseUnavailable);
        lock.rollback().await.expect("the end of the lock");
        note(&database, "free").await.expect("it is free again");

        let mut held = database.write().await.expect("a transaction");
        other
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
            .await
            .expect("an operator's word");
        let ended = held.execute("SELECT 1").await.expect_err("it has ended");
        assert_eq!(fault::problem(ended).code, Code::DatabaseUnavailable);
        drop(held);
        note(&database, "again").await.expect("a new connection");
    }
}

/// One connection for all, which is never free for as long as an absent server has.
#[tokio::test]
async fn a_crowd_waits_longer_than_for_a_server_that_is_away() {
    for engine in engines() {
        if engine == Engine::Sqlite {
            continue;
        }
        let test = slipway_testkit::process(SERVICE, engine).await;
        let mut settings = test.process.settings.as_ref().clone();
        settings.database.max_connections = 1;
        settings.database.wait_millis = 300;
        let process =
            Process::open(SERVICE, test.process.data.clone(), settings).expect("a process");
        let database = open(&process).await.expect("a start");
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let database = database.clone();
            crowd.spawn(async move {
                let mut held = database.write().await?;
                held.execute("SELECT pg_sleep(0.1)").await?;
                held.commit().await
            });
        }
        for waited in crowd.join_all().await {
            waited.expect("everybody's turn comes");
        }
        let held = database.write().await.expect("the only connection");
        let begun = Instant::now();
        let away = database.read().await.expect_err("nobody is let in");
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(fault::problem(away).code, Code::DatabaseUnavailable);
        drop(held);
        database.read().await.expect("it is free again");
    }
}
