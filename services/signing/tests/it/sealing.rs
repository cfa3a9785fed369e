//! Somebody who can write to the database, but has no sealing key, gets nothing signed with the wrong key.

use std::fs;

use http::StatusCode;
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
use slipway_runtime::key::Key;
use slipway_signing::Settings;
use slipway_testkit::database::engines;

use crate::{Instance, first, statement};

#[tokio::test]
async fn a_key_that_was_moved_to_another_app_does_not_open() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        let notes = signing.public_key("notes").await;
        let other = signing.public_key("other").await;
        for (from, to) in [("notes", "aside"), ("other", "notes"), ("aside", "other")] {
            signing
                .tamper(&format!(
                    "UPDATE keys SET app = '{to}' WHERE app = '{from}'"
                ))
                .await;
        }
        assert_eq!(signing.public_key("notes").await, other);
        assert_eq!(signing.public_key("other").await, notes);
        for app in ["notes", "other"] {
            let (status, body) = signing.sign(&statement(app, "1.0.0", b"bytes")).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
            assert_eq!(body["code"], "internal");
        }
        assert_eq!(signing.signatures().await, 0);
    }
}

#[tokio::test]
async fn a_statement_that_was_moved_to_another_key_is_not_signed() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.public_key("other").await;
        let wanted = statement("notes", "1.0.0", b"bytes");
        let (status, _) = signing.sign(&wanted).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        signing
            .tamper("UPDATE statements SET key_id = (SELECT id FROM keys WHERE app = 'other')")
            .await;
        signing.store(b"bytes");
        let (status, body) = signing.sign(&wanted).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert_eq!(body["code"], "statement_damaged");
        // Also where no file says which key it was.
        fs::remove_file(&signing.files()[0].0).expect("a file");
        let (status, body) = signing.sign(&wanted).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
        assert_eq!(signing.signatures().await, 0);
    }
}

#[tokio::test]
async fn a_public_half_of_another_key_stops_the_signature() {
    for engine in engines() {
        let (signing, _folder) = first(engine).await;
        signing.store(b"bytes");
        signing.public_key("notes").await;
        signing.public_key("other").await;
        signing
            .tamper(
                "UPDATE keys SET public_key = (SELECT public_key FROM keys WHERE app = 'other')
                 WHERE app = 'notes'",
            )
            .await;
        let (status, body) = signing.sign(&statement("notes", "1.0.0", b"bytes")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
        assert_eq!(signing.signatures().await, 0);
    }
}

#[tokio::test]
async fn a_wrong_sealing_key_refuses_to_start() {
    for engine in engines() {
        for with_a_key in [false, true] {
            let (signing, folder) = first(engine).await;
            if with_a_key {
                signing.public_key("notes").await;
            }
            let file = signing.process.data.sealing_key();
            let right = fs::read(&file).expect("the sealing key");
            fs::write(&file, Key::random().expect("a key").to_text()).expect("another key");
            let error = Instance::start(&folder.process)
                .await
                .err()
                .expect("a refusal");
            let words = format!("{error:#}");
            assert!(words.contains("does not fit the database"), "{words}");
            assert!(words.contains("sealing.key"), "{words}");
            fs::write(&file, &right).expect("the right key");
            Instance::start(&folder.process).await.expect("a start");
        }
    }
}

#[tokio::test]
async fn a_missing_or_damaged_sealing_key_refuses_to_start() {
    let (signing, folder) = first(slipway_testkit::database::Engine::Sqlite).await;
    let file = signing.process.data.sealing_key();
    fs::write(&file, "abc").expect("a damaged key");
    let error = Instance::start(&folder.process)
        .await
        .err()
        .expect("a refusal");
    assert!(
        format!("{error:#}").contains("sealing.key is damaged"),
        "{error:#}"
    );
    fs::remove_file(&file).expect("no key");
    let error = Instance::start(&folder.process)
        .await
        .err()
        .expect("a refusal");
    assert!(format!("{error:#}").contains("could not read"), "{error:#}");
}

#[tokio::test]
async fn an_operator_gives_the_sealing_key_in_a_file_of_their_own() {
    let (signing, folder) = first(slipway_testkit::database::Engine::Sqlite).await;
    let key = signing.public_key("notes").await;
    let elsewhere = folder.folder.path().join("operator.key");
    fs::rename(signing.process.data.sealing_key(), &elsewhere).expect("the key moves");
    let mut settings = Settings::default();
    settings.keys.sealing_key_file = Some(elsewhere);
    let restarted = Instance::start_with(&folder.process, settings).await;
    assert_eq!(restarted.expect("a start").public_key("notes").await, key);
}

#[tokio::test]
async fn no_seed_lies_open_in_the_database() {
    let (signing, _folder) = first(slipway_testkit::database::Engine::Sqlite).await;
    signing.public_key("notes").await;
    let mut connection = signing.connection().await;
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM keys")
        .fetch_one(&mut connection)
        .await
        .expect("a key");
    // Nonce, seed, tag.
    assert_eq!(sealed.len(), 24 + 32 + 16);
    let public_key = signing.public_key("notes").await;
    for seed in sealed.windows(32) {
        let seed = seed.try_into().expect("32 bytes");
        let id = slipway_signatures::minisign::KeyId::from_bytes([0; 8]);
        let key = slipway_signatures::minisign::SecretKey::from_seed(id, seed);
        let line = key.public_key().to_string();
        let (_, tail) = line.trim_end().split_at(line.trim_end().len() - 40);
        assert!(!public_key.contains(tail));
    }
}

#[tokio::test]
async fn the_memory_with_the_keys_is_shown_to_nobody() {
    let engine = engines().into_iter().next().expect("an engine");
    let (_signing, _folder) = first(engine).await;
    let seen = dumpable_behavior().expect("Linux");
    assert_eq!(seen, DumpableBehavior::NotDumpable);
    assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
}
