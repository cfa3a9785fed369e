//! Names and texts that are shown, and words that are reserved.

use serde_json::json;
use slipway_contract::Word;
use slipway_testkit::database::engines;
use sqlx::query;

use crate::fixture::Fixture;

#[tokio::test]
async fn names_and_texts_are_composed_and_hold_nothing_unseen() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let admin = fixture.admin();
        let cafe = json!({"slug": "cafe", "name": "Cafe\u{301} 👨\u{200d}👧"});
        let app = admin.post("/api/v1/apps", cafe).await.ok(201);
        assert_eq!(app["name"], "Caf\u{e9} 👨\u{200d}👧");
        let unseen = [
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{7}b",
            "a\u{feff}",
            "a \u{200d} b",
        ];
        for name in unseen.into_iter().chain(["Notes.", "a\nb"]) {
            let app = json!({"slug": "notes", "name": name});
            let answer = admin.post("/api/v1/apps", app).await;
            answer.refused(422, "name_refused");
            let token = json!({"name": name, "scopes": ["read"]});
            let answer = admin.post("/api/v1/tokens", token).await;
            answer.refused(422, "name_refused");
        }
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let releases = "/api/v1/apps/notes/releases";
        for text in unseen {
            let body = json!({"version": "1.0", "channel": "stable", "notes": text});
            admin
                .post(releases, body)
                .await
                .refused(422, "text_refused");
        }
        let body = json!({"version": "1.0", "channel": "stable", "notes": "- cafe\u{301}.\r\n"});
        let uploader = fixture.uploader().await;
        let release = uploader.post(releases, body).await.ok(201);
        assert_eq!(release["notes"], "- caf\u{e9}.\r\n");
        let yank = format!("{releases}/1.0/yank");
        for text in unseen {
            let answer = admin.post(&yank, json!({"reason": text})).await;
            answer.refused(422, "text_refused");
        }
        let yanked = admin
            .post(&yank, json!({"reason": "It loses notes."}))
            .await;
        assert_eq!(yanked.ok(200)["reason"], "It loses notes.");
    }
}

#[tokio::test]
async fn reserved_words_are_not_made() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for slug in ["repo", "dists", "pool", "all", "api", "keys", "latest"] {
            let app = json!({"slug": slug, "name": "x"});
            let answer = fixture.admin().post("/api/v1/apps", app).await;
            answer.refused(422, "slug_refused");
        }
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        for channel in ["latest", "all", "report", "omaha"] {
            let promote = format!("/api/v1/apps/notes/channels/{channel}");
            let answer = fixture
                .admin()
                .put(&promote, json!({"version": "1.0"}))
                .await;
            answer.refused(422, "channel_invalid");
            let mut delivery = fixture.delivery("notes", "2.0", "notes.apk", b"two");
            delivery.channel = Some(Word::read(channel));
            let answer = fixture.deliver(&delivery).await;
            answer.refused(422, "channel_invalid");
        }
        let release = fixture.release("notes", "1.0").await;
        assert_eq!(release["channels"], json!(["stable"]));
        let released = "/api/v1/apps/notes/releases/2.0";
        let answer = fixture.admin().get(released).await;
        answer.refused(404, "release_unknown");
    }
}

#[tokio::test]
async fn what_has_a_reserved_name_from_an_earlier_version_goes_on() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let mut database = fixture.database().await;
        query("UPDATE release_channels SET channel = 'latest'")
            .execute(&mut database)
            .await
            .expect("a channel of an earlier version");
        let mut delivery = fixture.delivery("notes", "2.0", "notes.apk", b"two");
        delivery.channel = Some(Word::read("latest"));
        let uploaded = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["release"]["channels"], json!(["latest"]));
    }
}

#[tokio::test]
async fn two_names_that_cannot_be_told_apart_are_one() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let first = fixture.delivery("notes", "1.0", "Caf\u{e9}.zip", b"one");
        fixture.deliver(&first).await.ok(200);
        for twin in ["cafe\u{301}.ZIP", "CAF\u{c9}.zip", "Cafe\u{301}.zip"] {
            let second = fixture.delivery("notes", "1.0", twin, b"two");
            let words = fixture
                .deliver(&second)
                .await
                .refused(409, "version_exists");
            assert!(words.contains("Caf\u{e9}.zip"), "{words}");
        }
        let mut alone = fixture.delivery("notes", "1.0", "caf\u{e9}.zip", b"three");
        alone.version = None;
        fixture.deliver(&alone).await.ok(200);
        let body = json!({"version": "1.0", "channel": "stable", "packages": [alone.id]});
        let answer = fixture
            .admin()
            .post("/api/v1/apps/notes/releases", body)
            .await;
        answer.refused(409, "version_exists");
        let release = fixture.release("notes", "1.0").await;
        assert_eq!(release["packages"].as_array().map(Vec::len), Some(1));
    }
}
