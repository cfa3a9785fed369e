//! Who did what.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_testkit::database::engines;
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::signing_peer::Conduct;

#[tokio::test]
async fn everything_that_is_done_is_written_down_with_who_did_it() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let body = json!({"name": "ci", "scopes": ["release"]});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        let token_id = made["id"].as_str().expect("an id");
        let ci = fixture
            .nobody()
            .with_token(made["token"].as_str().expect("a token"));
        let id = fixture.draft("notes", "1.0", b"one").await;
        fixture.signing.conducts(Conduct::Refuses);
        let releases = "/api/v1/apps/notes/releases";
        let files = fixture.files("notes", "1.0").await;
        let body = json!({"version": "1.0", "channel": "stable", "files": files});
        ci.post(releases, body).await.refused(422, "release_failed");
        fixture.signing.conducts(Conduct::Works);
        ci.post(&format!("{releases}/1.0/retry"), json!({}))
            .await
            .ok(201);
        let promote = "/api/v1/apps/notes/channels/beta";
        ci.put(promote, json!({"version": "1.0"})).await.ok(200);
        let request_id = Uuid::now_v7().to_string();
        let yank = ci.with("x-request-id", &request_id);
        yank.post(&format!("{releases}/1.0/yank"), json!({"reason": "broken"}))
            .await
            .ok(200);
        let mut delivery = fixture.delivery("notes", "2.0", "notes.apk", b"two");
        delivery.channel = Some(Word::read("stable"));
        fixture.deliver(&delivery).await.ok(200);
        fixture
            .admin()
            .delete(&format!("/api/v1/tokens/{token_id}"))
            .await
            .ok(204);

        let audit = fixture.admin().get("/api/v1/audit").await.ok(200);
        let mut entries = audit["items"].as_array().expect("a list").clone();
        entries.reverse();
        let expected = [
            ("administrator", "app.create", "notes"),
            ("administrator", "token.create", token_id),
            ("uploader", "package.upload", &id),
            ("ci", "release.publish", "1.0"),
            ("ci", "release.retry", "1.0"),
            ("ci", "channel.promote", "1.0 beta"),
            ("ci", "release.yank", "1.0"),
            ("uploader", "package.upload", &delivery.id),
            ("uploader", "release.publish", "2.0"),
            ("administrator", "token.revoke", token_id),
        ];
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        for (entry, (who, action, subject)) in entries.iter().zip(expected) {
            let found = (
                text(entry, "token_name"),
                text(entry, "action"),
                text(entry, "subject"),
            );
            assert_eq!(
                (found.0.as_str(), found.1.as_str(), found.2.as_str()),
                (who, action, subject)
            );
            Uuid::try_parse(&text(entry, "request_id")).expect("the request's id");
            assert!(text(entry, "at").ends_with('Z'));
        }
        assert_eq!(entries.len(), expected.len());
        assert_eq!(entries[6]["request_id"], request_id);
        assert_eq!(entries[6]["token_id"], token_id);
        assert_eq!(entries[6]["app"], "notes");
    }
}

#[tokio::test]
async fn the_administrator_of_one_app_sees_that_app_alone() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("paint").await;
        let admin = fixture.client(&["admin"], Some("paint")).await;
        let audit = admin.get("/api/v1/audit").await.ok(200);
        let entries = audit["items"].as_array().expect("a list");
        assert!(
            entries.iter().all(|entry| entry["app"] == "paint"),
            "{audit}"
        );
        assert_eq!(entries.len(), 2, "the app and the token");
    }
}

#[tokio::test]
async fn what_was_refused_is_not_written_down() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let before = fixture.admin().get("/api/v1/audit").await.ok(200);
        let app = json!({"slug": "notes", "name": "Notes"});
        fixture
            .admin()
            .post("/api/v1/apps", app)
            .await
            .refused(409, "app_exists");
        fixture
            .publish("notes", "1.0")
            .await
            .refused(404, "release_unknown");
        assert_eq!(fixture.admin().get("/api/v1/audit").await.ok(200), before);
    }
}
