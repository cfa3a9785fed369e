//! Versions that differ in nothing but their build, beside and after signing services to which they were one.

use std::fs;

use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_contract::Version;
use slipway_testkit::database::engines;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::{Instance, first, statement};

const VERSIONS: [(&str, &[u8]); 4] = [
    ("1.0.0+41", b"41"),
    ("1.0.0+42", b"42"),
    ("1.0.0", b"none"),
    ("1.0.0-rc.1+41", b"rc"),
];

fn wanted() -> Vec<Value> {
    let statements = VERSIONS.map(|(version, bytes)| statement("notes", version, bytes));
    statements.into()
}

async fn signatures(signing: &Instance) -> Vec<String> {
    let mut signatures = Vec::new();
    for wanted in wanted() {
        signatures.push(signing.signature(&wanted).await);
    }
    signatures
}

/// Nothing else is signed for any of the versions, in no spelling.
async fn others_are_refused(signing: &Instance) {
    for (version, _) in VERSIONS {
        for version in [version.to_owned(), version.replacen(".0", "", 1)] {
            let other = statement("notes", &version, b"other");
            let (status, body) = signing.sign(&other).await;
            assert_eq!(status, StatusCode::CONFLICT, "{version}: {body}");
            assert_eq!(body["code"], "statement_differs");
        }
    }
}

fn store(signing: &Instance) {
    for (_, bytes) in VERSIONS {
        signing.store(bytes);
    }
    signing.store(b"other");
}

#[tokio::test]
async fn each_build_is_stated_once_and_for_ever() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        store(&signing);
        let made = signatures(&signing).await;
        others_are_refused(&signing).await;
        let files = signing.files();
        assert_eq!(files.len(), 4);
        // As after an older copy of the database: of both tables, and of each alone.
        for forgotten in [
            &["DELETE FROM statements", "DELETE FROM further_statements"][..],
            &["DELETE FROM statements"],
            &["DELETE FROM further_statements"],
            &[
                "UPDATE statements SET signature = NULL",
                "UPDATE further_statements SET signature = NULL",
            ],
        ] {
            for restart in [false, true] {
                for sql in forgotten {
                    signing.tamper(sql).await;
                }
                let started = Instance::start(&folder.process);
                let instance = if restart {
                    &started.await.expect("a start")
                } else {
                    &signing
                };
                others_are_refused(instance).await;
                assert_eq!(signatures(instance).await, made);
                assert_eq!(signing.files(), files);
            }
        }
        fs::remove_dir_all(signing.process.data.statements()).expect("the folder goes");
        let started = Instance::start(&folder.process).await.expect("a start");
        assert_eq!(signing.files(), files);
        others_are_refused(&started).await;
        assert_eq!(signatures(&started).await, made);
    }
}

/// A killed process may have written the rows, and of the files none or the first.
#[tokio::test]
async fn a_kill_between_the_two_statements_changes_no_byte() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        store(&signing);
        let made = signatures(&signing).await;
        let files = signing.files();
        let further = files.iter().filter(|(path, _)| is_further(path));
        assert_eq!(further.clone().count(), 2);
        for (path, _) in further {
            fs::remove_file(path).expect("a file");
        }
        assert_eq!(signatures(&signing).await, made);
        assert_eq!(signing.files(), files);
        fs::remove_dir_all(signing.process.data.statements().join("further")).expect("a folder");
        let started = Instance::start(&folder.process).await.expect("a start");
        assert_eq!(signing.files(), files);
        assert_eq!(signatures(&started).await, made);
    }
}

fn is_further(path: &std::path::Path) -> bool {
    path.components().any(|part| part.as_os_str() == "further")
}

/// What a signing service of 0.3.0 or earlier finds under the one name that the versions have for it: the first
/// statement, as a row and as a file, whatever was stated afterwards.
#[tokio::test]
async fn an_earlier_version_beside_us_finds_the_first_statement() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        store(&signing);
        signatures(&signing).await;
        let key = |text: &str| {
            text.parse::<Version>()
                .expect("a version")
                .order_key()
                .to_owned()
        };
        for (stated, without_build) in [("1.0.0+41", "1.0.0"), ("1.0.0-rc.1+41", "1.0.0-rc.1")] {
            let key = key(without_build);
            let rows = format!(
                "SELECT count(*) FROM statements WHERE version = '{stated}' AND version_key = '{key}'"
            );
            assert_eq!(signing.count(&rows).await, 1, "{stated}");
            let place = json!(["notes", key, "notes.apk"]).to_string();
            let hash = hex::encode(Sha256::digest(place));
            let file = signing
                .process
                .data
                .statements()
                .join(&hash[..2])
                .join(format!("{hash}.json"));
            let filed: Value =
                serde_json::from_slice(&fs::read(file).expect("a file")).expect("JSON");
            assert_eq!(
                (&filed["version"], &filed["version_key"]),
                (&json!(stated), &json!(key))
            );
        }
        assert_eq!(signing.count("SELECT count(*) FROM statements").await, 2);
    }
}

/// The row that such a service has left, under its key or under one that says the build.
#[tokio::test]
async fn a_statement_of_an_earlier_version_is_found_and_not_made_again() {
    for engine in engines() {
        for whole_key in [false, true] {
            let (signing, folder) = first(engine).await;
            store(&signing);
            signing.public_key("notes").await;
            let version: Version = "1.0.0+41".parse().expect("a version");
            let key = if whole_key {
                version.order_key()
            } else {
                version.precedence_key()
            };
            let digest = crate::digest(b"41");
            let sql = format!(
                "INSERT INTO statements (app, version, version_key, filename, sha256, size, key_id, stated_at)
                 SELECT 'notes', '{version}', '{key}', 'notes.apk', '{digest}', 2, id, 1795000000999 FROM keys"
            );
            let mut connection = signing.connection().await;
            connection.execute(AssertSqlSafe(sql)).await.expect("a row");
            let started = Instance::start(&folder.process).await.expect("a start");
            let made = signatures(&started).await;
            assert!(made[0].contains("timestamp:1795000000\t"), "{}", made[0]);
            others_are_refused(&started).await;
            assert_eq!(signing.count("SELECT count(*) FROM statements").await, 2);
            let started = Instance::start(&folder.process).await.expect("a start");
            assert_eq!(signatures(&started).await, made);
        }
    }
}
