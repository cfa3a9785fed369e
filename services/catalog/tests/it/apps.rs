//! Apps and their keys.

use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::house::House;
use crate::minisign::Key;

#[tokio::test]
async fn an_app_is_made_once_with_its_key() {
    for engine in engines() {
        let house = House::new(engine).await;
        let wish = json!({"slug": "notes", "name": "  Notes "});
        let answer = house.admin().post("/api/v1/apps", wish.clone()).await;
        assert_eq!(answer.header("location"), Some("/api/v1/apps/notes"));
        let app = answer.ok(201);
        assert_eq!(app["slug"], "notes");
        assert_eq!(app["name"], "Notes");
        let key = &app["keys"]["minisign"];
        assert_eq!(key["public_key"], Key::of("notes").public_key());
        assert_eq!(key["key_id"], Key::of("notes").id());
        assert_eq!(key["url"], "/keys/notes/minisign.pub");
        assert!(app["created_at"].as_str().expect("a time").ends_with('Z'));
        assert_eq!(house.admin().get("/api/v1/apps/notes").await.ok(200), app);

        let again = house.admin().post("/api/v1/apps", wish).await;
        again.refused(409, "app_exists");
    }
}

#[tokio::test]
async fn an_app_is_there_without_its_key_while_signing_is_away() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.signing_is_away();
        let wish = json!({"slug": "notes", "name": "Notes"});
        let app = house.admin().post("/api/v1/apps", wish).await.ok(201);
        assert_eq!(app["keys"], Value::Null);

        house.everybody_is_there();
        let has_key = |app: &Value| !app["keys"].is_null();
        let app = house.eventually("/api/v1/apps/notes", has_key).await;
        let key = &app["keys"]["minisign"]["public_key"];
        assert_eq!(*key, Key::of("notes").public_key());
    }
}

#[tokio::test]
async fn names_that_no_address_or_page_can_hold_are_refused() {
    for engine in engines() {
        let house = House::new(engine).await;
        for slug in [
            "",
            "Notes",
            "-notes",
            "no/tes",
            "no tes",
            "nötes",
            &"n".repeat(64),
        ] {
            let wish = json!({"slug": slug, "name": "Notes"});
            let answer = house.admin().post("/api/v1/apps", wish).await;
            answer.refused(422, "slug_refused");
        }
        for name in ["", "  ", "No\u{7}tes", &"n".repeat(101)] {
            let wish = json!({"slug": "notes", "name": name});
            let answer = house.admin().post("/api/v1/apps", wish).await;
            answer.refused(422, "name_refused");
        }
        let apps = house.admin().get("/api/v1/apps").await.ok(200);
        assert_eq!(apps, json!({"items": [], "next": null}));
    }
}

#[tokio::test]
async fn a_token_of_one_app_lists_that_app_alone() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.app("paint").await;
        let of_paint = house.client(&["read"], Some("paint")).await;
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
