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
async fn a_signature_never_makes_a_key() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let mut wanted = statement("notes", "1.0.0", b"bytes");
        for (key_id, words) in [
            (json!(null), "no key of notes is in signing's database"),
            (json!("6ED0000000000001"), MISSING),
        ] {
            wanted["key_id"] = key_id;
            let (status, body) = signing.sign_by_its_key(&wanted).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
            assert_eq!(body["code"], "key_missing");
            let detail = crate::text(&body, "detail");
            assert!(detail.starts_with(words), "{detail}");
        }
        assert_eq!(signing.count("SELECT count(*) FROM keys").await, 0);
        assert_eq!(signing.count("SELECT count(*) FROM statements").await, 0);
    }
}

const MISSING: &str = "the key 6ED0000000000001 is not in signing's database: put it back";

#[tokio::test]
async fn nothing_is_signed_by_another_key_than_the_catalog_has_given_out() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let key = signing.public_key("notes").await;
        let mut wanted = statement("notes", "1.0.0", b"bytes");
        wanted["key_id"] = json!("6ED0000000000001");
        let (status, body) = signing.sign_by_its_key(&wanted).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert_eq!(body["code"], "key_missing");
        let detail = crate::text(&body, "detail");
        assert!(detail.starts_with(MISSING), "{detail}");
        assert!(detail.contains("signs for notes"), "{detail}");
        assert_eq!(signing.count("SELECT count(*) FROM statements").await, 0);
        // A catalog of 0.1.0 names none.
        wanted["key_id"] = json!(null);
        let (status, body) = signing.sign_by_its_key(&wanted).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(key.contains(&crate::text(&body, "key_id")), "{key}");
    }
}
