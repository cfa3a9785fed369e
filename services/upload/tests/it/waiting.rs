//! Packages on their way to the catalog: it is away, refuses, fails, or is slow.

use axum::body::Body;
use http::{Request, StatusCode};
use slipway_contract::grant::Scope;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, until};

#[tokio::test]
async fn a_package_waits_for_the_catalog_and_goes_on_by_itself() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.set_away(true);
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        assert_eq!(answer.body["state"], "stored");
        assert!(answer.body["reason"].as_str().unwrap().contains("catalog"));
        let location = answer.header("location").to_owned();
        let shown = fixture.get(&location).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert_eq!(shown.body["state"], "stored");
        assert!(shown.body["reason"].as_str().unwrap().contains("catalog"));
        assert_eq!(fixture.instance.reading("outbox_rows").await, 1);

        fixture.catalog.set_away(false);
        until("it is released", async || {
            fixture.get(&location).await.body["state"] == "published"
        })
        .await;
        assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
    }
}

/// Rows as an instance has left them whose clock was an hour ahead.
#[tokio::test]
async fn leases_and_pauses_of_a_clock_that_was_wrong_are_none() {
    for engine in engines() {
        for left in [
            "UPDATE outbox SET next_at = $1",
            "UPDATE outbox SET lease_owner = 'gone', lease_until = $1",
        ] {
            let fixture = Fixture::new(engine).await;
            fixture.catalog.set_away(true);
            let answer = fixture
                .put("notes.bin?version=1.0&channel=stable", "bytes")
                .await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
            fixture.instance.stop().await;
            let edited = sqlx::query(left)
                .bind(slipway_runtime::clock::unix_millis() + 3600 * 1000)
                .execute(&mut fixture.database().await)
                .await;
            assert_eq!(edited.expect("an edit").rows_affected(), 1);
            fixture.catalog.set_away(false);
            let instance = fixture.another(|_| {}).await;
            until("it is handed over", async || {
                instance.reading("outbox_rows").await == 0
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_instance_started_without_the_catalog_decides_by_its_copy() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let expired = fixture.catalog.add_token(&[Scope::Upload], None, Some(1));
        let ask = async |instance: &crate::fixture::Instance, token: &str| {
            let request = Request::builder()
                .method("PUT")
                .uri("/api/v1/apps/notes/packages/notes.bin")
                .header("authorization", format!("Bearer {token}"))
                .header("prefer", "respond-async, wait=1")
                .body(Body::from("bytes"));
            instance.send(request.unwrap()).await
        };
        until("the token is known", async || {
            ask(&fixture.instance, &expired).await.verdict().1 == "token_expired"
        })
        .await;
        fixture.instance.stop().await;
        let alone = fixture.alone().await;
        assert_eq!(
            ask(&alone, &fixture.token).await.status,
            StatusCode::ACCEPTED
        );
        assert_eq!(
            ask(&alone, &expired).await.verdict(),
            (401, "token_expired")
        );
        let unknown = slipway_runtime::token::Token::random().unwrap();
        assert_eq!(
            ask(&alone, unknown.reveal()).await.verdict(),
            (401, "token_invalid")
        );
    }
}

#[tokio::test]
async fn a_refusal_of_the_catalog_is_shown_where_the_developer_looks() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.refuse(Some((
            StatusCode::CONFLICT,
            "release_published",
            "1.0 is released",
        )));
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.verdict(), (409, "release_published"));
        assert_eq!(answer.body["detail"], "1.0 is released");
        assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
        assert_eq!(fixture.instance.reading("packages_refused").await, 1);
        fixture.catalog.refuse(None);
        let again = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(
            again.status,
            StatusCode::CREATED,
            "what was refused is not in the way"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_for_good_when_it_is_said_twice() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (version, codes) in [
            ("1.0", &["package_unknown"] as &[_]),
            ("1.1", &["package_unknown", "release_unknown"]),
        ] {
            fixture.catalog.confuse(codes);
            let put = format!("notes.bin?version={version}&channel=stable");
            let taken = fixture.put(&put, "bytes").await;
            assert_eq!(taken.status, StatusCode::CREATED, "{taken:?}");
        }
        fixture.catalog.refuse(Some((
            StatusCode::CONFLICT,
            "release_published",
            "1.2 is released",
        )));
        let refused = fixture
            .put("notes.bin?version=1.2&channel=stable", "bytes")
            .await;
        assert_eq!(refused.verdict(), (409, "release_published"));
    }
}

#[tokio::test]
async fn a_failed_release_says_why() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture
            .catalog
            .publish_state("failed", Some("the bytes changed on disk"));
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.verdict(), (422, "release_failed"));
        assert!(
            answer.body["detail"]
                .as_str()
                .unwrap()
                .contains("the bytes changed on disk")
        );
        fixture
            .catalog
            .publish_state("signing", Some("the signing service does not answer"));
        let request = fixture
            .request(
                "PUT",
                "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable",
            )
            .header("prefer", "wait=1")
            .body(Body::from("bytes"));
        let answer = fixture.instance.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(answer.body["state"], "signing");
        assert_eq!(answer.body["reason"], "the signing service does not answer");
    }
}

#[tokio::test]
async fn what_is_asked_again_while_a_delivery_is_on_its_way_is_told_too() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.set_silent(true);
        let put = async || {
            let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable";
            let request = fixture.request("PUT", path).header("prefer", "wait=0");
            let request = request.body(Body::from("bytes"));
            fixture.instance.send(request.unwrap()).await.status
        };
        assert_eq!(put().await, StatusCode::ACCEPTED);
        until("the first is on its way", async || {
            fixture.catalog.deliveries().len() == 1
        })
        .await;
        assert_eq!(put().await, StatusCode::ACCEPTED);
        fixture.catalog.set_silent(false);
        until("both were told", async || {
            fixture.catalog.deliveries().len() == 2
        })
        .await;
        let [first, second] = &fixture.catalog.deliveries()[..] else {
            panic!("not two deliveries");
        };
        assert_eq!(first.id, second.id);
        assert_ne!(first.intent, second.intent);
        until("nothing is left to tell", async || {
            fixture.instance.reading("outbox_rows").await == 0
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_never_tells_of_the_time_before_its_intent() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.publish_state("failed", Some("no space"));
        let path = "notes.bin?version=1.0&channel=stable";
        let failed = fixture.put(path, "bytes").await;
        assert_eq!(failed.verdict(), (422, "release_failed"));
        fixture.catalog.set_silent(true);
        let path = format!("/api/v1/apps/notes/packages/{path}");
        let request = fixture.request("PUT", &path).header("prefer", "wait=0");
        let request = request.body(Body::from("bytes")).unwrap();
        let again = fixture.instance.send(request).await;
        assert_eq!(again.status, StatusCode::ACCEPTED, "{again:?}");
        assert_eq!(again.body["state"], "stored");
        fixture.catalog.set_silent(false);
    }
}
