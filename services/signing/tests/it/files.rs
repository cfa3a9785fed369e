//! A version never gets a second digest, also where the database is an older copy.

use std::fs;
use std::path::Path;

use http::StatusCode;
use serde_json::{Value, json};
use slipway_contract::Version;
use slipway_runtime::Process;
use slipway_testkit::database::{Engine, engines};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::{Instance, first, statement, text};

/// What an older copy of the database does not have.
const FORGET_STATEMENTS: &str = "DELETE FROM statements";
const FORGET_SIGNATURES: &str = "UPDATE statements SET signature = NULL";

async fn refusal(process: &Process) -> String {
    let refused = Instance::start(process).await.err().expect("a refusal");
    format!("{refused:#}")
}

/// Asks for a signature that has to wait, and returns the words.
async fn waits(signing: &Instance, wanted: &Value, code: &str) -> String {
    let (status, body) = signing.sign_by_its_key(wanted).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(body["code"], code, "{body}");
    text(&body, "detail")
}

fn name(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str());
    name.expect("a name")
}

#[tokio::test]
async fn an_older_database_gives_no_version_a_second_digest() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"first");
        signing.store(b"other");
        let wanted = statement("notes", "1.0.0", b"first");
        let signature = signing.signature(&wanted).await;
        // Under a running instance, and before a start.
        for restart in [false, true] {
            signing.tamper(FORGET_STATEMENTS).await;
            let started;
            let instance = if restart {
                started = Instance::start(&folder.process).await.expect("a start");
                assert_eq!(signing.count("SELECT count(*) FROM statements").await, 1);
                &started
            } else {
                &signing
            };
            for version in ["1.0.0", "1.0"] {
                let other = statement("notes", version, b"other");
                let (status, body) = instance.sign(&other).await;
                assert_eq!(status, StatusCode::CONFLICT, "{body}");
                assert_eq!(body["code"], "statement_differs");
            }
            assert_eq!(instance.signature(&wanted).await, signature);
        }
        assert_eq!(signing.files().len(), 1);
    }
}

#[tokio::test]
async fn what_was_stated_and_not_signed_yet_holds_too() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"other");
        let (status, _) = signing.sign(&statement("notes", "1.0.0", b"first")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        signing.tamper(FORGET_STATEMENTS).await;
        let (status, _) = signing.sign(&statement("notes", "1.0.0", b"other")).await;
        assert_eq!(status, StatusCode::CONFLICT);
    }
}

/// Each order in which row, file and signature can be there when a process is killed.
#[tokio::test]
async fn a_kill_between_row_file_and_signature_changes_no_byte() {
    for engine in engines() {
        for restart in [false, true] {
            let (signing, folder) = first(engine).await;
            signing.store(b"bytes");
            let wanted = statement("notes", "1.0.0", b"bytes");
            let signature = signing.signature(&wanted).await;
            let files = signing.files();
            for (no_file, sql) in [
                (true, None),
                (true, Some(FORGET_SIGNATURES)),
                (false, Some(FORGET_SIGNATURES)),
                (false, Some(FORGET_STATEMENTS)),
            ] {
                if no_file {
                    fs::remove_file(&files[0].0).expect("a file");
                }
                if let Some(sql) = sql {
                    signing.tamper(sql).await;
                }
                let restarted = Instance::start(&folder.process);
                let instance = if restart {
                    &restarted.await.expect("a start")
                } else {
                    &signing
                };
                assert_eq!(instance.signature(&wanted).await, signature);
                assert_eq!(signing.files(), files, "the same bytes of the file");
            }
        }
    }
}

#[tokio::test]
async fn lost_files_are_written_again_from_their_rows() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"bytes");
        for (app, version) in [("notes", "1.0"), ("notes", "1.1-rc.1"), ("other", "1.0")] {
            signing.signature(&statement(app, version, b"bytes")).await;
        }
        let files = signing.files();
        assert_eq!(files.len(), 3);
        // As a database of 0.1.0, whose folder there never was.
        fs::remove_dir_all(signing.process.data.statements()).expect("the folder goes");
        Instance::start(&folder.process).await.expect("a start");
        assert_eq!(signing.files(), files);
    }
}

#[tokio::test]
async fn a_damaged_file_lets_its_name_wait_and_refuses_a_start() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"bytes");
        let wanted = statement("notes", "1.0.0", b"bytes");
        let signature = signing.signature(&wanted).await;
        let (path, content) = signing.files().remove(0);
        let as_text = String::from_utf8(content.clone()).expect("a text");
        let filed: Value = serde_json::from_str(&as_text).expect("JSON");
        let digest = crate::digest(b"other").to_string();
        let mut damages = vec![
            Vec::new(),
            b"{}".to_vec(),
            b"[1]".to_vec(),
            content[..content.len() / 2].to_vec(),
            vec![b' '; 100_000],
        ];
        for (field, value) in [
            ("sha256", json!(digest)),
            ("size", json!(6)),
            ("version", json!("1.0")),
            ("key_id", json!("6ED0000000000001")),
            ("stated_at", json!(1)),
            ("added", json!(1)),
            ("mac", json!("")),
            ("mac", json!("00".repeat(32))),
        ] {
            let mut changed = filed.clone();
            changed[field] = value;
            damages.push(changed.to_string().into_bytes());
        }
        for damaged in damages {
            // With the row and without it.
            for forget in [false, true] {
                if forget {
                    signing.tamper(FORGET_STATEMENTS).await;
                }
                fs::write(&path, &damaged).expect("a damaged file");
                let words = waits(&signing, &wanted, "statement_damaged").await;
                assert!(words.contains(name(&path)), "{words}");
                assert!(words.contains("put it back"), "{words}");
                let words = refusal(&folder.process).await;
                assert!(words.contains(name(&path)), "{words}");
                assert!(words.contains("remove the file"), "{words}");
                fs::write(&path, &content).expect("the file is put back");
                assert_eq!(signing.signature(&wanted).await, signature);
            }
        }
        Instance::start(&folder.process).await.expect("a start");
    }
}

#[tokio::test]
async fn a_file_that_was_moved_states_nothing() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"bytes");
        signing.store(b"other");
        signing
            .signature(&statement("notes", "1.0.0", b"bytes"))
            .await;
        let (source, content) = signing.files().remove(0);
        let wanted = statement("notes", "2.0.0", b"other");
        signing.signature(&wanted).await;
        let mut files = signing.files().into_iter();
        let (place, right) = files.find(|(path, _)| *path != source).expect("another");
        signing
            .tamper("DELETE FROM statements WHERE version = '2.0.0'")
            .await;
        fs::write(&place, &content).expect("a moved file");
        let words = waits(&signing, &wanted, "statement_damaged").await;
        assert!(words.contains("another name or version"), "{words}");
        assert!(words.contains(name(&place)), "{words}");
        let words = refusal(&folder.process).await;
        assert!(words.contains(name(&place)), "{words}");
        fs::write(&place, right).expect("the right one");
        Instance::start(&folder.process).await.expect("a start");
    }
}

#[tokio::test]
async fn a_row_that_says_something_else_than_its_file_is_refused() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"first");
        signing.store(b"other");
        let signature = signing
            .signature(&statement("notes", "1.0.0", b"first"))
            .await;
        let (path, _) = signing.files().remove(0);
        let (right, wrong) = (crate::digest(b"first"), crate::digest(b"other"));
        let set = |digest| format!("UPDATE statements SET sha256 = '{digest}'");
        signing.tamper(&set(wrong)).await;
        for content in [b"first", b"other"] {
            let wanted = statement("notes", "1.0.0", content);
            let words = waits(&signing, &wanted, "statement_damaged").await;
            for word in [name(&path), &right.to_string(), &wrong.to_string()] {
                assert!(words.contains(word), "{words}");
            }
        }
        let words = refusal(&folder.process).await;
        assert!(words.contains(name(&path)), "{words}");
        assert!(words.contains("put back the right one"), "{words}");
        signing.tamper(&set(right)).await;
        let started = Instance::start(&folder.process).await.expect("a start");
        let wanted = statement("notes", "1.0.0", b"first");
        assert_eq!(started.signature(&wanted).await, signature);

        // A row that hides: its version is said to be another one.
        signing
            .tamper("UPDATE statements SET version_key = 'x', signature = NULL")
            .await;
        assert!(refusal(&folder.process).await.contains(name(&path)));
        let other = statement("notes", "1.0.0", b"other");
        let (status, body) = signing.sign(&other).await;
        assert_eq!(status, StatusCode::CONFLICT, "{body}");
    }
}

#[tokio::test]
async fn what_was_stated_by_a_key_that_is_not_there_waits_for_it() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"bytes");
        signing.store(b"other");
        let wanted = statement("notes", "1.0.0", b"bytes");
        let signature = signing.signature(&wanted).await;
        let (_, key) = signing
            .post("/internal/keys", &json!({"app": "notes"}))
            .await;
        let key_id = text(&key, "key_id");
        let mut connection = signing.connection().await;
        let kept = connection.execute("CREATE TABLE kept AS SELECT * FROM keys");
        kept.await.expect("a copy of the keys");
        signing.tamper(FORGET_STATEMENTS).await;
        signing.tamper("DELETE FROM keys").await;
        let started = Instance::start(&folder.process).await.expect("a start");
        let missing = format!("the key {key_id} is not in signing's database: put it back");
        for instance in [&signing, &started] {
            let mut by_its_key = wanted.clone();
            for named in [json!(null), json!(key_id)] {
                by_its_key["key_id"] = named;
                let words = waits(instance, &by_its_key, "key_missing").await;
                assert_eq!(words, missing);
            }
            let (status, body) = instance
                .post("/internal/keys", &json!({"app": "notes"}))
                .await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
            assert_eq!(body["code"], "key_missing");
            assert_eq!(body["detail"], missing);
            // Others are not held up.
            instance
                .signature(&statement("other", "1.0.0", b"bytes"))
                .await;
        }
        assert_eq!(signing.count("SELECT count(*) FROM keys").await, 1);
        signing.tamper("INSERT INTO keys SELECT * FROM kept").await;
        let restarted = Instance::start(&folder.process).await.expect("a start");
        for instance in [&signing, &started, &restarted] {
            assert_eq!(instance.signature(&wanted).await, signature);
            let other = statement("notes", "1.0.0", b"other");
            assert_eq!(instance.sign(&other).await.0, StatusCode::CONFLICT);
        }
    }
}

/// More than one transaction, and both ways.
#[tokio::test]
async fn many_statements_come_back() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.public_key("notes").await;
        add_rows(&signing, 700).await;
        let rows = "SELECT count(*) FROM statements";
        Instance::start(&folder.process).await.expect("a start");
        let files = signing.files();
        assert_eq!(files.len(), 700);
        signing
            .tamper("DELETE FROM statements WHERE size < 600")
            .await;
        Instance::start(&folder.process).await.expect("a start");
        assert_eq!(signing.count(rows).await, 700);
        assert_eq!(signing.files(), files);
    }
}

/// Rows as a database of 0.1.0 has them, of the sizes 0 to `count`.
async fn add_rows(signing: &Instance, count: usize) {
    let mut connection = signing.connection().await;
    let mut transaction = connection.begin().await.expect("a transaction");
    for number in 0..count {
        let version: Version = format!("{number}.0").parse().expect("a version");
        let (digest, order) = (crate::digest(b"bytes"), version.order_key());
        let sql = format!(
            "INSERT INTO statements (app, version, version_key, filename, sha256, size, key_id, stated_at)
             SELECT 'notes', '{version}', '{order}', 'notes.apk', '{digest}', {number}, id, 7 FROM keys"
        );
        let done = transaction.execute(AssertSqlSafe(sql)).await;
        done.expect("a row");
    }
    transaction.commit().await.expect("a commit");
}

#[tokio::test]
async fn only_statement_files_are_read_and_nobody_else_may_enter() {
    use std::os::unix::fs::PermissionsExt as _;
    let (signing, folder) = first(Engine::Sqlite).await;
    signing.store(b"bytes");
    signing
        .signature(&statement("notes", "1.0.0", b"bytes"))
        .await;
    let (path, content) = signing.files().remove(0);
    let shard = path.parent().expect("a folder");
    let statements = signing.process.data.statements();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&statements), 0o700);
    assert_eq!(mode(shard), 0o700);
    assert_eq!(mode(&path), 0o600);
    // What a kill leaves, what an operator leaves, and what a file system has.
    fs::write(shard.join(".new-half"), &content[..9]).expect("half a file");
    fs::write(path.with_extension("json.bak"), b"old").expect("a copy");
    fs::create_dir(statements.join("lost+found")).expect("a folder");
    Instance::start(&folder.process).await.expect("a start");
    let names: Vec<_> = signing.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, [path.clone(), path.with_extension("json.bak")]);
}

#[tokio::test]
async fn a_folder_that_went_away_is_waited_for_and_not_made_anew() {
    let (signing, folder) = first(Engine::Sqlite).await;
    signing.store(b"bytes");
    signing.public_key("notes").await;
    let statements = signing.process.data.statements();
    let aside = folder.folder.path().join("aside");
    fs::rename(&statements, &aside).expect("the folder goes");
    let wanted = statement("notes", "1.0.0", b"bytes");
    waits(&signing, &wanted, "statements_unavailable").await;
    assert!(!statements.exists());
    fs::rename(&aside, &statements).expect("the folder comes back");
    signing.signature(&wanted).await;
}
