//! A name in a version means one set of bytes, for ever.

use http::StatusCode;
use serde_json::json;
use slipway_signatures::minisign::verify_file;
use slipway_testkit::database::engines;
use sqlx::Executor as _;

use crate::{Instance, first, statement, text};

#[tokio::test]
async fn other_bytes_under_a_stated_name_are_never_signed() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"first");
        signing.store(b"other");
        let signature = signing
            .signature(&statement("notes", "1.0.0", b"first"))
            .await;
        let mut other_size = statement("notes", "1.0.0", b"first");
        other_size["size"] = json!(6);
        for other in [
            statement("notes", "1.0.0", b"other"),
            other_size,
            // Equal in order, so the same version, in other words.
            statement("notes", "1.0", b"first"),
        ] {
            let (status, body) = signing.sign(&other).await;
            assert_eq!(status, StatusCode::CONFLICT, "{other}: {body}");
            assert_eq!(body["code"], "statement_differs");
            let detail = text(&body, "detail");
            assert!(
                detail.contains("notes.apk") && detail.contains("new version"),
                "{detail}"
            );
        }
        assert_eq!(
            signing
                .signature(&statement("notes", "1.0.0", b"first"))
                .await,
            signature
        );
        assert_eq!(signing.signatures().await, 1);
    }
}

#[tokio::test]
async fn a_statement_holds_also_before_it_is_signed() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"other");
        let (status, _) = signing.sign(&statement("notes", "1.0.0", b"first")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let (status, _) = signing.sign(&statement("notes", "1.0.0", b"other")).await;
        assert_eq!(status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn the_same_bytes_under_another_name_version_or_app_are_another_statement() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let mut renamed = statement("notes", "1.0.0", b"bytes");
        renamed["filename"] = json!("Größe (x64).apk");
        let mut signatures = Vec::new();
        for wanted in [
            statement("notes", "1.0.0", b"bytes"),
            statement("notes", "1.0.1", b"bytes"),
            statement("other", "1.0.0", b"bytes"),
            renamed,
        ] {
            let signature = signing.signature(&wanted).await;
            let key = signing.public_key(&text(&wanted, "app")).await;
            let proven = verify_file(b"bytes".as_slice(), &signature, &key);
            let said = proven.expect("a proof").statement.expect("a statement");
            assert_eq!(said.app.as_str(), wanted["app"]);
            assert_eq!(said.version.as_str(), wanted["version"]);
            assert_eq!(said.file.as_str(), wanted["filename"]);
            assert_eq!(said.sha256.as_hex(), text(&wanted, "sha256"));
            signatures.push(signature);
        }
        signatures.sort_unstable();
        signatures.dedup();
        assert_eq!(signatures.len(), 4);
    }
}

#[tokio::test]
async fn retries_and_restarts_give_equal_bytes() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        let blob = signing.store(b"bytes");
        let wanted = statement("notes", "1.0.0", b"bytes");
        let signature = signing.signature(&wanted).await;
        let restarted = Instance::start(&folder.process).await.expect("a restart");
        assert_eq!(restarted.signature(&wanted).await, signature);
        // Killed after the statement and before its signature was kept: it is made again from what was written.
        signing
            .tamper("UPDATE statements SET signature = NULL")
            .await;
        assert_eq!(restarted.signature(&wanted).await, signature);
        // What was answered once does not depend on the store.
        std::fs::remove_file(signing.process.data.blobs().join(blob.blob_path())).expect("a blob");
        assert_eq!(restarted.signature(&wanted).await, signature);
    }
}

#[tokio::test]
async fn the_time_is_that_of_the_statement_not_of_the_signature() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        let wanted = statement("notes", "1.0.0", b"bytes");
        signing.sign(&wanted).await;
        signing
            .tamper("UPDATE statements SET stated_at = 1795000000999")
            .await;
        // As on a database of 0.1.0, which had no files; with its file the changed row is refused.
        std::fs::remove_file(&signing.files()[0].0).expect("a file");
        signing.store(b"bytes");
        let signature = signing.signature(&wanted).await;
        assert!(signature.contains("trusted comment: timestamp:1795000000\tfile:notes.apk\tversion:1.0.0\tapp:notes\tsha256:"));
    }
}

/// A later version ran here, and left a migration that this one does not know.
#[tokio::test]
async fn a_database_with_later_migrations_is_opened() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        signing.store(b"bytes");
        let wanted = statement("notes", "1.0.0", b"bytes");
        let signature = signing.signature(&wanted).await;
        signing
            .tamper(
                "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
                 SELECT 9999, 'later', installed_on, success, checksum, execution_time FROM _sqlx_migrations
                 WHERE version = 1",
            )
            .await;
        let mut connection = signing.connection().await;
        let column =
            connection.execute("ALTER TABLE statements ADD COLUMN later text NOT NULL DEFAULT ''");
        column.await.expect("a later column");
        let started = Instance::start(&folder.process).await.expect("a start");
        assert_eq!(started.signature(&wanted).await, signature);
        started
            .signature(&statement("notes", "1.0.1", b"bytes"))
            .await;
    }
}

#[tokio::test]
async fn nothing_new_is_stated_by_a_clock_that_is_wrong() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let old = statement("notes", "1.0.0", b"bytes");
        let signature = signing.signature(&old).await;
        let hour = 3_600_000;
        let elsewhere = slipway_runtime::clock::unix_millis() + hour;
        let mut new = statement("notes", "1.0.1", b"bytes");
        new["now"] = json!(elsewhere);
        signing.peers.registry_time.tell(elsewhere);
        let (status, body) = signing.sign(&new).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert_eq!(body["code"], "clock_wrong");
        assert!(
            text(&body, "detail").contains("signing's clock says"),
            "{body}"
        );
        // What has its time already is not held up.
        assert_eq!(signing.signature(&old).await, signature);
        // One of the two may be wrong instead.
        new["now"] = json!(elsewhere - hour);
        signing.signature(&new).await;

        // A statement of a time when the clock was ahead, as far as anybody knows.
        let mut database = signing.connection().await;
        let ahead = "UPDATE statements SET stated_at = $1 WHERE version = '1.0.1'";
        let ahead = sqlx::query(ahead).bind(elsewhere);
        ahead.execute(&mut database).await.expect("a row");
        for (path, _) in &signing.files() {
            std::fs::remove_file(path).expect("a file");
        }
        let signing = Instance::start(&signing.process).await.expect("a restart");
        let (status, body) = signing.sign(&statement("notes", "1.0.2", b"bytes")).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert_eq!(body["code"], "clock_wrong");
        assert!(text(&body, "detail").contains("has gone back"), "{body}");
    }
}
