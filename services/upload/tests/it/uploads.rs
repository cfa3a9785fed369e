use axum::body::{Body, Bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use sha1::Digest as _;
use slipway_testkit::database::engines;

use crate::fixture::{Answer, Fixture, Instance, until};

const UPLOADS: &str = "/api/v1/apps/notes/uploads";
const MEDIA_TYPE: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)));
    pairs.collect::<Vec<_>>().join(",")
}

/// A request to an upload, signed in and of the protocol's version.
fn tus(fixture: &Fixture, method: &str, path: &str) -> http::request::Builder {
    fixture
        .request(method, path)
        .header("tus-resumable", "1.0.0")
}

async fn create(fixture: &Fixture, size: usize, pairs: &[(&str, &str)]) -> Answer {
    let request = tus(fixture, "POST", UPLOADS)
        .header("upload-length", size)
        .header("upload-metadata", metadata(pairs))
        .body(Body::empty());
    fixture.instance.send(request.expect("a request")).await
}

/// Begins an upload of `notes.bin` 1.0 and returns its path.
async fn begin(fixture: &Fixture, size: usize) -> String {
    let pairs = [
        ("filename", "notes.bin"),
        ("version", "1.0"),
        ("channel", "stable"),
    ];
    let answer = create(fixture, size, &pairs).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.header("location").to_owned()
}

fn piece(fixture: &Fixture, path: &str, offset: usize, body: impl Into<Body>) -> Request<Body> {
    tus(fixture, "PATCH", path)
        .header("upload-offset", offset)
        .header(MEDIA_TYPE.0, MEDIA_TYPE.1)
        .body(body.into())
        .expect("a request")
}

async fn offset(fixture: &Fixture, instance: &Instance, path: &str) -> (u16, String) {
    let request = tus(fixture, "HEAD", path).body(Body::empty());
    let request = request.expect("a request");
    let answer = instance.send(request).await;
    (
        answer.status.as_u16(),
        answer.header("upload-offset").to_owned(),
    )
}

/// A body that brings `bytes` and then neither more nor its end, as of a connection that is half open.
fn half_open(bytes: &'static [u8]) -> Body {
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(bytes))]);
    Body::from_stream(first.chain(stream::pending()))
}

#[tokio::test]
async fn pieces_that_are_not_whole_together_are_refused_unless_they_are_meant() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let page = "<html>502 Bad Gateway</html>";
        let named = ("filename", "notes.apk");
        let answer = create(&fixture, page.len(), &[named, ("kind", "apk")]).await;
        assert_eq!(answer.verdict(), (422, "kind_unknown"));
        for (pairs, verdict) in [
            (&[named][..], (422, "package_damaged")),
            (&[named, ("kind", "other")], (204, "")),
        ] {
            let begun = create(&fixture, page.len(), pairs).await;
            let path = begun.header("location");
            let last = piece(&fixture, path, 0, page);
            assert_eq!(fixture.instance.send(last).await.verdict(), verdict);
            let (status, _) = offset(&fixture, &fixture.instance, path).await;
            assert_eq!(status, if verdict.0 == 422 { 404 } else { 200 });
            assert_eq!(fixture.blobs().len(), usize::from(verdict.0 == 204));
        }
        assert!(fixture.staged().is_empty());
    }
}

#[tokio::test]
async fn pieces_become_a_package() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let path = begin(&fixture, 10).await;
        assert_eq!(
            offset(&fixture, &fixture.instance, &path).await,
            (200, "0".into())
        );
        let answer = fixture
            .instance
            .send(piece(&fixture, &path, 0, "hello"))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("upload-offset")),
            (204, "5")
        );
        assert!(answer.header("upload-expires").ends_with(" GMT"));
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        let shown = fixture.get(&path).await;
        assert_eq!(
            (&shown.body["offset"], &shown.body["state"]),
            (&5.into(), &"uploading".into())
        );

        let answer = fixture
            .instance
            .send(piece(&fixture, &path, 5, "world"))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("upload-offset")),
            (204, "10")
        );
        assert_eq!(
            offset(&fixture, &fixture.instance, &path).await,
            (200, "10".into())
        );
        until("it is published", async || {
            fixture.get(&path).await.body["state"] == "published"
        })
        .await;
        let shown = fixture.get(&path).await;
        let digest = hex::encode(sha2::Sha256::digest(b"helloworld"));
        assert_eq!(shown.body["package"]["sha256"], digest);
        assert_eq!(shown.body["release"]["version"], "1.0");
        assert_eq!(fixture.blobs(), [digest]);
        assert!(fixture.staged().is_empty());
        assert_eq!(fixture.instance.reading("sessions_open").await, 0);
    }
}

#[tokio::test]
async fn an_upload_begins_with_its_first_bytes_or_has_none() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let request = tus(&fixture, "POST", UPLOADS)
            .header("upload-length", 5)
            .header("upload-metadata", metadata(&[("filename", "a.bin")]))
            .header(MEDIA_TYPE.0, MEDIA_TYPE.1)
            .body(Body::from("hello"));
        let answer = fixture.instance.send(request.unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("upload-offset")),
            (201, "5")
        );
        let shown = fixture.get(answer.header("location")).await;
        assert_eq!(shown.body["package"]["filename"], "a.bin");
        let empty = create(&fixture, 0, &[("filename", "empty.bin")]).await;
        assert_eq!(empty.verdict(), (422, "package_empty"));
        assert_eq!(fixture.instance.reading("sessions_open").await, 0);
        assert!(fixture.staged().is_empty());
    }
}

#[tokio::test]
async fn more_than_was_announced_is_not_cut_to_size() {
    const LONG: &str = "hello and some more";
    let chunked = |pieces: &'static [&'static str]| {
        Body::from_stream(stream::iter(pieces).map(|piece| Ok::<_, std::io::Error>(*piece)))
    };
    let long = || [Body::from(LONG), chunked(&[LONG]), chunked(&["hello", "x"])];
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.sessions.persist_bytes = 4).await;
        for body in long() {
            let request = tus(&fixture, "POST", UPLOADS)
                .header("upload-length", 5)
                .header("upload-metadata", metadata(&[("filename", "a.bin")]))
                .header(MEDIA_TYPE.0, MEDIA_TYPE.1)
                .body(body);
            let answer = fixture.instance.send(request.unwrap()).await;
            assert_eq!(answer.verdict(), (413, "body_too_large"));
            assert_eq!(fixture.instance.reading("sessions_open").await, 0);
        }
        let path = begin(&fixture, 5).await;
        for body in long() {
            let answer = fixture.instance.send(piece(&fixture, &path, 0, body)).await;
            assert_eq!(answer.verdict(), (413, "body_too_large"));
            let at = offset(&fixture, &fixture.instance, &path).await;
            assert_eq!(at, (200, "0".into()));
        }
        assert!(fixture.blobs().is_empty());
        let whole = piece(&fixture, &path, 0, chunked(&["hel", "lo"]));
        let answer = fixture.instance.send(whole).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        assert_eq!(fixture.blobs().len(), 1);
    }
}

#[tokio::test]
async fn a_creation_with_a_wrong_checksum_leaves_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let wrong = format!("sha1 {}", STANDARD.encode(sha1::Sha1::digest(b"jello")));
        let request = tus(&fixture, "POST", UPLOADS)
            .header("upload-length", 5)
            .header("upload-metadata", metadata(&[("filename", "a.bin")]))
            .header("upload-checksum", wrong)
            .header(MEDIA_TYPE.0, MEDIA_TYPE.1)
            .body(Body::from("hello"));
        let answer = fixture.instance.send(request.unwrap()).await;
        assert_eq!(answer.verdict(), (460, "checksum_mismatch"));
        assert_eq!(fixture.instance.reading("sessions_open").await, 0);
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
    }
}

#[tokio::test]
async fn a_piece_without_its_checksum_does_not_count() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let path = begin(&fixture, 10).await;
        let send = async |offset: usize, body: Body, checksum: String| {
            let mut request = piece(&fixture, &path, offset, body);
            let headers = request.headers_mut();
            headers.insert("upload-checksum", checksum.parse().unwrap());
            fixture.instance.send(request).await
        };
        let sha1 = |bytes: &[u8]| format!("sha1 {}", STANDARD.encode(sha1::Sha1::digest(bytes)));
        let sha256 =
            |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(sha2::Sha256::digest(bytes)));
        for wrong in [sha1(b"jello"), sha256(b"jello")] {
            assert_eq!(
                send(0, "hello".into(), wrong).await.verdict(),
                (460, "checksum_mismatch")
            );
            assert_eq!(offset(&fixture, &fixture.instance, &path).await.1, "0");
        }
        let cut = stream::iter([
            Ok(Bytes::from_static(b"he")),
            Err(std::io::Error::other("cut")),
        ]);
        let answer = send(0, Body::from_stream(cut), sha1(b"hello")).await;
        assert_eq!(answer.verdict(), (400, "body_unreadable"));
        assert_eq!(offset(&fixture, &fixture.instance, &path).await.1, "0");
        assert_eq!(
            send(0, "x".into(), "md5 AAAA".into()).await.verdict().0,
            400
        );
        assert_eq!(
            send(0, "hello".into(), sha1(b"hello")).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            send(5, "world".into(), sha256(b"world")).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            fixture.blobs(),
            [hex::encode(sha2::Sha256::digest(b"helloworld"))]
        );
    }
}

#[tokio::test]
async fn a_newcomer_takes_over_from_a_half_open_connection_at_another_instance() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let other = fixture.another(|_| {}).await;
        let path = begin(&fixture, 10).await;
        let hanging = piece(&fixture, &path, 0, half_open(b"hello"));
        let taking_over = async {
            // What has arrived is durable and counts, though it was never answered.
            until("the first bytes are in the file", async || {
                std::fs::metadata(&fixture.staged()[0]).is_ok_and(|file| file.len() == 5)
            })
            .await;
            assert_eq!(offset(&fixture, &other, &path).await, (200, "5".into()));
            other.send(piece(&fixture, &path, 5, "world")).await
        };
        let (hung, answer) = tokio::join!(fixture.instance.send(hanging), taking_over);
        assert_eq!(hung.verdict(), (409, "upload_taken_over"));
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        assert_eq!(
            fixture.blobs(),
            [hex::encode(sha2::Sha256::digest(b"helloworld"))]
        );
    }
}

#[tokio::test]
async fn a_long_piece_is_noted_while_it_comes() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.sessions.persist_bytes = 4).await;
        let path = begin(&fixture, 10).await;
        let hanging = fixture
            .instance
            .send(piece(&fixture, &path, 0, half_open(b"hello")));
        let looking = until("the first bytes are noted", async || {
            fixture.get(&path).await.body["offset"] == 5
        });
        tokio::select! {
            answer = hanging => panic!("answered: {answer:?}"),
            () = looking => {}
        }
        // The client has left, and the task that it left behind lets go.
        let answer = fixture
            .instance
            .send(piece(&fixture, &path, 5, "world"))
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        assert_eq!(
            fixture.blobs(),
            [hex::encode(sha2::Sha256::digest(b"helloworld"))]
        );
    }
}

#[tokio::test]
async fn a_restarted_instance_goes_on_and_cuts_off_what_was_not_confirmed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let path = begin(&fixture, 10).await;
        let cut = stream::iter([
            Ok(Bytes::from_static(b"hello")),
            Err(std::io::Error::other("cut")),
        ]);
        let answer = fixture
            .instance
            .send(piece(&fixture, &path, 0, Body::from_stream(cut)))
            .await;
        assert_eq!(answer.verdict(), (400, "body_unreadable"));
        fixture.instance.stop().await;
        // A crash may leave more in the file than was ever made durable.
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&fixture.staged()[0])
            .unwrap();
        std::io::Write::write_all(&mut file, b"garbage").unwrap();
        drop(file);
        let restarted = fixture.another(|_| {}).await;
        assert_eq!(offset(&fixture, &restarted, &path).await, (200, "5".into()));
        let answer = restarted.send(piece(&fixture, &path, 5, "world")).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        assert_eq!(
            fixture.blobs(),
            [hex::encode(sha2::Sha256::digest(b"helloworld"))]
        );
    }
}

#[tokio::test]
async fn an_upload_that_was_cut_off_at_its_very_end_is_completed_by_who_asks() {
    for engine in engines() {
        for promoted in [false, true] {
            // It gets as far as the inspection, and no further.
            let fixture = Fixture::with(engine, |settings| {
                settings.inspection.program = Some("/nowhere/slipway".into());
            })
            .await;
            let path = begin(&fixture, 5).await;
            let answer = fixture
                .instance
                .send(piece(&fixture, &path, 0, "hello"))
                .await;
            assert_eq!(answer.verdict(), (500, "internal"));
            let digest = hex::encode(sha2::Sha256::digest(b"hello"));
            if promoted {
                let blobs = fixture.test.process.data.blobs().join("sha256");
                let blob = blobs.join(&digest[..2]).join(&digest);
                std::fs::rename(&fixture.staged()[0], blob).unwrap();
            }
            let other = fixture.another(|_| {}).await;
            assert_eq!(offset(&fixture, &other, &path).await, (200, "5".into()));
            let shown = fixture.get(&path).await;
            assert_eq!(shown.body["package"]["sha256"], digest);
            assert_eq!(fixture.blob_names(), [digest]);
            assert!(fixture.staged().is_empty());
        }
    }
}

#[tokio::test]
async fn an_expired_upload_leaves_no_file_and_no_row() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            settings.sessions.life_seconds = 1;
            settings.store.sweep_seconds = 1;
        })
        .await;
        let path = begin(&fixture, 10).await;
        fixture
            .instance
            .send(piece(&fixture, &path, 0, "hello"))
            .await;
        assert_eq!(fixture.staged().len(), 1);
        until("the upload is gone", async || {
            let request = tus(&fixture, "PATCH", &path)
                .header("upload-offset", 0)
                .header(MEDIA_TYPE.0, MEDIA_TYPE.1)
                .body(Body::empty());
            fixture.instance.send(request.unwrap()).await.verdict() == (404, "upload_unknown")
        })
        .await;
        // The row goes first: a file without one is swept, a row without its file would promise bytes.
        until("its file is gone", async || fixture.staged().is_empty()).await;
        assert_eq!(fixture.instance.reading("sessions_open").await, 0);
    }
}

#[tokio::test]
async fn an_app_has_a_number_of_open_uploads_and_ended_ones_leave_room() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| settings.sessions.open_per_token = 2).await;
        let path = begin(&fixture, 10).await;
        begin(&fixture, 10).await;
        let third = create(&fixture, 10, &[("filename", "a.bin")]).await;
        assert_eq!(third.verdict(), (429, "too_many_uploads"));
        assert_eq!(third.header("retry-after"), "60");
        let request = tus(&fixture, "DELETE", &path).body(Body::empty());
        let ended = fixture.instance.send(request.unwrap()).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        assert_eq!(offset(&fixture, &fixture.instance, &path).await.0, 404);
        assert_eq!(fixture.staged().len(), 1);
        begin(&fixture, 10).await;
    }
}

#[tokio::test]
async fn what_is_not_tus_is_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let path = begin(&fixture, 10).await;
        let send = async |request: http::request::Builder| {
            let answer = fixture
                .instance
                .send(request.body(Body::from("hello")).unwrap())
                .await;
            let (status, code) = answer.verdict();
            (status, code.to_owned())
        };
        let refused = |status: u16, code: &str| (status, code.to_owned());
        let patch = || tus(&fixture, "PATCH", &path).header("upload-offset", 0);
        assert_eq!(
            send(fixture.request("PATCH", &path)).await,
            refused(412, "tus_version")
        );
        assert_eq!(send(patch()).await, refused(415, "media_type"));
        let ahead = piece(&fixture, &path, 5, "hello");
        assert_eq!(
            fixture.instance.send(ahead).await.verdict(),
            (409, "offset_differs")
        );
        let long = piece(&fixture, &path, 0, "hello world and more");
        assert_eq!(
            fixture.instance.send(long).await.verdict(),
            (413, "body_too_large")
        );
        let nowhere = piece(&fixture, &format!("{UPLOADS}/x"), 0, "x");
        assert_eq!(
            fixture.instance.send(nowhere).await.verdict(),
            (404, "upload_unknown")
        );
        let begun = async |size: usize, pairs: &[(&str, &str)]| {
            let answer = create(&fixture, size, pairs).await;
            let (status, code) = answer.verdict();
            (status, code.to_owned())
        };
        assert_eq!(begun(1, &[]).await, refused(422, "name_refused"));
        let large = begun(1 << 40, &[("filename", "a")]).await;
        assert_eq!(large, refused(413, "body_too_large"));
        let options = Request::builder()
            .method("OPTIONS")
            .uri(UPLOADS)
            .body(Body::empty());
        let options = fixture.instance.send(options.unwrap()).await;
        assert_eq!(options.status, StatusCode::NO_CONTENT);
        assert_eq!(options.header("tus-version"), "1.0.0");
        assert_eq!(options.header("tus-checksum-algorithm"), "sha1,sha256");
    }
}

#[tokio::test]
async fn what_is_no_plain_piece_of_one_file_is_refused_before_it_is_read() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let path = begin(&fixture, 5).await;
        for (name, value, status, code) in [
            ("upload-concat", "partial", 400, "tus_extension_unknown"),
            ("upload-concat", "final;/a /b", 400, "tus_extension_unknown"),
            ("upload-defer-length", "1", 400, "tus_extension_unknown"),
            ("upload-complete", "?0", 400, "tus_extension_unknown"),
            (
                "upload-draft-interop-version",
                "6",
                400,
                "tus_extension_unknown",
            ),
            ("content-encoding", "gzip", 415, "coding_refused"),
            ("content-range", "bytes 0-4/5", 400, "part_refused"),
            (
                "content-md5",
                "XUFAKrxLKna5cZ2REBfFkg==",
                400,
                "digest_invalid",
            ),
            ("repr-digest", "sha-256=:AA==:", 400, "digest_invalid"),
            ("via", "1.0 slipway", 411, "length_required"),
        ] {
            let words = |answer: Answer| {
                assert_eq!(answer.verdict(), (status, code), "{name}: {answer:?}");
                answer.body["detail"]
                    .as_str()
                    .unwrap_or_default()
                    .to_lowercase()
            };
            let create = tus(&fixture, "POST", UPLOADS)
                .header("upload-length", 5)
                .header(
                    "upload-metadata",
                    metadata(&[("filename", "a.bin"), ("version", "9")]),
                )
                .header(name, value)
                .body(half_open(b""));
            let said = words(fixture.instance.send(create.unwrap()).await);
            assert!(name == "via" || said.contains(name), "{name}: {said}");
            let mut piece = piece(&fixture, &path, 0, half_open(b""));
            piece.headers_mut().insert(name, value.parse().unwrap());
            words(fixture.instance.send(piece).await);
        }
        let whole = piece(&fixture, &path, 0, "hello");
        assert_eq!(
            fixture.instance.send(whole).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(fixture.instance.reading("sessions_open").await, 0);
    }
}

#[tokio::test]
async fn what_is_said_twice_or_of_a_later_piece_begins_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let checksum = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
        let named = metadata(&[("filename", "a.bin")]);
        let begin = || {
            tus(&fixture, "POST", UPLOADS)
                .header(MEDIA_TYPE.0, MEDIA_TYPE.1)
                .header("upload-checksum", checksum)
                .header("upload-metadata", &named)
                .header("upload-length", 5)
        };
        for (name, value) in [
            ("upload-metadata", &*named),
            ("upload-length", "5"),
            ("upload-checksum", checksum),
            ("tus-resumable", "1.0.0"),
            ("upload-offset", "5"),
            ("x-http-method-override", "PATCH"),
        ] {
            let request = begin().header(name, value).body(Body::from("hello"));
            let answer = fixture.instance.send(request.unwrap()).await;
            assert_eq!(answer.verdict(), (400, "header_invalid"), "{name}");
        }
        let twice = [("filename", "a.bin"), ("filename", "b.bin")];
        let answer = create(&fixture, 5, &twice).await;
        assert_eq!(answer.verdict(), (400, "metadata_invalid"));
        let request = begin().header("upload-offset", 0).body(Body::from("hello"));
        let answer = fixture.instance.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_what_was_announced_leave_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let announced = hex::encode(sha2::Sha256::digest(b"other"));
        let pairs = [("filename", "notes.bin"), ("sha256", &*announced)];
        let path = create(&fixture, 5, &pairs)
            .await
            .header("location")
            .to_owned();
        let answer = fixture
            .instance
            .send(piece(&fixture, &path, 0, "hello"))
            .await;
        assert_eq!(answer.verdict(), (422, "digest_mismatch"));
        assert_eq!(offset(&fixture, &fixture.instance, &path).await.0, 404);
        assert!(fixture.staged().is_empty() && fixture.blobs().is_empty());
    }
}
