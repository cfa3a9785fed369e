//! Nothing is published that a download instance does not serve right.

use serde_json::Value;
use slipway_contract::feed::Visibility;
use slipway_testkit::database::engines;

use crate::download_peer::Defect;
use crate::fixture::Fixture;
use crate::signing_peer::Conduct;

/// A version fails with `words`, nobody was ever told to show it, and once mended it is published.
async fn is_refused(fixture: &Fixture, version: &str, words: &str, mend: impl Fn()) {
    fixture
        .draft("notes", version, b"the bytes of a package")
        .await;
    let answer = fixture.publish("notes", version).await;
    let refusal = answer.refused(422, "release_failed");
    assert!(
        refusal.contains("notes.apk did not pass verification"),
        "{refusal}"
    );
    assert!(refusal.contains(words), "{refusal}");
    assert_eq!(fixture.release("notes", version).await["state"], "failed");

    let page = "/internal/changes?epoch=&after=0";
    let page = fixture.catalog.internal("upload", page).await.ok(200);
    let changes = page["changes"].as_array().expect("changes");
    let told = changes.iter().find(|change| change["version"] == version);
    assert_eq!(told.expect("the release")["visibility"], "hidden");
    let told = fixture.download.told(version);
    assert!(!told.contains(&Visibility::Published), "{told:?}");

    mend();
    let retry = format!("/api/v1/apps/notes/releases/{version}/retry");
    let release = fixture.admin().post(&retry, Value::Null).await.ok(201);
    assert_eq!(release["state"], "published");
    assert_eq!(
        fixture.download.told(version).last(),
        Some(&Visibility::Published)
    );
}

/// A version waits with `words` and nobody was ever told to show it; once mended it is published by itself.
async fn waits(fixture: &Fixture, version: &str, words: &str, mend: impl Fn()) {
    fixture
        .draft("notes", version, b"the bytes of a package")
        .await;
    let mended = async {
        let path = format!("/api/v1/apps/notes/releases/{version}");
        let says = |release: &Value| {
            release["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains(words))
        };
        let release = fixture.eventually(&path, says).await;
        assert_eq!(release["state"], "verifying");
        let told = fixture.download.told(version);
        assert!(!told.contains(&Visibility::Published), "{told:?}");
        mend();
    };
    let (published, ()) = tokio::join!(fixture.publish("notes", version), mended);
    assert_eq!(published.ok(201)["state"], "published");
}

#[tokio::test]
async fn bytes_that_are_wrong_in_the_store_fail_the_release() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.download.has(Some(Defect::WrongByteInStore));
        let mend = || fixture.download.has(None);
        let words = "differ from those that were uploaded: the store has 22 bytes with the SHA-256";
        is_refused(&fixture, "1.0", words, mend).await;
    }
}

/// None of this is a fault of what was released: a bad read, a machine between, an instance of another version.
#[tokio::test]
async fn what_a_download_serves_wrong_waits_and_is_never_published() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for (number, (defect, words)) in [
            (
                Defect::WrongByte,
                "differ from those that were uploaded, but the store has the right bytes",
            ),
            (
                Defect::OneByteShort,
                "21 bytes are served instead of 22, but",
            ),
            (
                Defect::OneByteMore,
                "23 bytes are served instead of 22, but",
            ),
            (Defect::NoReprDigest, "Repr-Digest"),
            (Defect::WrongReprDigest, "Repr-Digest"),
            (
                Defect::WholeInsteadOfRange,
                "a range of it is not served as one",
            ),
            (Defect::WrongRange, "a range of it has other bytes"),
            (Defect::ForeignKey, "key that is served is not the app's"),
            (Defect::NoKey, "key that is served is not the app's"),
            (
                Defect::NoSignature,
                "signature that is served is not the one that was made",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            fixture.download.has(Some(defect));
            let mend = || fixture.download.has(None);
            waits(&fixture, &format!("1.{number}"), words, mend).await;
        }
    }
}

#[tokio::test]
async fn a_signature_that_does_not_prove_this_release_is_never_published() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for (version, conduct, words) in [
            ("1.0", Conduct::SignsWithAnotherKey, "not of the app's key"),
            (
                "1.1",
                Conduct::NamesAnotherVersion,
                "names another file, version, app or size",
            ),
            (
                "1.2",
                Conduct::ForgesTheKey,
                "the signature does not prove the bytes",
            ),
            (
                "1.3",
                Conduct::AltersTheComment,
                "the signature does not prove the bytes",
            ),
        ] {
            fixture.signing.conducts(conduct);
            let mend = || fixture.signing.conducts(Conduct::Works);
            is_refused(&fixture, version, words, mend).await;
        }
    }
}

#[tokio::test]
async fn a_signature_that_names_another_size_is_never_published() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.signing.has_keys_of_the_test();
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::NamesAnotherSize);
        let mend = || fixture.signing.conducts(Conduct::Works);
        let words = "names another file, version, app or size";
        is_refused(&fixture, "1.0", words, mend).await;
    }
}

/// As one of before 0.5.0 beside us makes it.
#[tokio::test]
async fn a_signature_that_says_no_size_is_published() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.signing.has_keys_of_the_test();
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::NamesNoSize);
        fixture.draft("notes", "1.0", b"bytes").await;
        fixture.publish("notes", "1.0").await.ok(201);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.download.has(Some(Defect::CutOff));
        let id = fixture
            .draft("notes", "1.0", b"the bytes of a package")
            .await;
        let mended = async {
            let waits = |release: &Value| !release["reason"].is_null();
            let release = fixture
                .eventually("/api/v1/apps/notes/releases/1.0", waits)
                .await;
            assert_eq!(release["state"], "verifying");
            let reason = release["reason"].as_str().expect("a reason");
            assert!(reason.contains("serves it whole"), "{reason}");
            assert_eq!(
                fixture.download.told("1.0").last(),
                Some(&Visibility::Staged)
            );
            fixture.download.has(None);
        };
        let (published, ()) = tokio::join!(fixture.publish("notes", "1.0"), mended);
        published.ok(201);
        assert_eq!(
            fixture.package(&id, 0).await.ok(200)["package"]["state"],
            "published"
        );
    }
}
