//! What becomes of a release when the signing service refuses.

use serde_json::{Value, json};
use slipway_service::changes::Visibility;
use slipway_testkit::database::engines;

use crate::house::House;
use crate::signing_peer::Conduct;

#[tokio::test]
async fn a_refused_signature_fails_the_release_until_it_is_retried() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.signing.conducts(Conduct::Refuses);
        let id = house.draft("notes", "1.0", b"one").await;
        let words = house
            .publish("notes", "1.0")
            .await
            .refused(422, "release_failed");
        assert!(
            words.contains("notes.apk was not signed: the blob differs"),
            "{words}"
        );
        let release = house.release("notes", "1.0").await;
        assert_eq!(release["state"], "failed");
        assert!(words.starts_with(release["reason"].as_str().expect("a reason")));
        let uploaded = house.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "failed");
        assert_eq!(uploaded["package"]["reason"], release["reason"]);

        let retry = "/api/v1/apps/notes/releases/1.0/retry";
        house
            .admin()
            .post(retry, Value::Null)
            .await
            .refused(422, "release_failed");
        house.signing.conducts(Conduct::Works);
        let release = house.admin().post(retry, Value::Null).await.ok(201);
        assert_eq!(release["state"], "published");
        assert_eq!(release["reason"], Value::Null);
        assert_eq!(release["channels"], json!(["stable"]));
        let shown = [Visibility::Staged, Visibility::Published];
        let told = house.download.told("1.0");
        assert!(
            told.iter()
                .filter(|told| **told != Visibility::Hidden)
                .eq(&shown),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_retry_that_comes_at_once_is_never_lost() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        for round in 0..10 {
            let version = format!("1.{round}");
            house.signing.conducts(Conduct::Refuses);
            house.draft("notes", &version, b"one").await;
            house
                .publish("notes", &version)
                .await
                .refused(422, "release_failed");
            house.signing.conducts(Conduct::Works);
            let retry = format!("/api/v1/apps/notes/releases/{version}/retry");
            let release = house.admin().post(&retry, Value::Null).await.ok(201);
            assert_eq!(release["state"], "published");
        }
    }
}

#[tokio::test]
async fn a_failed_release_takes_the_package_that_mends_it() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.signing.conducts(Conduct::Refuses);
        house.draft("notes", "1.0", b"one").await;
        house
            .publish("notes", "1.0")
            .await
            .refused(422, "release_failed");
        house.signing.conducts(Conduct::Works);
        let second = house.delivery("notes", "1.0", "second.apk", b"second");
        house.deliver(&second).await.ok(200);
        let release = house.publish("notes", "1.0").await.ok(201);
        assert_eq!(release["packages"].as_array().map(Vec::len), Some(2));
    }
}
