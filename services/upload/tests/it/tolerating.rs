//! A catalog of a later version.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use slipway_contract::grant::Scope;
use slipway_runtime::token::Token;
use slipway_testkit::database::engines;
use sqlx::{AnyConnection, Connection as _, query, query_scalar};

use crate::fixture::{Fixture, Instance, until};

/// Whether the token may upload; the bytes may be known already.
async fn may_upload(instance: &Instance, token: &str) -> bool {
    let request = Request::builder()
        .method("PUT")
        .uri("/api/v1/apps/notes/packages/notes.bin")
        .header("authorization", format!("Bearer {token}"))
        .header("prefer", "respond-async, wait=0")
        .body(Body::from("bytes"));
    instance
        .send(request.expect("a request"))
        .await
        .status
        .is_success()
}

async fn database(fixture: &Fixture) -> AnyConnection {
    let process = &fixture.test.process;
    let file = process.data.service("upload").join("upload.db");
    let url = process.settings.database.url.clone();
    let url = url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
    AnyConnection::connect(&url).await.expect("the database")
}

#[tokio::test]
async fn rows_that_are_not_known_are_passed_over_and_taken_by_the_version_that_knows_them() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let learnt = Token::random().expect("a token");
        let grant = json!({"id": "t", "name": "ci", "scopes": ["mirror", "upload"], "app": null, "expires_at": null,
            "revoked_at": null, "more": 1});
        // A token in a row that this version does not know, and one of which it knows all but a scope.
        let later = json!({"type": "token2", "hash": learnt.hash(), "grant": grant});
        let seq = fixture.catalog.add_later(later);
        let partly = Token::random().expect("a token");
        fixture
            .catalog
            .add_later(json!({"type": "token", "hash": partly.hash(), "grant": grant}));
        fixture.catalog.add_later(
            json!({"type": "release", "app": "notes", "version": "1.0", "visibility": "half",
            "channels": [], "notes": null, "published_at": null, "reason": null, "packages": []}),
        );
        let known = fixture.catalog.add_token(&[Scope::Upload], None, None);
        until("what comes after it is known", async || {
            may_upload(&fixture.instance, &known).await
        })
        .await;
        let instance = &fixture.instance;
        assert!(may_upload(instance, partly.reveal()).await);
        assert!(!may_upload(instance, learnt.reveal()).await);
        let mut database = database(&fixture).await;
        let lossy_by: String = query_scalar("SELECT lossy_by FROM copy_position")
            .fetch_one(&mut database)
            .await
            .expect("a note");
        assert_eq!(lossy_by, env!("CARGO_PKG_VERSION"));

        // The same version has nothing to learn.
        fixture.instance.stop().await;
        let again = fixture.another(|_| {}).await;
        assert!(!may_upload(&again, learnt.reveal()).await);
        again.stop().await;

        // It was an earlier version that passed it over; this one knows the row, which did not change.
        fixture.catalog.learn(seq, "token");
        query("UPDATE copy_position SET lossy_by = '0.0.9'")
            .execute(&mut database)
            .await
            .expect("an earlier version");
        let upgraded = fixture.another(|_| {}).await;
        until("the row is taken", async || {
            may_upload(&upgraded, learnt.reveal()).await
        })
        .await;
        assert!(may_upload(&upgraded, &known).await);
        let epoch: String = query_scalar("SELECT epoch FROM copy_position")
            .fetch_one(&mut database)
            .await
            .expect("a position");
        assert_eq!(epoch, "e0");
    }
}

#[tokio::test]
async fn a_copy_that_is_taken_anew_stays_in_use_while_the_catalog_is_away() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.instance.stop().await;
        query("UPDATE copy_position SET lossy_by = '0.0.9'")
            .execute(&mut database(&fixture).await)
            .await
            .expect("an earlier version");
        let alone = fixture.alone().await;
        assert!(may_upload(&alone, &fixture.token).await);
    }
}

/// An older catalog does not know what it is asked: it will once it is upgraded.
#[tokio::test]
async fn what_an_older_catalog_does_not_know_is_no_refusal() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (version, status, code) in [
            ("1.0", StatusCode::BAD_REQUEST, "parameter_unknown"),
            ("1.1", StatusCode::NOT_FOUND, "not_found"),
            ("1.2", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ] {
            fixture.catalog.refuse(Some((status, code, "")));
            // The bytes are the code: an upload of the same ones would be known already.
            let path = format!("notes.bin?version={version}");
            let answer = fixture.put(&path, code).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
            assert_eq!(answer.body["state"], "stored", "{answer:?}");
            let location = answer.header("location").to_owned();
            fixture.catalog.refuse(None);
            until("it is handed over", async || {
                fixture.get(&location).await.body["state"] == "draft"
            })
            .await;
        }
    }
}

/// Of a later version beside us, whose migrations ran while our connections were open.
#[tokio::test]
async fn a_column_more_breaks_no_statement() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture.put("notes.bin?version=1.0", "one").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let location = answer.header("location").to_owned();
        // As often as there are connections that prepare it.
        for _ in 0..20 {
            assert_eq!(fixture.get(&location).await.status, StatusCode::OK);
        }
        query("ALTER TABLE packages ADD COLUMN of_a_later_version text")
            .execute(&mut database(&fixture).await)
            .await
            .expect("a column more");
        assert_eq!(fixture.get(&location).await.status, StatusCode::OK);
        let answer = fixture.put("notes.bin?version=2.0", "two").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}
