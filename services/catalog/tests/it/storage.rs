//! Who holds how much, and how much they may.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use slipway_catalog::Settings;
use slipway_contract::feed::Page;
use slipway_contract::quota::Quota;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, Instance};

const STORAGE: &str = "/api/v1/storage";
const APP: &str = "/api/v1/apps/notes";

/// The limits of an app as upload is told them.
async fn told(catalog: &Instance, app: &str) -> Quota {
    let path = "/internal/changes?epoch=&after=0";
    let page = catalog.internal("upload", path).await.ok(200);
    let page: Page = serde_json::from_value(page).expect("a page");
    let mut quotas = page
        .changes
        .into_iter()
        .filter_map(|change| match change.row {
            slipway_contract::feed::Row::App(row) if row.slug == app => Some(row.quota),
            _ => None,
        });
    quotas.next_back().expect("the app")
}

#[tokio::test]
async fn bytes_are_told_by_app_and_equal_ones_once() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("other").await;
        fixture.draft("notes", "1.0", b"12345").await;
        fixture.publish("notes", "1.0").await.ok(201);
        fixture.draft("notes", "2.0", b"1234567").await;
        // The same bytes as those of a release: they cost nothing more, and nothing is freed with them.
        fixture.draft("notes", "3.0", b"12345").await;
        fixture.draft("other", "1.0", b"1234567").await;
        let admin = fixture.admin();
        let storage = admin.get(STORAGE).await.ok(200);
        assert_eq!(storage["bytes"], 12);
        let freeable = json!({"drafts": 7, "deleted": null, "trash": null});
        assert_eq!(storage["freeable"], freeable, "upload does not answer");
        assert_eq!(storage["disk"], Value::Null);
        let none = json!({"bytes": null, "releases": null, "drafts": null});
        let items = json!([
            {"app": "notes", "bytes": 12, "releases": 1, "drafts": 2, "draft_bytes": 7, "quota": none},
            {"app": "other", "bytes": 7, "releases": 0, "drafts": 1, "draft_bytes": 7, "quota": none},
        ]);
        assert_eq!(storage["items"], items);

        let own = fixture.client(&["read"], Some("other")).await;
        let seen = own.get(STORAGE).await.ok(200);
        assert_eq!(
            (&seen["bytes"], &seen["items"]),
            (&json!(7), &json!([items[1]]))
        );
        let uploader = fixture.client(&["upload"], None).await;
        uploader.get(STORAGE).await.refused(403, "scope_missing");

        admin.delete(&format!("{APP}/releases/1.0")).await.ok(204);
        admin
            .delete("/api/v1/apps/other?confirm=other")
            .await
            .ok(204);
        let storage = admin.get(STORAGE).await.ok(200);
        assert_eq!(storage["bytes"], 12);
        assert_eq!(storage["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(storage["items"][0]["releases"], 0);
        assert_eq!(storage["freeable"]["drafts"], 12);
    }
}

#[tokio::test]
async fn a_disk_that_nears_its_reserve_is_told_with_what_to_do() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let stored = |near: bool| {
            let disk = json!({"size_bytes": 100, "free_bytes": 11, "reserve_bytes": 10, "near_reserve": near});
            json!({"deleted_bytes": 3, "trash_bytes": 4, "disk": disk})
        };
        for near in [false, true] {
            let answer = stored(near);
            let router = Router::new().route(
                "/internal/storage",
                get(move || async move { Json(answer) }),
            );
            let address = slipway_testkit::peer::serve("upload", router).await;
            fixture.and_upload_at(&address);
            let storage = fixture.admin().get(STORAGE).await.ok(200);
            assert_eq!(storage["disk"], stored(near)["disk"]);
            let freeable = json!({"drafts": 0, "deleted": 3, "trash": 4});
            assert_eq!(storage["freeable"], freeable);
            let notices = storage["notices"].as_array().expect("a list");
            assert_eq!(notices.len(), usize::from(near), "{storage}");
            assert!(notices.iter().all(|notice| {
                let notice = notice.as_str().expect("words");
                notice.starts_with("disk_near_reserve: ") && notice.contains("delete")
            }));
        }
    }
}

#[tokio::test]
async fn limits_are_the_platforms_unless_an_administrator_says_otherwise() {
    for engine in engines() {
        let mut settings = Settings::default();
        settings.quotas.bytes = Some(1000);
        let fixture = Fixture::with(engine, settings.clone()).await;
        fixture.app("notes").await;
        let usual = Quota {
            bytes: Some(1000),
            ..Quota::default()
        };
        assert_eq!(told(&fixture.catalog, "notes").await, usual);
        let admin = fixture.admin();
        let change = json!({"quota": {"releases": 2, "drafts": 0}});
        let app = admin.patch(APP, change).await.ok(200);
        let quota = json!({"bytes": 1000, "releases": 2, "drafts": 0});
        assert_eq!(app["quota"], quota);
        assert_eq!(app["name"], "notes");
        let own = Quota {
            bytes: Some(1000),
            releases: Some(2),
            drafts: Some(0),
        };
        assert_eq!(told(&fixture.catalog, "notes").await, own);
        // Whoever has the app may not give it more.
        let owner = fixture.client(&["admin"], Some("notes")).await;
        for quota in [
            json!({"quota": {"bytes": 9}}),
            json!({"quota": null, "name": "Mine"}),
        ] {
            owner
                .patch(APP, quota)
                .await
                .refused(403, "token_of_another_app");
        }
        owner.patch(APP, json!({"name": "Mine"})).await.ok(200);
        for (quota, status, code) in [
            (json!({"bytes": -1}), 422, "quota_invalid"),
            (json!({"files": 1}), 400, "parameter_unknown"),
            (json!({"bytes": "1 GB"}), 400, "json_invalid"),
        ] {
            let refused = admin.patch(APP, json!({"quota": quota})).await;
            refused.refused(status, code);
        }
        // Other settings are told to those that have no limit of their own.
        settings.quotas.bytes = Some(2000);
        let again = fixture.another_instance(settings).await;
        let bytes = told(&again, "notes").await.bytes;
        assert_eq!(bytes, Some(2000));
        let app = admin.patch(APP, json!({"quota": null})).await.ok(200);
        assert_eq!(app["quota"]["releases"], Value::Null);
        assert_eq!(told(&again, "notes").await.releases, None);
    }
}

#[tokio::test]
async fn other_settings_are_news_to_followers() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let head = async |catalog: &Instance| {
            let page = catalog
                .internal("upload", "/internal/changes?epoch=&after=0")
                .await;
            page.ok(200)["head"].as_i64().expect("a number")
        };
        let before = head(&fixture.catalog).await;
        let same = fixture.another_instance(Settings::default()).await;
        assert_eq!(head(&same).await, before, "nothing has changed");
        let mut settings = Settings::default();
        settings.quotas.drafts = Some(1);
        let other = fixture.another_instance(settings.clone()).await;
        assert_eq!(head(&other).await, before + 1);
        let other = fixture.another_instance(settings).await;
        assert_eq!(head(&other).await, before + 1);
    }
}

#[tokio::test]
async fn no_release_is_made_beyond_the_limit() {
    for engine in engines() {
        let mut settings = Settings::default();
        settings.quotas.releases = Some(1);
        let fixture = Fixture::with(engine, settings).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        fixture.draft("notes", "2.0", b"two").await;
        let refused = fixture.publish("notes", "2.0").await;
        let members = (
            &refused.body["quota"],
            &refused.body["limit"],
            &refused.body["used"],
        );
        assert_eq!(members, (&json!("releases"), &json!(1), &json!(1)));
        let words = refused.refused(403, "quota_exceeded");
        assert!(
            words.contains("delete") && words.contains("/api/v1/storage"),
            "{words}"
        );
        assert_eq!(fixture.release("notes", "2.0").await["state"], "draft");
        // What is there goes on: another channel, a yank, and a version less makes room for one.
        let admin = fixture.admin();
        let body = json!({"version": "1.0"});
        admin
            .put(&format!("{APP}/channels/beta"), body)
            .await
            .ok(200);
        admin.delete(&format!("{APP}/releases/1.0")).await.ok(204);
        fixture.publish("notes", "2.0").await.ok(201);
    }
}
