//! What upload hands over, once or more often.

use serde_json::{Value, json};
use slipway_testkit::database::engines;
use sqlx::{query, query_scalar};
use uuid::Uuid;

use crate::house::House;

#[tokio::test]
async fn a_package_on_its_own_is_stored_and_belongs_to_nothing() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let mut delivery = house.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.version = None;
        let uploaded = house.deliver(&delivery).await.ok(200);
        let package = &uploaded["package"];
        assert_eq!(package["id"], delivery.id);
        assert_eq!(package["state"], "stored");
        assert_eq!(package["sha256"], delivery.sha256);
        assert_eq!(package["identifier"], "org.example.notes");
        assert_eq!(package["version_code"], 7);
        assert_eq!(package["url"], Value::Null);
        assert_eq!(uploaded.get("release"), None);
        assert_eq!(house.package(&delivery.id, 30).await.ok(200), uploaded);
    }
}

#[tokio::test]
async fn a_delivery_that_comes_twice_changes_nothing() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let mut delivery = house.delivery("notes", "1.0", "notes.apk", b"one");
        let first = house.deliver(&delivery).await.ok(200);
        assert_eq!(house.deliver(&delivery).await.ok(200), first);
        assert_eq!(first["release"]["state"], "draft");

        // The same bytes under another id are a developer's retry: it is the package that is there.
        let id = std::mem::replace(&mut delivery.id, Uuid::now_v7().to_string());
        let again = house.deliver(&delivery).await.ok(200);
        assert_eq!(again["package"]["id"], id);
        let mut database = house.database().await;
        let count = "SELECT cast(count(*) AS bigint) FROM";
        for (table, expected) in [
            ("packages", 1),
            ("releases", 1),
            ("audit WHERE action = 'package.upload'", 1),
        ] {
            let query = sqlx::AssertSqlSafe(format!("{count} {table}"));
            let rows: i64 = query_scalar(query)
                .fetch_one(&mut database)
                .await
                .expect("a count");
            assert_eq!(rows, expected, "{table}");
        }
    }
}

#[tokio::test]
async fn a_delivery_with_a_channel_is_published_and_again_is_the_same_release() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let mut delivery = house.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some("stable".to_owned());
        house.deliver(&delivery).await.ok(200);
        let uploaded = house.package(&delivery.id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "published");
        assert_eq!(uploaded["package"]["url"], "/d/notes/1.0/notes.apk");
        assert_eq!(uploaded["release"]["channels"], json!(["stable"]));

        assert_eq!(house.deliver(&delivery).await.ok(200), uploaded);
        assert_eq!(house.package(&delivery.id, 30).await.ok(200), uploaded);
        assert_eq!(house.signing.calls(), ["notes 1.0 notes.apk"]);
    }
}

#[tokio::test]
async fn a_delivery_that_comes_late_leaves_what_became_of_the_release() {
    for engine in engines() {
        let house = House::idle(engine, slipway_catalog::Settings::default()).await;
        house.app("notes").await;
        let mut delivery = house.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some("stable".to_owned());
        let uploaded = house.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "signing");
        for state in ["failed", "yanked"] {
            let mut database = house.database().await;
            query("UPDATE releases SET state = $1")
                .bind(state)
                .execute(&mut database)
                .await
                .expect("a later state");
            let uploaded = house.deliver(&delivery).await.ok(200);
            assert_eq!(uploaded["release"]["state"], state);
        }
        let wished_again = slipway_service::api::Delivery {
            wish: Uuid::now_v7().to_string(),
            ..delivery
        };
        house
            .deliver(&wished_again)
            .await
            .refused(409, "release_published");
    }
}

#[tokio::test]
async fn a_version_never_has_two_files_under_one_name() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.draft("notes", "1.0", b"one").await;
        let other = house.delivery("notes", "1.0", "notes.apk", b"other");
        let words = house.deliver(&other).await.refused(409, "version_exists");
        assert!(words.contains("notes.apk"), "{words}");
        house.publish("notes", "1.0").await.ok(201);
        house.deliver(&other).await.refused(409, "version_exists");
        house
            .package(&other.id, 0)
            .await
            .refused(404, "package_unknown");
    }
}

#[tokio::test]
async fn a_published_version_takes_no_further_file() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.published("notes", "1.0").await;
        let second = house.delivery("notes", "1.0", "second.apk", b"second");
        house
            .deliver(&second)
            .await
            .refused(409, "release_published");
        let release = house.release("notes", "1.0").await;
        assert_eq!(release["packages"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn versions_that_are_equal_in_order_are_taken() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.draft("notes", "1.0", b"one").await;
        for same in ["1", "1.0.0", "1.0.0.0", "1.0+build.5", "01.0"] {
            let delivery = house.delivery("notes", same, "notes.apk", b"one");
            let words = house
                .deliver(&delivery)
                .await
                .refused(409, "version_exists");
            assert!(words.contains("1.0"), "{words}");
        }
        for other in ["1.0.1", "1.0-beta.1"] {
            house.draft("notes", other, b"one").await;
        }
    }
}

#[tokio::test]
async fn a_delivery_that_can_never_succeed_is_refused_for_good() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let good = house.delivery("notes", "1.0", "notes.apk", b"one");
        let (mut app, mut lonely, mut version, mut channel) =
            (good.clone(), good.clone(), good.clone(), good);
        app.app = "none".to_owned();
        house.deliver(&app).await.refused(404, "app_unknown");
        lonely.app = "none".to_owned();
        lonely.version = None;
        house.deliver(&lonely).await.refused(404, "app_unknown");
        version.version = Some("one".to_owned());
        house
            .deliver(&version)
            .await
            .refused(422, "version_invalid");
        channel.channel = Some("Stable!".to_owned());
        house
            .deliver(&channel)
            .await
            .refused(422, "channel_invalid");
        let releases = house
            .admin()
            .get("/api/v1/apps/notes/releases")
            .await
            .ok(200);
        assert_eq!(
            releases["items"],
            json!([]),
            "nothing is kept of a refused delivery"
        );
    }
}

#[tokio::test]
async fn a_retry_with_a_channel_publishes_the_draft_that_is_there() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let id = house.draft("notes", "1.0", b"one").await;
        let mut delivery = house.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some("stable".to_owned());
        let uploaded = house.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["package"]["id"], id);
        let uploaded = house.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
    }
}

#[tokio::test]
async fn a_delivery_is_not_believed() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let good = house.delivery("notes", "1.0", "notes.apk", b"one");
        let (mut name, mut word) = (good.clone(), good.clone());
        name.filename = "../notes.apk".to_owned();
        house
            .deliver(&name)
            .await
            .refused_inside(422, "delivery_invalid");
        // A word of a later version waits until this one knows it.
        word.platform = "freebsd".to_owned();
        house
            .deliver(&word)
            .await
            .refused_inside(503, "delivery_unknown");
        let releases = "/api/v1/apps/notes/releases";
        let releases = house.admin().get(releases).await.ok(200);
        assert_eq!(releases["items"], json!([]), "nothing is kept of them");
        house.deliver(&good).await.ok(200);
    }
}

#[tokio::test]
async fn a_delivery_names_a_token_that_permits_it() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.app("other").await;
        let token = async |scopes: &[&str], app: &str| {
            let wanted = json!({"name": "ci", "scopes": scopes, "app": app});
            let made = house.admin().post("/api/v1/tokens", wanted).await.ok(201);
            made["id"].as_str().expect("an id").to_owned()
        };
        let mut delivery = house.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some("stable".to_owned());
        delivery.token_name = "administrator".to_owned();
        for id in [
            Uuid::now_v7().to_string(),
            token(&["read"], "notes").await,
            token(&["upload", "release"], "other").await,
            token(&["upload"], "notes").await,
        ] {
            delivery.token_id = id;
            house.deliver(&delivery).await.refused(422, "token_refused");
        }
        delivery.token_id = token(&["upload", "release"], "notes").await;
        let revoke = format!("/api/v1/tokens/{}", delivery.token_id);
        house.admin().delete(&revoke).await.ok(204);
        // It was acknowledged before.
        house.deliver(&delivery).await.ok(200);
        let audit = house.admin().get("/api/v1/audit").await.ok(200);
        assert_eq!(audit["items"][0]["action"], "release.publish");
        assert_eq!(audit["items"][0]["token_name"], "ci");
    }
}

#[tokio::test]
async fn the_id_of_another_package_carries_nothing_into_a_channel() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.app("other").await;
        let victim = house.draft("notes", "1.0", b"one").await;
        let mut delivery = house.delivery("other", "1.0", "notes.apk", b"one");
        delivery.id = victim;
        delivery.channel = Some("stable".to_owned());
        house
            .deliver(&delivery)
            .await
            .refused_inside(409, "delivery_differs");
        assert_eq!(house.release("notes", "1.0").await["state"], "draft");
    }
}
