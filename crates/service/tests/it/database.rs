//! Which database a service takes for its own.

use std::fs;
use std::path::PathBuf;

use slipway_service::Process;
use slipway_service::database::Database;
use slipway_testkit::TestProcess;
use slipway_testkit::database::{Engine, engines};
use sqlx::migrate::Migrator;
use sqlx::{Executor as _, query_scalar};

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
            let data = slipway_service::data::DataDir::new(second.path());
            data.init().expect("a data folder");
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
