//! From draft to published.

use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, UPLOAD};

#[tokio::test]
async fn a_draft_is_published_with_all_its_packages() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0+7", b"one").await;
        let second = fixture.delivery("notes", "1.0+7", "Notes 2.apk", b"two");
        fixture.deliver(&second).await.ok(200);
        let draft = fixture.release("notes", "1.0+7").await;
        assert_eq!(draft["state"], "draft");
        assert_eq!(draft["published_at"], Value::Null);

        let body = json!({"version": "1.0+7", "channel": "stable", "notes": "The first one."});
        let uploader = fixture.uploader().await;
        let answer = uploader.post("/api/v1/apps/notes/releases", body).await;
        assert_eq!(
            answer.header("location"),
            Some("/api/v1/apps/notes/releases/1.0+7")
        );
        let release = answer.ok(201);
        assert_eq!(release["state"], "published");
        assert_eq!(release["reason"], Value::Null);
        assert_eq!(release["notes"], "The first one.");
        assert_eq!(release["channels"], json!(["stable"]));
        let links = json!({
            "page": "/a/notes",
            "files": ["/d/notes/1.0%2B7/Notes%202.apk", "/d/notes/1.0%2B7/notes.apk"],
        });
        assert_eq!(release["links"], links);
        assert!(
            release["published_at"]
                .as_str()
                .expect("a time")
                .ends_with('Z')
        );
        assert_eq!(release.get("pending"), None);
        assert_eq!(
            fixture.release("notes", "1.0.0+7").await,
            release,
            "any spelling finds it"
        );

        let told = fixture
            .download
            .release("notes", "1.0+7")
            .expect("the feed's word");
        assert_eq!(told.packages.len(), 2);
        assert!(
            told.packages
                .iter()
                .all(|package| package.signature.contains("trusted comment"))
        );
    }
}

#[tokio::test]
async fn a_release_is_published_once() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let words = fixture
            .publish("notes", "1.0")
            .await
            .refused(409, "release_published");
        assert!(words.contains("channels/CHANNEL/releases"), "{words}");
        let retry = "/api/v1/apps/notes/releases/1.0/retry";
        let answer = fixture.admin().post(retry, json!({})).await;
        answer.refused(409, "release_not_failed");
    }
}

#[tokio::test]
async fn packages_on_their_own_become_a_release() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("paint").await;
        let mut ids = Vec::new();
        for (app, filename) in [
            ("notes", "a.apk"),
            ("notes", "b.apk"),
            ("notes", "b.apk"),
            ("paint", "a.apk"),
        ] {
            let bytes = format!("{filename} {}", ids.len());
            let mut delivery = fixture.delivery(app, "1.0", filename, bytes.as_bytes());
            delivery.version = None;
            fixture.deliver(&delivery).await.ok(200);
            ids.push(delivery.id);
        }
        let releases = "/api/v1/apps/notes/releases";
        let body = |version: &str, packages: &[&String]| json!({"version": version, "channel": "stable", "packages": packages});
        let admin = fixture.admin();
        let publish = async |version: &str, packages: &[&String]| {
            admin.post(releases, body(version, packages)).await
        };

        publish("1.0", &[]).await.refused(422, "release_empty");
        publish("1.0", &[&"none".to_owned()])
            .await
            .refused(404, "package_unknown");
        publish("1.0", &[&ids[3]])
            .await
            .refused(404, "package_unknown");
        publish("1.0", &[&ids[1], &ids[2]])
            .await
            .refused(409, "version_exists");
        fixture
            .admin()
            .get(&format!("{releases}/1.0"))
            .await
            .refused(404, "release_unknown");

        let release = publish("1.0", &[&ids[0], &ids[1]]).await.ok(201);
        assert_eq!(release["state"], "published");
        assert_eq!(release["packages"].as_array().map(Vec::len), Some(2));
        publish("2.0", &[&ids[0]])
            .await
            .refused(409, "package_taken");
        publish("1.0", &[&ids[2]])
            .await
            .refused(409, "release_published");
        publish("1.0.0", &[&ids[2]])
            .await
            .refused(409, "version_exists");
    }
}

#[tokio::test]
async fn an_answer_that_may_not_wait_says_that_it_goes_on() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture
            .signing
            .conducts(crate::signing_peer::Conduct::Hangs);
        fixture.draft("notes", "1.0", b"one").await;
        let hasty = fixture
            .uploader()
            .await
            .with("prefer", "respond-async, wait=0");
        let body = json!({"version": "1.0", "channel": "stable"});
        let answer = hasty.post("/api/v1/apps/notes/releases", body).await;
        assert_eq!(
            answer.header("location"),
            Some("/api/v1/apps/notes/releases/1.0")
        );
        assert_eq!(answer.ok(202)["state"], "signing");
    }
}

#[tokio::test]
async fn an_instance_that_leaves_answers_those_who_wait() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture
            .signing
            .conducts(crate::signing_peer::Conduct::Hangs);
        let id = fixture.draft("notes", "1.0", b"one").await;
        let leaving = async {
            fixture.signing.called(1).await;
            fixture.catalog.process.closing.cancel();
        };
        let (release, package, ()) = tokio::join!(
            fixture.publish("notes", "1.0"),
            fixture.package(&id, 300),
            leaving
        );
        assert_eq!(release.ok(202)["state"], "signing");
        package.ok(200);
    }
}

#[tokio::test]
async fn a_release_names_the_instances_that_have_not_heard_of_it() {
    for engine in engines() {
        let mut settings = slipway_catalog::Settings::default();
        settings.publishing.follower_wait_millis = 50;
        let fixture = Fixture::with(engine, settings).await;
        fixture.and_a_follower();
        fixture.app("notes").await;
        let release = fixture.published("notes", "1.0").await;
        let silent = json!(format!("upload/{UPLOAD}"));
        let pending = release["pending"].as_array().expect("instances");
        assert!(pending.contains(&silent), "{release}");

        let page = fixture
            .catalog
            .internal("upload", "/internal/changes?epoch=&after=0")
            .await
            .ok(200);
        let (epoch, head) = (page["epoch"].as_str().expect("an epoch"), &page["head"]);
        let path = format!("/internal/changes?epoch={epoch}&after={head}&follower={UPLOAD}");
        fixture.catalog.internal("upload", &path).await.ok(200);
        let id = release["packages"][0]["id"].as_str().expect("an id");
        let uploaded = fixture.package(id, 30).await.ok(200);
        let pending = uploaded["release"]["pending"].as_array();
        assert!(!pending.is_some_and(|pending| pending.contains(&silent)));
    }
}

#[tokio::test]
async fn a_package_never_joins_a_release_that_is_being_signed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for round in 0..10 {
            let version = format!("1.{round}");
            fixture.draft("notes", &version, b"one").await;
            let late = fixture.delivery("notes", &version, "late.apk", b"late");
            let (delivered, published) =
                tokio::join!(fixture.deliver(&late), fixture.publish("notes", &version));
            let release = published.ok(201);
            let packages = release["packages"].as_array().map(Vec::len);
            if delivered.status == 200 {
                assert_eq!(packages, Some(2));
            } else {
                delivered.refused(409, "release_published");
                assert_eq!(packages, Some(1));
            }
            let told = fixture
                .download
                .release("notes", &version)
                .expect("the feed's word");
            assert!(
                told.packages
                    .iter()
                    .all(|package| !package.signature.is_empty())
            );
        }
    }
}
