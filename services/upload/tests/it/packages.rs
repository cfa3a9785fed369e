use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{Request, StatusCode};
use slipway_packages::{Digest, PLANTED_PANIC};
use slipway_service::token::Scope;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, until};

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
        assert_eq!(delivery.channel.as_deref(), Some("stable"));
        assert_eq!(delivery.version.as_deref(), Some("1.0"));
        assert_eq!(delivery.token_name, "ci");
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
        let other = fixture.put("notes.bin?version=1.0.0", "other").await;
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
        let put = |body: &'static str| fixture.put("notes.bin?version=1.0", body);
        let answers = tokio::join!(put("bytes"), put("bytes"), put("other"), put("other"));
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
            assert_eq!(winner.unwrap().body["package"]["sha256"], delivery.sha256);
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
        let unknown = slipway_service::token::Token::random().unwrap();
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
            fixture.put("second.bin?version=1.0", "x").await.verdict() == (409, "release_published")
        })
        .await;
        let other = fixture.put("notes.bin?version=1.0.0", "other").await;
        assert_eq!(other.verdict(), (409, "version_exists"));
        let same = fixture.put("notes.bin?version=1.0.0", "bytes").await;
        assert_eq!(same.status, StatusCode::CREATED, "{same:?}");
    }
}

#[tokio::test]
async fn a_package_waits_for_the_catalog_and_goes_on_by_itself() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.set_away(true);
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        assert_eq!(answer.body["state"], "stored");
        assert!(answer.body["reason"].as_str().unwrap().contains("catalog"));
        let location = answer.header("location").to_owned();
        let shown = fixture.get(&location).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert_eq!(shown.body["state"], "stored");
        assert!(shown.body["reason"].as_str().unwrap().contains("catalog"));
        assert_eq!(fixture.instance.reading("outbox_rows").await, 1);

        fixture.catalog.set_away(false);
        until("it is released", async || {
            fixture.get(&location).await.body["state"] == "published"
        })
        .await;
        assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
    }
}

#[tokio::test]
async fn an_instance_started_without_the_catalog_decides_by_its_copy() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let expired = fixture.catalog.add_token(&[Scope::Upload], None, Some(1));
        let ask = async |instance: &crate::fixture::Instance, token: &str| {
            let request = Request::builder()
                .method("PUT")
                .uri("/api/v1/apps/notes/packages/notes.bin")
                .header("authorization", format!("Bearer {token}"))
                .header("prefer", "respond-async, wait=1")
                .body(Body::from("bytes"));
            instance.send(request.unwrap()).await
        };
        until("the token is known", async || {
            ask(&fixture.instance, &expired).await.verdict().1 == "token_expired"
        })
        .await;
        fixture.instance.stop().await;
        let alone = fixture.alone().await;
        assert_eq!(
            ask(&alone, &fixture.token).await.status,
            StatusCode::ACCEPTED
        );
        assert_eq!(
            ask(&alone, &expired).await.verdict(),
            (401, "token_expired")
        );
        let unknown = slipway_service::token::Token::random().unwrap();
        assert_eq!(
            ask(&alone, unknown.reveal()).await.verdict(),
            (401, "token_invalid")
        );
    }
}

#[tokio::test]
async fn a_refusal_of_the_catalog_is_shown_where_the_developer_looks() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.refuse(Some((
            StatusCode::CONFLICT,
            "release_published",
            "1.0 is released",
        )));
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.verdict(), (409, "release_published"));
        assert_eq!(answer.body["detail"], "1.0 is released");
        assert_eq!(fixture.instance.reading("outbox_rows").await, 0);
        assert_eq!(fixture.instance.reading("packages_refused").await, 1);
        fixture.catalog.refuse(None);
        let again = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(
            again.status,
            StatusCode::CREATED,
            "what was refused is not in the way"
        );
    }
}

#[tokio::test]
async fn a_failed_release_says_why() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture
            .catalog
            .publish_state("failed", Some("the bytes changed on disk"));
        let answer = fixture
            .put("notes.bin?version=1.0&channel=stable", "bytes")
            .await;
        assert_eq!(answer.verdict(), (422, "release_failed"));
        assert!(
            answer.body["detail"]
                .as_str()
                .unwrap()
                .contains("the bytes changed on disk")
        );
        fixture
            .catalog
            .publish_state("signing", Some("the signing service does not answer"));
        let request = fixture
            .request(
                "PUT",
                "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable",
            )
            .header("prefer", "wait=1")
            .body(Body::from("bytes"));
        let answer = fixture.instance.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(answer.body["state"], "signing");
        assert_eq!(answer.body["reason"], "the signing service does not answer");
    }
}

#[tokio::test]
async fn a_version_is_read_out_of_the_bytes_or_missing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture
            .put("notes.bin?channel=stable", "no version inside")
            .await;
        assert_eq!(answer.verdict(), (422, "version_missing"));
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
    }
}

#[tokio::test]
async fn an_inspection_that_dies_understands_nothing_and_stops_nobody() {
    for engine in engines() {
        let starved = Fixture::with(engine, |settings| {
            settings.inspection.memory_bytes = 1 << 20;
        })
        .await;
        let answer = starved.put("notes.bin?version=1", "bytes").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.body["package"]["kind"], "other");
        let absent = Fixture::with(engine, |settings| {
            settings.inspection.program = Some("/nowhere/slipway".into());
        })
        .await;
        let answer = absent.put("notes.bin?version=1", PLANTED_PANIC).await;
        assert_eq!(
            answer.verdict(),
            (500, "internal"),
            "not inspected is not accepted"
        );
        assert!(absent.staged().is_empty() && absent.blobs().is_empty());
    }
}

#[tokio::test]
async fn an_archive_that_is_built_to_harm_is_refused_by_its_rule() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let answer = fixture.put("climbing.zip?version=1", climbing_zip()).await;
        assert_eq!(answer.verdict(), (422, "archive_refused"));
        assert_eq!(answer.body["rule"], "climbing");
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
    }
}

#[tokio::test]
async fn the_word_of_the_uploader_does_not_contradict_the_bytes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        // Two load commands short of a program, but its magic number says what it runs on.
        let mut program = vec![
            0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0,
        ];
        program.resize(64, 0);
        let answer = fixture
            .put("notes?version=1&platform=windows", program.clone())
            .await;
        assert_eq!(answer.verdict(), (422, "platform_mismatch"));
        let answer = fixture.put("notes?version=1&platform=macos", program).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.body["package"]["platform"], "macos");
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

/// A zip with one empty entry that climbs out of the folder it is unpacked into.
fn climbing_zip() -> Vec<u8> {
    let name = b"../evil";
    let length = u16::try_from(name.len())
        .expect("a short name")
        .to_le_bytes();
    let mut zip = Vec::new();
    zip.extend(b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    zip.extend(length);
    zip.extend([0, 0]);
    zip.extend(name);
    let directory = u32::try_from(zip.len()).expect("a small file");
    zip.extend(b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    zip.extend(length);
    zip.extend([0; 16]);
    zip.extend(name);
    let size = u32::try_from(zip.len()).expect("a small file") - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(size.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0, 0]);
    zip
}
