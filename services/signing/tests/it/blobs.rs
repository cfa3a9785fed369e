//! No byte is signed that was not read and found to be the one that is stated.

use std::fs;

use http::StatusCode;
use slipway_testkit::database::{Engine, engines};

use crate::{digest, first, statement};

/// More than three chunks, and no whole number of them.
fn content() -> Vec<u8> {
    (0..3 * 1024 * 1024 + 17_u32)
        .map(|n| n.to_le_bytes()[n as usize % 3])
        .collect()
}

#[tokio::test]
async fn a_flipped_bit_or_another_length_is_refused_and_the_mended_blob_is_signed() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        let content = content();
        let path = signing.store(&content).blob_path();
        let blob = signing.process.data.blobs().join(path);
        let wanted = statement("notes", "1.0.0", &content);
        for place in [0, content.len() / 2, content.len() - 1] {
            let mut flipped = content.clone();
            flipped[place] ^= 1;
            fs::write(&blob, &flipped).expect("another blob");
            let (status, body) = signing.sign(&wanted).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(body["code"], "digest_mismatch");
        }
        for length in [0, content.len() - 1] {
            fs::write(&blob, &content[..length]).expect("a shorter blob");
            assert_eq!(signing.sign(&wanted).await.1["code"], "digest_mismatch");
        }
        assert_eq!(signing.signatures().await, 0);
        fs::write(&blob, &content).expect("the blob mended");
        signing.signature(&wanted).await;
        assert_eq!(signing.signatures().await, 1);
    }
}

#[tokio::test]
async fn the_bytes_are_read_before_the_key_is_opened() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.public_key("notes").await;
        // From here on whoever opens the key fails with 500.
        let mut connection = signing.connection().await;
        sqlx::query("UPDATE keys SET sealed = $1")
            .bind(vec![0_u8; 72])
            .execute(&mut connection)
            .await
            .expect("a damaged key");
        let wanted = statement("notes", "1.0.0", b"bytes");
        let path = signing.store(b"bytes").blob_path();
        let blob = signing.process.data.blobs().join(path);
        fs::write(&blob, b"bytez").expect("another blob");
        let (status, body) = signing.sign(&wanted).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        fs::write(&blob, b"bytes").expect("the blob mended");
        let (status, body) = signing.sign(&wanted).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
        assert_eq!(signing.signatures().await, 0);
    }
}

#[tokio::test]
async fn a_blob_that_is_not_there_is_said_so_and_signed_when_it_comes() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        let wanted = statement("notes", "1.0.0", b"late");
        let (status, body) = signing.sign(&wanted).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(body["code"], "blob_missing");
        let detail = crate::text(&body, "detail");
        assert!(detail.contains(&digest(b"late").as_hex()), "{detail}");
        signing.store(b"late");
        signing.signature(&wanted).await;
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_no_verdict_on_the_bytes() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    signing.store(b"bytes");
    let store = signing.process.data.blobs();
    let aside = store.with_extension("aside");
    fs::rename(&store, &aside).expect("the store goes");
    let wanted = statement("notes", "1.0.0", b"bytes");
    let (status, body) = signing.sign(&wanted).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(body["code"], "store_unavailable");
    fs::rename(&aside, &store).expect("the store comes back");
    signing.signature(&wanted).await;
}

#[tokio::test]
async fn an_empty_file_is_signed_like_any_other() {
    let (signing, _folder) = first(Engine::Sqlite).await;
    signing.store(b"");
    signing.signature(&statement("notes", "1.0.0", b"")).await;
}
