//! Apps and their keys.

use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

#[tokio::test]
async fn an_app_is_made_once_with_its_key() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let body = json!({"slug": "notes", "name": "  Notes "});
        let answer = fixture.admin().post("/api/v1/apps", body.clone()).await;
        assert_eq!(answer.header("location"), Some("/api/v1/apps/notes"));
        let app = answer.ok(201);
        assert_eq!(app["slug"], "notes");
        assert_eq!(app["name"], "Notes");
        let key = &app["keys"]["minisign"];
        let made = fixture.key("notes").await;
        assert_eq!(key["public_key"], made["public_key"]);
        assert_eq!(key["key_id"], made["key_id"]);
        assert_eq!(key["url"], "/keys/notes/minisign.pub");
        assert!(app["created_at"].as_str().expect("a time").ends_with('Z'));
        assert_eq!(fixture.admin().get("/api/v1/apps/notes").await.ok(200), app);

        let again = fixture.admin().post("/api/v1/apps", body).await;
        again.refused(409, "app_exists");
    }
}

#[tokio::test]
async fn an_app_is_there_without_its_key_while_signing_is_away() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.signing_is_away();
        let body = json!({"slug": "notes", "name": "Notes"});
        let app = fixture.admin().post("/api/v1/apps", body).await.ok(201);
        assert_eq!(app["keys"], Value::Null);

        fixture.everybody_is_there();
        let has_key = |app: &Value| !app["keys"].is_null();
        let app = fixture.eventually("/api/v1/apps/notes", has_key).await;
        let key = &app["keys"]["minisign"]["public_key"];
        assert_eq!(*key, fixture.key("notes").await["public_key"]);
    }
}

#[tokio::test]
async fn names_that_no_address_or_page_can_hold_are_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for slug in [
            "",
            "Notes",
            "-notes",
            "no/tes",
            "no tes",
            "nötes",
            &"n".repeat(64),
        ] {
            let body = json!({"slug": slug, "name": "Notes"});
            let answer = fixture.admin().post("/api/v1/apps", body).await;
            answer.refused(422, "slug_refused");
        }
        for name in ["", "  ", "No\u{7}tes", &"n".repeat(101)] {
            let body = json!({"slug": "notes", "name": name});
            let answer = fixture.admin().post("/api/v1/apps", body).await;
            answer.refused(422, "name_refused");
        }
        let apps = fixture.admin().get("/api/v1/apps").await.ok(200);
        assert_eq!(apps, json!({"items": [], "next": null}));
    }
}

#[tokio::test]
async fn a_token_of_one_app_lists_that_app_alone() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("paint").await;
        let of_paint = fixture.client(&["read"], Some("paint")).await;
        let apps = of_paint.get("/api/v1/apps").await.ok(200);
        let slugs: Vec<_> = apps["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|app| &app["slug"])
            .collect();
        assert_eq!(slugs, ["paint"]);
        of_paint.get("/api/v1/apps/paint").await.ok(200);
        let answer = of_paint.get("/api/v1/apps/notes").await;
        answer.refused(403, "token_of_another_app");
    }
}
