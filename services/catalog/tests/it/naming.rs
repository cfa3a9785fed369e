//! Names and texts that are shown, and words that are reserved.

use serde_json::json;
use slipway_testkit::database::engines;
use sqlx::query;

use crate::house::House;

#[tokio::test]
async fn names_and_texts_are_composed_and_hold_nothing_unseen() {
    for engine in engines() {
        let house = House::new(engine).await;
        let admin = house.admin();
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
        house.app("notes").await;
        house.draft("notes", "1.0", b"one").await;
        let releases = "/api/v1/apps/notes/releases";
        for text in unseen {
            let wish = json!({"version": "1.0", "channel": "stable", "notes": text});
            admin
                .post(releases, wish)
                .await
                .refused(422, "text_refused");
        }
        let wish = json!({"version": "1.0", "channel": "stable", "notes": "- cafe\u{301}.\r\n"});
        let uploader = house.uploader().await;
        let release = uploader.post(releases, wish).await.ok(201);
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
        let house = House::new(engine).await;
        for slug in ["repo", "dists", "pool", "all", "api", "keys", "latest"] {
            let app = json!({"slug": slug, "name": "x"});
            let answer = house.admin().post("/api/v1/apps", app).await;
            answer.refused(422, "slug_refused");
        }
        house.app("notes").await;
        house.published("notes", "1.0").await;
        for channel in ["latest", "all", "report", "omaha"] {
            let promote = format!("/api/v1/apps/notes/channels/{channel}");
            let answer = house.admin().put(&promote, json!({"version": "1.0"})).await;
            answer.refused(422, "channel_invalid");
            let mut delivery = house.delivery("notes", "2.0", "notes.apk", b"two");
            delivery.channel = Some(channel.to_owned());
            let answer = house.deliver(&delivery).await;
            answer.refused(422, "channel_invalid");
        }
        let release = house.release("notes", "1.0").await;
        assert_eq!(release["channels"], json!(["stable"]));
        let released = "/api/v1/apps/notes/releases/2.0";
        let answer = house.admin().get(released).await;
        answer.refused(404, "release_unknown");
    }
}

#[tokio::test]
async fn what_has_a_reserved_name_from_an_earlier_version_goes_on() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.published("notes", "1.0").await;
        let mut database = house.database().await;
        query("UPDATE release_channels SET channel = 'latest'")
            .execute(&mut database)
            .await
            .expect("a channel of an earlier version");
        let mut delivery = house.delivery("notes", "2.0", "notes.apk", b"two");
        delivery.channel = Some("latest".to_owned());
        let uploaded = house.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["release"]["channels"], json!(["latest"]));
    }
}

#[tokio::test]
async fn two_names_that_cannot_be_told_apart_are_one() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let first = house.delivery("notes", "1.0", "Caf\u{e9}.zip", b"one");
        house.deliver(&first).await.ok(200);
        for twin in ["cafe\u{301}.ZIP", "CAF\u{c9}.zip", "Cafe\u{301}.zip"] {
            let second = house.delivery("notes", "1.0", twin, b"two");
            let words = house.deliver(&second).await.refused(409, "version_exists");
            assert!(words.contains("Caf\u{e9}.zip"), "{words}");
        }
        let mut alone = house.delivery("notes", "1.0", "caf\u{e9}.zip", b"three");
        alone.version = None;
        house.deliver(&alone).await.ok(200);
        let wish = json!({"version": "1.0", "channel": "stable", "packages": [alone.id]});
        let answer = house
            .admin()
            .post("/api/v1/apps/notes/releases", wish)
            .await;
        answer.refused(409, "version_exists");
        let release = house.release("notes", "1.0").await;
        assert_eq!(release["packages"].as_array().map(Vec::len), Some(1));
    }
}
