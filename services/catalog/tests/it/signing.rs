//! What becomes of a release when the signing service refuses.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::feed::Visibility;
use slipway_testkit::database::engines;

use crate::fixture::Fixture;
use crate::signing_peer::Conduct;

#[tokio::test]
async fn a_refused_signature_fails_the_release_until_it_is_retried() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::Refuses);
        let id = fixture.draft("notes", "1.0", b"one").await;
        let words = fixture
            .publish("notes", "1.0")
            .await
            .refused(422, "release_failed");
        assert!(
            words.contains("notes.apk was not signed: the blob differs"),
            "{words}"
        );
        let release = fixture.release("notes", "1.0").await;
        assert_eq!(release["state"], "failed");
        assert!(words.starts_with(release["reason"].as_str().expect("a reason")));
        let uploaded = fixture.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "failed");
        assert_eq!(uploaded["package"]["reason"], release["reason"]);

        let retry = "/api/v1/apps/notes/releases/1.0/retry";
        fixture
            .admin()
            .post(retry, Value::Null)
            .await
            .refused(422, "release_failed");
        fixture.signing.conducts(Conduct::Works);
        let release = fixture.admin().post(retry, Value::Null).await.ok(201);
        assert_eq!(release["state"], "published");
        assert_eq!(release["reason"], Value::Null);
        assert_eq!(release["channels"], json!(["stable"]));
        let shown = [Visibility::Staged, Visibility::Published];
        let told = fixture.download.told("1.0");
        assert!(
            told.iter()
                .filter(|told| **told != Visibility::Hidden)
                .eq(&shown),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn bytes_that_were_read_wrong_once_fail_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::ReadsWrongOnce);
        fixture.draft("notes", "1.0", b"one").await;
        let published = fixture.publish("notes", "1.0").await;
        assert_eq!(published.ok(201)["state"], "published");
        assert_eq!(
            fixture.signing.calls().len(),
            2,
            "it was asked to read again"
        );
    }
}

#[tokio::test]
async fn a_signing_of_another_version_lets_releases_wait() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::DoesNotUnderstand);
        fixture.draft("notes", "1.0", b"one").await;
        let replaced = async {
            let waits = |release: &Value| !release["reason"].is_null();
            let path = "/api/v1/apps/notes/releases/1.0";
            let release = fixture.eventually(path, waits).await;
            assert_eq!(release["state"], "signing");
            let reason = release["reason"].as_str().expect("a reason");
            assert!(reason.contains("the field `seal` is missing"), "{reason}");
            fixture.signing.conducts(Conduct::Works);
        };
        let (published, ()) = tokio::join!(fixture.publish("notes", "1.0"), replaced);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

#[tokio::test]
async fn a_retry_that_comes_at_once_is_never_lost() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for round in 0..10 {
            let version = format!("1.{round}");
            fixture.signing.conducts(Conduct::Refuses);
            fixture.draft("notes", &version, b"one").await;
            fixture
                .publish("notes", &version)
                .await
                .refused(422, "release_failed");
            fixture.signing.conducts(Conduct::Works);
            let retry = format!("/api/v1/apps/notes/releases/{version}/retry");
            let release = fixture.admin().post(&retry, Value::Null).await.ok(201);
            assert_eq!(release["state"], "published");
        }
    }
}

#[tokio::test]
async fn the_files_of_a_failed_release_are_fixed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::Refuses);
        fixture.draft("notes", "1.0", b"one").await;
        fixture
            .publish("notes", "1.0")
            .await
            .refused(422, "release_failed");
        fixture.signing.conducts(Conduct::Works);
        let second = fixture.delivery("notes", "1.0", "second.apk", b"second");
        let other = fixture.delivery("notes", "1.0", "notes.apk", b"other");
        for delivery in [second, other] {
            let words = fixture.deliver(&delivery).await;
            let words = words.refused(409, "version_exists");
            assert!(words.contains("higher"), "{words}");
        }
        // The same bytes are a retry.
        let mut same = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        same.channel = Some(Word::read("stable"));
        let uploaded = fixture.deliver(&same).await.ok(200);
        let id = uploaded["package"]["id"].as_str().expect("an id");
        let uploaded = fixture.package(id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
        let packages = uploaded["release"]["packages"].as_array();
        assert_eq!(packages.map(Vec::len), Some(1));
    }
}
