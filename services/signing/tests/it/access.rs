//! Who may ask, and in which words.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use slipway_contract::services::NAMES;
use slipway_testkit::call::{call, called_by};
use slipway_testkit::database::Engine;

use crate::{first, post, statement};

#[tokio::test]
async fn only_the_catalog_may_ask() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    signing.store(b"bytes");
    let calls = [
        ("/internal/keys", json!({"app": "notes"})),
        (
            "/internal/signatures",
            statement("notes", "1.0.0", b"bytes"),
        ),
    ];
    for (path, body) in &calls {
        for caller in NAMES {
            let request = called_by(&signing.process, caller, post(path, body));
            let (status, body) = call(&signing.router, request).await;
            let wanted = if caller == "catalog" { 200 } else { 403 };
            assert_eq!(status.as_u16(), wanted, "{caller} {path}: {body}");
        }
        let (status, body) = call(&signing.router, post(path, body)).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path}: {body}");
    }
}

#[tokio::test]
async fn there_is_no_call_beside_the_two() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    for path in [
        "/internal/sign",
        "/internal/keys/notes",
        "/sign",
        "/internal/signatures/raw",
    ] {
        let request = called_by(&signing.process, "catalog", post(path, &json!({})));
        let (status, _) = call(&signing.router, request).await;
        assert!(
            [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status),
            "{path}: {status}"
        );
    }
}

#[tokio::test]
async fn fields_that_are_missing_or_wrong_are_refused_by_name() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    signing.store(b"bytes");
    let good = statement("notes", "1.0.0", b"bytes");
    let with = |field: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, code, word) in [
        (with("app", json!("Notes")), "json_invalid", "a-z"),
        (
            with("app", json!("notes\tapp:other")),
            "json_invalid",
            "a-z",
        ),
        (with("version", json!("1.0\tx")), "json_invalid", "version"),
        (
            with("filename", json!("../notes.apk")),
            "json_invalid",
            "file name",
        ),
        (
            with("filename", json!("a\tversion:9")),
            "json_invalid",
            "control",
        ),
        (with("filename", json!("a\nb")), "json_invalid", "control"),
        (with("sha256", json!("AB")), "json_invalid", "SHA-256"),
        (with("size", json!(-1)), "json_invalid", "size"),
        (with("size", json!(u64::MAX)), "size_invalid", "bytes"),
        (json!({"app": "notes"}), "json_invalid", "version"),
    ] {
        let (status, answer) = signing.sign(&body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}: {answer}");
        assert_eq!(answer["code"], code, "{body}: {answer}");
        let detail = crate::text(&answer, "detail");
        assert!(detail.contains(word), "{body}: {detail}");
    }
    assert_eq!(signing.count("SELECT count(*) FROM statements").await, 0);
}

/// A later catalog may say more. What is not known here has no way into a message.
#[tokio::test]
async fn fields_of_a_later_catalog_change_nothing() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    signing.store(b"bytes");
    let wanted = statement("notes", "1.0.0", b"bytes");
    let signature = signing.signature(&wanted).await;
    let key = signing.public_key("notes").await;
    let mut more = wanted.clone();
    more["bytes"] = json!("aGVsbG8=");
    more["message"] = json!("hello");
    assert_eq!(signing.signature(&more).await, signature);
    let (status, answer) = signing
        .post("/internal/keys", &json!({"app": "notes", "seed": "00"}))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["public_key"], key);
}

#[tokio::test]
async fn readiness_is_that_of_the_database_the_store_and_the_statements() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    let ready = async || {
        let request = Request::get("/readyz")
            .body(Body::empty())
            .expect("a request");
        call(&signing.operators, request).await
    };
    assert_eq!(ready().await.0, StatusCode::OK);
    let data = &signing.process.data;
    for folder in [data.blobs(), data.statements()] {
        std::fs::remove_dir_all(&folder).expect("the folder goes");
        let (status, body) = ready().await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body["code"], "not_ready");
        let detail = crate::text(&body, "detail");
        let path = folder.display().to_string();
        assert!(!detail.contains(&path), "for the log alone: {detail}");
        std::fs::create_dir(&folder).expect("the folder comes back");
        assert_eq!(ready().await.0, StatusCode::OK);
    }
}
