//! One key for each app.

use http::StatusCode;
use serde_json::json;
use slipway_testkit::database::engines;

use crate::{Instance, first, statement};

#[tokio::test]
async fn an_app_has_one_key_and_no_other_app_has_it() {
    for engine in engines() {
        let (signing, folder) = first(engine).await;
        let notes = signing
            .post("/internal/keys", &json!({"app": "notes"}))
            .await;
        let other = signing
            .post("/internal/keys", &json!({"app": "other"}))
            .await;
        assert_eq!(notes.0, StatusCode::OK);
        assert_ne!(notes.1["key_id"], other.1["key_id"]);
        assert_ne!(notes.1["public_key"], other.1["public_key"]);
        let key_id = crate::text(&notes.1, "key_id");
        let public_key = crate::text(&notes.1, "public_key");
        assert!(public_key.starts_with(&format!(
            "untrusted comment: minisign public key {key_id}\n"
        )));
        let restarted = Instance::start(&folder.process).await.expect("a restart");
        for instance in [&signing, &restarted] {
            let again = instance
                .post("/internal/keys", &json!({"app": "notes"}))
                .await;
            assert_eq!(again, notes);
        }
        assert_eq!(signing.count("SELECT count(*) FROM keys").await, 2);
    }
}

#[tokio::test]
async fn a_signature_makes_the_key_that_is_missing() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let (status, signed) = signing.sign(&statement("notes", "1.0.0", b"bytes")).await;
        assert_eq!(status, StatusCode::OK, "{signed}");
        let (_, key) = signing
            .post("/internal/keys", &json!({"app": "notes"}))
            .await;
        assert_eq!(signed["key_id"], key["key_id"]);
    }
}
