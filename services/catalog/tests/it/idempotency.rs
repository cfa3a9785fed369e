//! Requests that are sent again because their answer was lost.

use http::Method;
use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_request_that_is_sent_again_has_its_effect_once_and_the_same_answer() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("paint").await;
        for version in ["1.0", "2.0", "3.0"] {
            fixture.draft("paint", version, version.as_bytes()).await;
        }
        fixture.publish("paint", "2.0").await.ok(201);
        fixture.publish("paint", "3.0").await.ok(201);
        let (post, put) = (Method::POST, Method::PUT);
        let files = fixture.files("paint", "1.0").await;
        for (method, path, body, other, action) in [
            (
                &post,
                "/api/v1/apps",
                json!({"slug": "notes", "name": "Notes"}),
                json!({"slug": "notes", "name": "Other"}),
                "app.create notes",
            ),
            (
                &post,
                "/api/v1/apps/paint/releases",
                json!({"version": "1.0", "channel": "stable", "files": files}),
                json!({"version": "1.0", "channel": "beta"}),
                "release.publish 1.0",
            ),
            (
                &put,
                "/api/v1/apps/paint/channels/beta",
                json!({"version": "2.0"}),
                json!({"version": "3.0"}),
                "channel.promote 2.0 beta",
            ),
            (
                &post,
                "/api/v1/apps/paint/releases/3.0/yank",
                json!({"reason": "broken"}),
                json!({"reason": "worse"}),
                "release.yank 3.0",
            ),
        ] {
            let client = fixture
                .admin()
                .with("idempotency-key", format!("key of {path}"));
            let first = client.send(method.clone(), path, Some(body.clone())).await;
            let again = client.send(method.clone(), path, Some(body)).await;
            assert!(first.status < 300, "{}", first.body);
            assert_eq!(
                (again.status, &again.body),
                (first.status, &first.body),
                "{path}"
            );
            let answer = client.send(method.clone(), path, Some(other)).await;
            answer.refused(422, "idempotency_key_reused");

            let audit = fixture.admin().get("/api/v1/audit?limit=200").await.ok(200);
            let entries = audit["items"].as_array().expect("a list");
            let of_action = entries.iter().filter(|entry| told(entry) == action);
            assert_eq!(of_action.count(), 1, "{action} was done once");
        }
    }
}

fn told(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    format!("{} {}", text("action"), text("subject"))
}

#[tokio::test]
async fn a_key_belongs_to_its_token_and_to_what_succeeded() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let first = fixture
            .client(&["release"], None)
            .await
            .with("idempotency-key", "k");
        let second = fixture
            .client(&["release"], None)
            .await
            .with("idempotency-key", "k");
        let releases = "/api/v1/apps/notes/releases";
        // A refused request leaves no trace of its key.
        let missing = json!({"version": "9.0", "channel": "stable"});
        first
            .post(releases, missing)
            .await
            .refused(404, "release_unknown");
        let files = fixture.files("notes", "1.0").await;
        let body = json!({"version": "1.0", "channel": "stable", "files": files});
        first.post(releases, body.clone()).await.ok(201);
        second
            .post(releases, body.clone())
            .await
            .refused(409, "release_published");
        first.post(releases, body).await.ok(201);
    }
}

#[tokio::test]
async fn an_app_that_was_made_and_deleted_is_not_said_to_be_there() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let client = fixture.admin().with("idempotency-key", "one".to_owned());
        let app = json!({"slug": "notes", "name": "Notes"});
        let apps = "/api/v1/apps";
        client.post(apps, app.clone()).await.ok(201);
        let delete = "/api/v1/apps/notes?confirm=notes";
        client.delete(delete).await.ok(204);
        let again = client.post(apps, app).await;
        again.refused(410, "app_deleted");
    }
}

#[tokio::test]
async fn a_key_that_nobody_can_have_meant_is_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let body = json!({"slug": "notes", "name": "Notes"});
        for key in ["", &"k".repeat(201)] {
            let client = fixture.admin().with("idempotency-key", key);
            let answer = client.post("/api/v1/apps", body.clone()).await;
            answer.refused(400, "idempotency_key_invalid");
        }
    }
}
