use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{Request, StatusCode};
use slipway_contract::grant::Scope;
use slipway_contract::{Digest, FileHash, Word};
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, request_by, until};

fn sha256(bytes: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest::from_bytes(sha2::Sha256::digest(bytes).into())
}

#[tokio::test]
async fn a_package_is_stored_told_and_released() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture
            .put(
                "notes.bin?version=1.0&channel=stable&platform=linux",
                "bytes",
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["release"]["state"], "published");
        let package = &answer.body["package"];
        assert_eq!(package["sha256"], sha256(b"bytes").as_hex());
        assert_eq!(package["platform"], "linux");
        assert_eq!(fixture.blobs(), [sha256(b"bytes").as_hex()]);
        assert!(fixture.staged().is_empty());
        let [delivery] = &fixture.catalog.deliveries()[..] else {
            panic!("not one delivery: {:?}", fixture.catalog.deliveries());
        };
        assert_eq!(delivery.channel, Some(Word::read("stable")));
        assert_eq!(delivery.version, Some(Word::read("1.0")));
        assert_eq!(delivery.token_name, "ci");
        let mut hash = FileHash::default();
        hash.update(b"bytes");
        let list = hash.blocks().digest().as_hex();
        assert_eq!(delivery.blocks.map(|blocks| blocks.as_hex()), Some(list));
        assert_eq!(delivery.facts["warnings"].as_array().map(Vec::len), Some(1));
        assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
    }
}

#[tokio::test]
async fn the_same_bytes_are_a_retry_and_other_bytes_a_conflict() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let first = fixture.put("notes.bin?version=1.0", "bytes").await;
        assert_eq!(first.status, StatusCode::CREATED);
        let again = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(again.body["package"]["id"], first.body["package"]["id"]);
        assert_eq!(again.body["release"]["state"], "published");
        let second = fixture.token(&[Scope::Upload], None).await;
        let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0.0";
        let request = request_by(&second, "PUT", path).body(Body::from("other"));
        let other = fixture.instance.send(request.expect("a request")).await;
        assert_eq!(other.verdict(), (409, "version_exists"));
        assert_eq!(fixture.blobs(), [sha256(b"bytes").as_hex()]);
        assert!(fixture.staged().is_empty());
        let alone = fixture.put("notes.bin", "bytes").await;
        assert_eq!(alone.status, StatusCode::CREATED, "{alone:?}");
        assert_eq!(
            fixture.put("notes.bin", "bytes").await.status,
            StatusCode::OK
        );
        assert_eq!(
            fixture.put("notes.bin", "more").await.status,
            StatusCode::CREATED
        );
    }
}

#[tokio::test]
async fn of_uploads_at_once_one_has_the_place() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let second = fixture.token(&[Scope::Upload], None).await;
        let put = async |token: &str, body: &'static str| {
            let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0";
            let request = request_by(token, "PUT", path).body(Body::from(body));
            fixture.instance.send(request.expect("a request")).await
        };
        let answers = tokio::join!(
            put(&fixture.token, "bytes"),
            put(&fixture.token, "bytes"),
            put(&second, "other"),
            put(&second, "other")
        );
        let mut statuses =
            [&answers.0, &answers.1, &answers.2, &answers.3].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201, 409, 409], "{answers:?}");
        let winner = [&answers.0, &answers.2]
            .into_iter()
            .find(|answer| answer.status.is_success());
        let delivered = fixture.catalog.deliveries();
        assert!(!delivered.is_empty());
        for delivery in delivered {
            assert_eq!(
                winner.unwrap().body["package"]["sha256"],
                delivery.file.sha256.as_hex()
            );
        }
        assert!(fixture.staged().is_empty());
    }
}

#[tokio::test]
async fn who_may_not_upload_is_refused_before_the_body_is_read() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let reader = fixture.catalog.add_token(&[Scope::Read], None, None);
        let expired = fixture.catalog.add_token(&[Scope::Upload], None, Some(1));
        let uploader = fixture
            .catalog
            .add_token(&[Scope::Upload], Some("notes"), None);
        let stranger = fixture
            .catalog
            .add_token(&[Scope::Upload], Some("other"), None);
        let unknown = slipway_runtime::token::Token::random().unwrap();
        let ask = async |token: Option<&str>, path: &str| {
            // A body that never comes: whoever polls it hangs.
            let body = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
            let mut request = Request::builder().method("PUT").uri(path);
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = fixture.instance.send(request.body(body).unwrap()).await;
            let (status, code) = answer.verdict();
            (status, code.to_owned())
        };
        let path = "/api/v1/apps/notes/packages/x.bin";
        until("the tokens are known", async || {
            ask(Some(&stranger), path).await.0 == 403
        })
        .await;
        for (token, path, status, code) in [
            (
                None,
                "/api/v1/apps/absent/packages/.x?colour=red",
                401,
                "token_missing",
            ),
            (Some("slw_x"), path, 401, "token_invalid"),
            (Some(unknown.reveal()), path, 401, "token_invalid"),
            (Some(&*expired), path, 401, "token_expired"),
            (Some(&*reader), path, 403, "scope_missing"),
            (Some(&*stranger), path, 403, "token_of_another_app"),
            (
                Some(&*uploader),
                &*format!("{path}?version=1&channel=stable"),
                403,
                "scope_missing",
            ),
            (
                Some(&*fixture.token),
                "/api/v1/apps/absent/packages/x.bin",
                404,
                "app_unknown",
            ),
            (
                Some(&*fixture.token),
                &*format!("{path}?colour=red"),
                400,
                "parameter_unknown",
            ),
            (
                Some(&*fixture.token),
                &*format!("{path}?version=x"),
                422,
                "version_invalid",
            ),
            (
                Some(&*fixture.token),
                "/api/v1/apps/notes/packages/.x",
                422,
                "name_refused",
            ),
            (
                Some(&*fixture.token),
                "/api/v1/apps/notes/packages/a%01b",
                422,
                "name_refused",
            ),
        ] {
            assert_eq!(ask(token, path).await, (status, code.to_owned()), "{path}");
        }
        assert!(fixture.staged().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_was_announced_leaves_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let path = "/api/v1/apps/notes/packages/x.bin?version=1";
        let wrong = fixture
            .request("PUT", path)
            .header("repr-digest", sha256(b"other").repr_digest())
            .body(Body::from("bytes"));
        let answer = fixture.instance.send(wrong.unwrap()).await;
        assert_eq!(answer.verdict(), (422, "digest_mismatch"));
        let pieces = [
            Ok(Bytes::from_static(b"by")),
            Err(std::io::Error::other("cut")),
        ];
        let cut = fixture
            .put("x.bin?version=1", Body::from_stream(stream::iter(pieces)))
            .await;
        assert_eq!(cut.verdict(), (400, "body_unreadable"));
        until("staging is empty", async || fixture.staged().is_empty()).await;
        assert!(fixture.blobs().is_empty());
        assert!(fixture.catalog.deliveries().is_empty());
        let right = fixture
            .request("PUT", path)
            .header("repr-digest", sha256(b"bytes").repr_digest())
            .body(Body::from("bytes"));
        assert_eq!(
            fixture.instance.send(right.unwrap()).await.status,
            StatusCode::CREATED
        );
    }
}

#[tokio::test]
async fn what_is_too_large_for_the_limit_or_the_disk_leaves_nothing() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.limits.package_bytes = 9).await;
        assert_eq!(
            fixture.put("x.bin", "ten bytes!").await.verdict(),
            (413, "body_too_large")
        );
        let pieces = [Ok::<_, std::io::Error>("ten "), Ok("bytes!")];
        let unannounced = fixture
            .put("x.bin", Body::from_stream(stream::iter(pieces)))
            .await;
        assert_eq!(unannounced.verdict(), (413, "body_too_large"));
        until("staging is empty", async || fixture.staged().is_empty()).await;
        let full = Fixture::with(engine, |settings| settings.store.reserve_bytes = 1 << 60).await;
        assert_eq!(
            full.put("x.bin", "bytes").await.verdict(),
            (507, "disk_full")
        );
        assert!(full.staged().is_empty() && full.blobs().is_empty());
    }
}

#[tokio::test]
async fn a_released_version_is_closed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let digest = sha256(b"bytes").as_hex();
        fixture
            .catalog
            .add_release("notes", "1.0.0", &[("notes.bin", &digest)]);
        until("the release is known", async || {
            let answer = fixture.put("second.bin?version=1.0", "x").await;
            let told = |words: &str| words.contains("make a draft") && words.contains("second.bin");
            answer.verdict() == (409, "release_published")
                && answer.body["detail"].as_str().is_some_and(told)
        })
        .await;
        let other = fixture.put("notes.bin?version=1.0.0", "other").await;
        assert_eq!(other.verdict(), (409, "version_exists"));
        let same = fixture.put("notes.bin?version=1.0.0", "bytes").await;
        assert_eq!(same.status, StatusCode::CREATED, "{same:?}");
    }
}

#[tokio::test]
async fn a_file_that_a_killed_process_left_in_staging_is_swept() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.store.sweep_seconds = 1).await;
        let staging = fixture.test.process.data.blobs().join("staging");
        let held = std::fs::File::create(staging.join("written")).unwrap();
        held.lock().unwrap();
        std::fs::write(staging.join("left"), "bytes").unwrap();
        until("the file is swept", async || !staging.join("left").exists()).await;
        assert!(staging.join("written").exists(), "somebody writes it");
        drop(held);
        until("this one too", async || fixture.staged().is_empty()).await;
    }
}

#[tokio::test]
async fn folders_that_somebody_has_removed_are_made_again() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let store = fixture.test.process.data.blobs();
        std::fs::remove_dir(store.join("staging")).expect("an empty folder");
        let digest = sha256(b"bytes").as_hex();
        let shard = store.join("sha256").join(&digest[..2]);
        std::fs::remove_dir(shard).expect("an empty folder");
        let answer = fixture.put("notes.bin?version=1.0", "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(fixture.blobs(), [digest]);

        // A store that is not there is not made: its disk may not be there.
        std::fs::rename(&store, store.with_extension("away")).expect("a store");
        std::fs::create_dir(&store).expect("where a disk belongs");
        let answer = fixture.put("notes.bin?version=1.1", "others").await;
        assert_eq!(answer.status.as_u16() / 100, 5, "{answer:?}");
        assert!(!store.join("staging").exists());
    }
}
