//! What becomes of a release while a peer is away.

use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::fixture::Fixture;
use crate::signing_peer::{Conduct, KEY_MISSING};

const RELEASE: &str = "/api/v1/apps/notes/releases/1.0";

fn has_reason(release: &Value) -> bool {
    !release["reason"].is_null()
}

#[tokio::test]
async fn a_release_waits_for_signing_and_goes_on_by_itself() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing_is_away();
        let id = fixture.draft("notes", "1.0", b"one").await;
        let hasty = fixture.uploader().await.with("prefer", "wait=0");
        let body = json!({"version": "1.0", "channel": "stable"});
        hasty
            .post("/api/v1/apps/notes/releases", body)
            .await
            .ok(202);
        let release = fixture.eventually(RELEASE, has_reason).await;
        assert_eq!(release["state"], "signing");
        let reason = release["reason"].as_str().expect("a reason");
        assert!(reason.contains("waits for the signing service"), "{reason}");
        let uploaded = fixture.package(&id, 0).await.ok(200);
        assert_eq!(
            uploaded["package"]["reason"], reason,
            "upload tells it the developer"
        );

        fixture.everybody_is_there();
        let uploaded = fixture.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
        assert_eq!(uploaded["release"]["reason"], Value::Null);
    }
}

#[tokio::test]
async fn a_signing_that_fails_is_asked_again() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::Fails);
        let id = fixture.draft("notes", "1.0", b"one").await;
        let mended = async {
            fixture.signing.called(3).await;
            fixture.signing.conducts(Conduct::Works);
        };
        let (published, ()) = tokio::join!(fixture.publish("notes", "1.0"), mended);
        assert_eq!(published.ok(201)["state"], "published");
        let uploaded = fixture.package(&id, 0).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "published");
    }
}

/// Also before the app has a key: signing knows one that its database has no longer.
#[tokio::test]
async fn a_release_waits_for_a_key_that_must_be_put_back_and_says_so() {
    for engine in engines() {
        for key_is_known in [true, false] {
            let fixture = Fixture::new(engine).await;
            if !key_is_known {
                fixture.signing.conducts(Conduct::LacksTheKey);
            }
            fixture.app("notes").await;
            if key_is_known {
                let has_key = |app: &Value| !app["keys"].is_null();
                fixture.eventually("/api/v1/apps/notes", has_key).await;
                fixture.signing.conducts(Conduct::LacksTheKey);
            }
            fixture.draft("notes", "1.0", b"one").await;
            let hasty = fixture.uploader().await.with("prefer", "wait=0");
            let body = json!({"version": "1.0", "channel": "stable"});
            hasty
                .post("/api/v1/apps/notes/releases", body)
                .await
                .ok(202);
            let release = fixture.eventually(RELEASE, has_reason).await;
            assert_eq!(release["state"], "signing");
            assert_eq!(release["reason"], KEY_MISSING);

            fixture.signing.conducts(Conduct::Works);
            let published = |release: &Value| release["state"] == "published";
            fixture.eventually(RELEASE, published).await;
        }
    }
}

#[tokio::test]
async fn a_release_waits_for_a_download_instance_before_it_is_published() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.download_is_away();
        let id = fixture.draft("notes", "1.0", b"one").await;
        let hasty = fixture.uploader().await.with("prefer", "wait=0");
        let body = json!({"version": "1.0", "channel": "stable"});
        hasty
            .post("/api/v1/apps/notes/releases", body)
            .await
            .ok(202);
        let release = fixture.eventually(RELEASE, has_reason).await;
        assert_eq!(release["state"], "verifying");
        let reason = release["reason"].as_str().expect("a reason");
        assert!(reason.contains("waits for a download instance"), "{reason}");

        fixture.everybody_is_there();
        let uploaded = fixture.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
    }
}

#[tokio::test]
async fn reads_and_drafts_go_on_without_any_peer() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.view.replace(Vec::new());
        fixture.draft("notes", "1.0", b"one").await;
        assert_eq!(fixture.release("notes", "1.0").await["state"], "draft");
        fixture
            .client(&["read"], None)
            .await
            .get("/api/v1/apps")
            .await
            .ok(200);
    }
}
