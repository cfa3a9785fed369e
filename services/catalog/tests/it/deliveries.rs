//! What upload hands over, once or more often.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::internal::{Delivery, Requester};
use slipway_runtime::clock;
use slipway_testkit::database::engines;
use sqlx::{query, query_scalar};
use uuid::Uuid;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_package_on_its_own_is_stored_and_belongs_to_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.version = None;
        let uploaded = fixture.deliver(&delivery).await.ok(200);
        let package = &uploaded["package"];
        assert_eq!(package["id"], delivery.id);
        assert_eq!(package["state"], "stored");
        assert_eq!(package["sha256"], delivery.file.sha256.as_hex());
        assert_eq!(package["identifier"], "org.example.notes");
        assert_eq!(package["version_code"], 7);
        assert_eq!(package["url"], Value::Null);
        assert_eq!(uploaded.get("release"), None);
        assert_eq!(fixture.package(&delivery.id, 30).await.ok(200), uploaded);
    }
}

#[tokio::test]
async fn a_delivery_that_comes_twice_changes_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        let first = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(fixture.deliver(&delivery).await.ok(200), first);
        assert_eq!(first["release"]["state"], "draft");

        // The same bytes under another id are a developer's retry: it is the package that is there.
        let id = std::mem::replace(&mut delivery.id, Uuid::now_v7().to_string());
        let again = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(again["package"]["id"], id);
        let mut database = fixture.database().await;
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
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some(Word::read("stable"));
        fixture.deliver(&delivery).await.ok(200);
        let uploaded = fixture.package(&delivery.id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "published");
        assert_eq!(uploaded["package"]["url"], "/d/notes/1.0/notes.apk");
        assert_eq!(uploaded["release"]["channels"], json!(["stable"]));

        assert_eq!(fixture.deliver(&delivery).await.ok(200), uploaded);
        assert_eq!(fixture.package(&delivery.id, 30).await.ok(200), uploaded);
        assert_eq!(fixture.signing.calls(), ["notes 1.0 notes.apk"]);
    }
}

#[tokio::test]
async fn a_delivery_that_comes_late_leaves_what_became_of_the_release() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, slipway_catalog::Settings::default()).await;
        fixture.app("notes").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some(Word::read("stable"));
        let uploaded = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "signing");
        for state in ["failed", "yanked"] {
            let mut database = fixture.database().await;
            query("UPDATE releases SET state = $1")
                .bind(state)
                .execute(&mut database)
                .await
                .expect("a later state");
            let uploaded = fixture.deliver(&delivery).await.ok(200);
            assert_eq!(uploaded["release"]["state"], state);
        }
        let asked_again = Delivery {
            intent: Uuid::now_v7().to_string(),
            ..delivery
        };
        fixture
            .deliver(&asked_again)
            .await
            .refused(409, "release_published");
    }
}

#[tokio::test]
async fn a_version_never_has_two_files_under_one_name() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let other = fixture.delivery("notes", "1.0", "notes.apk", b"other");
        let words = fixture.deliver(&other).await.refused(409, "version_exists");
        assert!(words.contains("notes.apk"), "{words}");
        fixture
            .package(&other.id, 0)
            .await
            .refused(404, "package_unknown");
    }
}

#[tokio::test]
async fn a_published_version_takes_no_further_file() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let second = fixture.delivery("notes", "1.0", "second.apk", b"second");
        fixture
            .deliver(&second)
            .await
            .refused(409, "release_published");
        let release = fixture.release("notes", "1.0").await;
        assert_eq!(release["packages"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn versions_that_are_equal_in_order_are_taken() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        for same in ["1", "1.0.0", "1.0.0.0", "v1.0.0", "01.0"] {
            let delivery = fixture.delivery("notes", same, "notes.apk", b"one");
            let words = fixture
                .deliver(&delivery)
                .await
                .refused(409, "version_exists");
            assert!(words.contains("1.0"), "{words}");
        }
        for other in ["1.0.1", "1.0-beta.1", "1.0+build.5"] {
            fixture.draft("notes", other, b"one").await;
        }
    }
}

#[tokio::test]
async fn a_delivery_that_can_never_succeed_is_refused_for_good() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let good = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        let (mut app, mut lonely, mut version, mut channel) =
            (good.clone(), good.clone(), good.clone(), good);
        app.app = "none".parse().expect("a slug");
        fixture.deliver(&app).await.refused(404, "app_unknown");
        lonely.app = "none".parse().expect("a slug");
        lonely.version = None;
        fixture.deliver(&lonely).await.refused(404, "app_unknown");
        version.version = Some(Word::read("one"));
        fixture
            .deliver(&version)
            .await
            .refused(422, "version_invalid");
        channel.channel = Some(Word::read("Stable!"));
        fixture
            .deliver(&channel)
            .await
            .refused(422, "channel_invalid");
        let releases = fixture
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
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let id = fixture.draft("notes", "1.0", b"one").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some(Word::read("stable"));
        let uploaded = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["package"]["id"], id);
        let uploaded = fixture.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
    }
}

#[tokio::test]
async fn a_delivery_is_not_believed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let good = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        let mut name = json!(good);
        name["filename"] = json!("../notes.apk");
        let name = fixture.post_inside("upload", "/internal/packages", &name);
        name.await.refused_inside(422, "delivery_invalid");
        // A word of a later version waits until this one knows it.
        let mut word = good.clone();
        word.file.platform = Word::read("freebsd");
        fixture
            .deliver(&word)
            .await
            .refused_inside(503, "delivery_unknown");
        let releases = "/api/v1/apps/notes/releases";
        let releases = fixture.admin().get(releases).await.ok(200);
        assert_eq!(releases["items"], json!([]), "nothing is kept of them");
        fixture.deliver(&good).await.ok(200);
    }
}

#[tokio::test]
async fn a_delivery_names_a_token_that_permits_it() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("other").await;
        let token = async |scopes: &[&str], app: &str| {
            let wanted = json!({"name": "ci", "scopes": scopes, "app": app});
            let made = fixture.admin().post("/api/v1/tokens", wanted).await.ok(201);
            made["id"].as_str().expect("an id").to_owned()
        };
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        delivery.channel = Some(Word::read("stable"));
        delivery.token_name = "administrator".to_owned();
        for id in [
            Uuid::now_v7().to_string(),
            token(&["read"], "notes").await,
            token(&["upload", "release"], "other").await,
        ] {
            delivery.token_id = id;
            fixture
                .deliver(&delivery)
                .await
                .refused(422, "token_refused");
        }
        delivery.token_id = token(&["upload", "release"], "notes").await;
        fixture.deliver(&delivery).await.ok(200);
        let audit = fixture.admin().get("/api/v1/audit").await.ok(200);
        assert_eq!(audit["items"][0]["action"], "release.publish");
        assert_eq!(audit["items"][0]["token_name"], "ci");
    }
}

/// A new token for `notes`: its id.
async fn token(fixture: &Fixture, scopes: &[&str]) -> String {
    let wanted = json!({"name": "ci", "scopes": scopes, "app": "notes"});
    let made = fixture.admin().post("/api/v1/tokens", wanted).await.ok(201);
    made["id"].as_str().expect("an id").to_owned()
}

async fn revoke(fixture: &Fixture, token: &str) {
    let path = format!("/api/v1/tokens/{token}");
    fixture.admin().delete(&path).await.ok(204);
}

/// A package of a new version that is asked for in `stable` by `token`.
fn intent_by(fixture: &Fixture, version: &str, token: &str) -> Delivery {
    let mut delivery = fixture.delivery("notes", version, "notes.apk", version.as_bytes());
    delivery.channel = Some(Word::read("stable"));
    token.clone_into(&mut delivery.token_id);
    delivery.acknowledged_at = Some(clock::unix_millis());
    delivery
}

/// Delivers it and expects that the package is kept and the intent refused; returns the reason.
async fn kept_as_a_draft(fixture: &Fixture, delivery: &Delivery) -> String {
    let uploaded = fixture.deliver(delivery).await.ok(200);
    assert_eq!(uploaded["refused"]["status"], 403, "{uploaded}");
    assert_eq!(uploaded["refused"]["code"], "token_refused");
    assert_eq!(uploaded["package"]["id"], delivery.id);
    assert_eq!(uploaded["package"]["reason"], uploaded["refused"]["detail"]);
    let version = delivery.version.as_ref().expect("a version").as_str();
    let release = fixture.release("notes", version).await;
    assert_eq!(release["state"], "draft");
    assert_eq!(release["channels"], json!([]));
    assert_eq!(release["reason"], uploaded["refused"]["detail"]);
    assert_eq!(fixture.signing.calls(), [""; 0]);
    release["reason"].as_str().expect("words").to_owned()
}

#[tokio::test]
async fn an_intent_whose_token_may_not_release_any_more_leaves_a_draft_with_the_reason() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let upload_only = token(&fixture, &["upload"]).await;
        let words = kept_as_a_draft(&fixture, &intent_by(&fixture, "1.0", &upload_only)).await;
        assert!(words.contains("scope"), "{words}");

        let revoked = token(&fixture, &["upload", "release"]).await;
        revoke(&fixture, &revoked).await;
        let delivery = intent_by(&fixture, "2.0", &revoked);
        for _ in 0..2 {
            // Upload may have been killed before it noted the answer.
            let words = kept_as_a_draft(&fixture, &delivery).await;
            assert!(words.contains("revoked"), "{words}");
        }
        // An intent of another token for the same package is judged by that token, and the reason goes.
        let other = token(&fixture, &["upload", "release"]).await;
        let again = Delivery {
            intent: Uuid::now_v7().to_string(),
            requested_by: Some(Requester {
                token_id: other,
                request_id: Uuid::now_v7().to_string(),
            }),
            ..delivery
        };
        fixture.deliver(&again).await.ok(200);
        let uploaded = fixture.package(&again.id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
        assert_eq!(uploaded["release"]["reason"], Value::Null);
        assert_eq!(uploaded.get("refused"), None);
    }
}

#[tokio::test]
async fn the_rights_of_an_uploader_are_not_lent_to_who_asks() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let (may, may_not) = (
            token(&fixture, &["upload", "release"]).await,
            token(&fixture, &["upload"]).await,
        );
        let mut delivery = intent_by(&fixture, "1.0", &may);
        delivery.requested_by = Some(Requester {
            token_id: may_not,
            request_id: Uuid::now_v7().to_string(),
        });
        kept_as_a_draft(&fixture, &delivery).await;
    }
}

#[tokio::test]
async fn a_token_that_expired_after_the_acknowledgement_still_releases_for_a_day() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let expired = token(&fixture, &["upload", "release"]).await;
        let hour = 3600 * 1000;
        query("UPDATE tokens SET expires_at = $2 WHERE id = $1")
            .bind(&expired)
            .bind(clock::unix_millis() - hour)
            .execute(&mut fixture.database().await)
            .await
            .expect("an expiry");
        for (version, ago) in [
            ("1.0", Some(-hour)),
            ("1.1", None),
            ("1.2", Some(hour / 2)),
            ("1.3", Some(25 * hour)),
        ] {
            let mut delivery = intent_by(&fixture, version, &expired);
            delivery.acknowledged_at = ago.map(|ago| clock::unix_millis() - ago);
            let words = kept_as_a_draft(&fixture, &delivery).await;
            assert!(words.contains("expired"), "{words}");
        }
        let mut delivery = intent_by(&fixture, "2.0", &expired);
        delivery.acknowledged_at = Some(clock::unix_millis() - 2 * hour);
        fixture.deliver(&delivery).await.ok(200);
        let uploaded = fixture.package(&delivery.id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
    }
}

#[tokio::test]
async fn what_was_taken_before_a_revocation_goes_on() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let token = token(&fixture, &["upload", "release"]).await;
        let delivery = intent_by(&fixture, "1.0", &token);
        fixture.signing_is_away();
        fixture.deliver(&delivery).await.ok(200);
        revoke(&fixture, &token).await;
        let again = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(again.get("refused"), None, "it is the same body");
        fixture.everybody_is_there();
        let uploaded = fixture.package(&delivery.id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
    }
}

#[tokio::test]
async fn the_id_of_another_package_carries_nothing_into_a_channel() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("other").await;
        let victim = fixture.draft("notes", "1.0", b"one").await;
        let mut delivery = fixture.delivery("other", "1.0", "notes.apk", b"one");
        delivery.id = victim;
        delivery.channel = Some(Word::read("stable"));
        fixture
            .deliver(&delivery)
            .await
            .refused_inside(409, "delivery_differs");
        assert_eq!(fixture.release("notes", "1.0").await["state"], "draft");
    }
}
