//! The gate: a release that is being verified is there for the catalog alone.

use sha2::{Digest as _, Sha256};
use slipway_contract::feed::{Row, Visibility};
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, app, release};

#[tokio::test]
async fn a_staged_release_is_served_to_the_catalog_as_the_public_will_get_it() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        let at = |visibility| Row::Release(release("1.0", visibility, vec![package.clone()]));
        fixture
            .apply("e", 1, vec![app("notes"), at(Visibility::Staged)])
            .await;
        let paths = ["/d/notes/1.0/notes.apk", "/d/notes/1.0/notes.apk.minisig"];
        let mut staged = Vec::new();
        for path in paths {
            assert_eq!(
                fixture.get(path).await.problem(),
                (404, "release_unknown".to_owned())
            );
            let answer = fixture
                .get_as_catalog(&format!("/internal/staged{path}"))
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            staged.push(answer);
        }
        assert_eq!(
            fixture.get("/d/notes/latest/android").await.problem(),
            (404, "no_package".to_owned())
        );
        let latest = fixture
            .get_as_catalog("/internal/staged/d/notes/latest/android")
            .await;
        assert_eq!(latest.header("location"), "/d/notes/1.0/notes.apk");
        let key = fixture
            .get_as_catalog("/internal/staged/keys/notes/minisign.pub")
            .await;
        assert_eq!(key.body, fixture.get("/keys/notes/minisign.pub").await.body);

        fixture.apply("e", 3, vec![at(Visibility::Published)]).await;
        for (path, staged) in paths.into_iter().zip(&mut staged) {
            let mut public = fixture.get(path).await;
            assert_eq!(public.body, staged.body);
            public.headers.remove("x-request-id");
            staged.headers.remove("x-request-id");
            staged.headers.remove("x-slipway-instance");
            assert_eq!(public.headers, staged.headers);
        }

        fixture.apply("e", 4, vec![at(Visibility::Hidden)]).await;
        for path in paths {
            assert_eq!(
                fixture.get(path).await.problem(),
                (404, "release_unknown".to_owned())
            );
            assert_eq!(
                fixture
                    .get_as_catalog(&format!("/internal/staged{path}"))
                    .await
                    .status,
                404
            );
        }
    }
}

#[tokio::test]
async fn nobody_else_sees_what_is_staged() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        fixture
            .apply(
                "e",
                1,
                vec![
                    app("notes"),
                    Row::Release(release("1.0", Visibility::Staged, vec![package])),
                ],
            )
            .await;
        let answer = fixture.get("/internal/staged/d/notes/1.0/notes.apk").await;
        assert_eq!(answer.problem(), (403, "caller_not_permitted".to_owned()));
    }
}

#[tokio::test]
async fn the_catalog_can_have_a_file_read_anew() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        let digest = package.file.sha256;
        let address = format!("/internal/blobs/{digest}");
        let read = async || fixture.get_as_catalog(&address).await.json();
        assert_eq!(read().await["sha256"], digest.as_hex());
        assert_eq!(read().await["size"], 7);
        let path = fixture
            .process
            .process
            .data
            .blobs()
            .join(digest.blob_path());
        std::fs::write(&path, b"pockage!").expect("a change");
        let found =
            slipway_contract::Digest::from_bytes(Sha256::digest(b"pockage!").into()).as_hex();
        assert_eq!(read().await["sha256"], found);
        assert_eq!(read().await["size"], 8);
        std::fs::remove_file(&path).expect("a removal");
        assert_eq!(read().await["sha256"], serde_json::Value::Null);
        let wrong = fixture.get_as_catalog("/internal/blobs/1234").await;
        assert_eq!(wrong.problem(), (400, "digest_invalid".to_owned()));
    }
}
