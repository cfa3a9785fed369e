//! Packages as forms.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use slipway_contract::grant::Scope;
use slipway_testkit::database::engines;

use crate::fixture::{Answer, Fixture, until};

const PATH: &str = "/api/v1/apps/notes/packages";
const KIND: &str = "multipart/form-data; boundary=b";
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Parts of a form: the head of each without `Content-Disposition: form-data`, and its value.
fn form(parts: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (head, value) in parts {
        write!(
            form,
            "--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n"
        )
        .expect("a string");
    }
    form + "--b--\r\n"
}

const FILE: (&str, &str) = ("name=\"file\"; filename=\"notes.bin\"", "hello");
const VERSION: (&str, &str) = ("name=\"version\"", "1.0");
const CHANNEL: (&str, &str) = ("name=\"channel\"", "stable");

/// A form about a file for any platform.
async fn post(fixture: &Fixture, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    post_to(fixture, &format!("{PATH}?platform=any"), headers, body).await
}

async fn post_to(
    fixture: &Fixture,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = fixture.request("POST", path).header("content-type", KIND);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).expect("a request");
    fixture.instance.send(request).await
}

async fn nothing_is_kept(fixture: &Fixture) {
    until("staging is empty", async || fixture.staged().is_empty()).await;
    assert!(fixture.blobs().is_empty());
    assert!(fixture.catalog.deliveries().is_empty());
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_refused_before_the_file() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let wrong = ("name=\"channel\"", "stabel");
        // The file never ends: only who answers before it can answer.
        let begun = form(&[VERSION, wrong, FILE]).replace("\r\n--b--\r\n", "");
        let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from(begun))]);
        let body = Body::from_stream(begun.chain(stream::pending()));
        let answer = post(&fixture, &[], body).await;
        assert_eq!(answer.verdict(), (404, "channel_unknown"));
        nothing_is_kept(&fixture).await;
    }
}

#[tokio::test]
async fn fields_come_before_the_file_or_after_it() {
    for engine in engines() {
        for parts in [[VERSION, CHANNEL, FILE], [FILE, CHANNEL, VERSION]] {
            let fixture = Fixture::new(engine).await;
            // Whatever the pieces that it arrives in.
            let pieces: Vec<_> = form(&parts)
                .into_bytes()
                .chunks(3)
                .map(Bytes::copy_from_slice)
                .collect();
            let pieces = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
            let answer = post(&fixture, &[], Body::from_stream(pieces)).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            assert_eq!(answer.body["release"]["state"], "published");
            let package = &answer.body["package"];
            assert_eq!(package["filename"], "notes.bin");
            assert_eq!(package["sha256"], SHA256);
            let id = package["id"].as_str().expect("an id");
            assert_eq!(answer.header("location"), format!("{PATH}/{id}"));
            let again = post(&fixture, &[], form(&parts)).await;
            assert_eq!(again.status, StatusCode::OK);
            assert_eq!(fixture.blobs(), [SHA256]);
            assert!(fixture.staged().is_empty());
        }
    }
}

#[tokio::test]
async fn every_parameter_is_a_field_and_the_name_may_be_one() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let parts = [
            ("name=\"apk\"; filename=\"C:\\build\\notes.bin\"", "hello"),
            ("name=\"filename\"", "Cafe\u{301}.bin"),
            ("name=\"platform\"", "linux"),
            ("name=\"arch\"", "aarch64"),
            ("name=\"sha256\"", SHA256),
            VERSION,
        ];
        let answer = post_to(&fixture, PATH, &[], form(&parts)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let package = &answer.body["package"];
        assert_eq!(package["filename"], "Caf\u{e9}.bin");
        assert_eq!(
            (&package["platform"], &package["arch"]),
            (&"linux".into(), &"aarch64".into())
        );
        let coded = ("name=file; filename*=UTF-8''Gr%C3%B6%C3%9Fe.bin", "hello");
        let answer = post(&fixture, &[], form(&[coded])).await;
        assert_eq!(
            answer.body["package"]["filename"], "Gr\u{f6}\u{df}e.bin",
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_form_that_is_not_one_package_leaves_nothing() {
    let other = ("name=\"other\"; filename=\"b.bin\"", "more");
    let as_file = ("name=\"version\"; filename=\"version.txt\"", "1.0");
    let empty = ("name=\"file\"; filename=\"a.bin\"", "");
    let zip = (
        "name=\"file\"; filename=\"a.bin\"\r\nContent-Encoding: gzip",
        "hello",
    );
    let mime = (
        "name=\"file\"; filename=\"a.bin\"\r\nContent-Transfer-Encoding: base64",
        "aGVsbG8=",
    );
    let nested = (
        "name=\"file\"; filename=\"a\"\r\nContent-Type: multipart/mixed; boundary=c",
        "hello",
    );
    let tail = (
        "name=\"file\"; filename=\"a.bin\"\r\nContent-Range: bytes 1-2/3",
        "el",
    );
    let digest = (
        "name=\"file\"; filename=\"a.bin\"\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==",
        "jello",
    );
    let sha256 = (
        "name=\"sha256\"",
        "00000000000000000000000000000000000000000000000000000000000000ff",
    );
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (parts, status, code) in [
            (vec![], 400, "form_invalid"),
            (vec![VERSION], 400, "form_invalid"),
            (vec![FILE, other], 400, "form_invalid"),
            (vec![as_file], 400, "form_invalid"),
            (vec![FILE, VERSION, VERSION], 400, "form_invalid"),
            (
                vec![FILE, ("name=\"verison\"", "1.0")],
                400,
                "parameter_unknown",
            ),
            (vec![("name=\"file\"", "hello")], 422, "name_refused"),
            (
                vec![("name=\"file\"; filename=\"a/b\"", "hello")],
                422,
                "name_refused",
            ),
            (
                vec![FILE, ("name=\"version\"", "one")],
                422,
                "version_invalid",
            ),
            (vec![empty], 422, "package_empty"),
            (vec![zip], 415, "coding_refused"),
            (vec![mime], 415, "coding_refused"),
            (vec![nested], 415, "media_type"),
            (vec![tail], 400, "part_refused"),
            (vec![digest], 422, "digest_mismatch"),
            (vec![FILE, sha256], 422, "digest_mismatch"),
        ] {
            let answer = post(&fixture, &[], form(&parts)).await;
            assert_eq!(answer.verdict(), (status, code), "{parts:?}: {answer:?}");
        }
        for cut in ["--b--\r\n", "\r\n--b--\r\n", "lo\r\n--b--\r\n"] {
            let whole = form(&[VERSION, CHANNEL, FILE]);
            let cut = whole.strip_suffix(cut).expect("its end").to_owned();
            let answer = post(&fixture, &[], cut).await;
            assert_eq!(answer.verdict(), (400, "form_invalid"), "{answer:?}");
        }
        nothing_is_kept(&fixture).await;
    }
}

#[tokio::test]
async fn a_coded_name_counts_and_is_read_strictly() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (name, read) in [
            ("filename=\"a.bin\"; filename*=UTF-8''b.bin", "b.bin"),
            ("filename*=utf-8'en'it's.bin; filename=a.bin", "it's.bin"),
            ("filename*=\"UTF-8''c.bin\"", "c.bin"),
            (
                "filename=\"a;filename*=UTF-8''d.bin\"",
                "a;filename*=UTF-8''d.bin",
            ),
            (
                "filename=\"=?utf-8?B?YQ==?=\"; filename*=UTF-8''e.bin",
                "e.bin",
            ),
        ] {
            let head = format!("name=\"file\"; {name}");
            let answer = post(&fixture, &[], form(&[(&head, "hello")])).await;
            assert_eq!(answer.body["package"]["filename"], read, "{answer:?}");
        }
        for name in [
            "filename=\"a.bin\"; filename*=ISO-8859-1''%E9.bin",
            "filename=\"a.bin\"; filename*=UTF-8''%E9.bin",
            "filename=\"a.bin\"; filename*=b.bin",
            "filename=\"=?utf-8?B?YS5iaW4=?=\"",
        ] {
            let head = format!("name=\"file\"; {name}");
            let answer = post(&fixture, &[], form(&[(&head, "hello")])).await;
            assert_eq!(answer.verdict(), (422, "name_refused"), "{name}");
        }
        let latin = form(&[FILE]).replace("notes", "@").into_bytes();
        let latin = latin
            .into_iter()
            .map(|byte| if byte == b'@' { 0xE9 } else { byte });
        let answer = post(&fixture, &[], latin.collect::<Vec<_>>()).await;
        assert_eq!(answer.verdict(), (422, "name_refused"));
        let said = answer.body["detail"].as_str().unwrap_or_default();
        assert!(said.contains("not UTF-8"), "{said}");
    }
}

#[tokio::test]
async fn a_file_is_as_long_as_its_part_says() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for length in ["17", "4", "x", "5\r\nContent-Length: 6"] {
            let head = format!("{}\r\nContent-Length: {length}", FILE.0);
            let answer = post(&fixture, &[], form(&[(&head, "hello")])).await;
            assert_eq!(answer.verdict(), (400, "form_invalid"), "{length}");
        }
        nothing_is_kept(&fixture).await;
        let head = format!("{}\r\nContent-Length: 5", FILE.0);
        let answer = post(&fixture, &[], form(&[(&head, "hello")])).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}

#[tokio::test]
async fn a_form_is_refused_by_its_headers_before_it_is_read() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (name, value, status, code) in [
            ("content-encoding", "gzip", 415, "coding_refused"),
            ("content-range", "bytes 0-4/5", 400, "part_refused"),
            (
                "content-md5",
                "XUFAKrxLKna5cZ2REBfFkg==",
                400,
                "digest_invalid",
            ),
            ("repr-digest", "sha-256=:AA==:", 400, "digest_invalid"),
            (
                "upload-checksum",
                "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
                400,
                "digest_invalid",
            ),
            ("tus-resumable", "1.0.0", 400, "part_refused"),
            ("via", "1.0 slipway", 411, "length_required"),
        ] {
            let never = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
            let answer = post(&fixture, &[(name, value)], never).await;
            assert_eq!(answer.verdict(), (status, code), "{name}: {answer:?}");
        }
        for (kind, status, code) in [
            ("multipart/form-data", 400, "form_invalid"),
            ("multipart/mixed; boundary=b", 415, "media_type"),
            ("application/octet-stream", 415, "media_type"),
        ] {
            let request = fixture.request("POST", PATH).header("content-type", kind);
            let request = request.body(Body::from(form(&[FILE]))).expect("a request");
            let answer = fixture.instance.send(request).await;
            assert_eq!(answer.verdict(), (status, code), "{kind}");
        }
        nothing_is_kept(&fixture).await;
    }
}

#[tokio::test]
async fn a_field_is_permitted_when_it_comes() {
    for engine in engines() {
        let mut fixture = Fixture::new(engine).await;
        fixture.token = fixture.catalog.add_token(&[Scope::Upload], None, None);
        until("the token is known", async || {
            fixture.put("known.bin", "known").await.status == StatusCode::CREATED
        })
        .await;
        let before = fixture.catalog.deliveries().len();
        let answer = post(&fixture, &[], form(&[FILE, VERSION, CHANNEL])).await;
        assert_eq!(answer.verdict(), (403, "scope_missing"));
        let head = form(&[VERSION, CHANNEL]).replace("--b--\r\n", "--b\r\n");
        let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from(head))]);
        let body = Body::from_stream(begun.chain(stream::pending()));
        let answer = post(&fixture, &[], body).await;
        assert_eq!(answer.verdict(), (403, "scope_missing"), "before the file");
        assert_eq!(fixture.catalog.deliveries().len(), before);
        until("staging is empty", async || fixture.staged().is_empty()).await;
    }
}

#[tokio::test]
async fn what_a_form_brings_beside_its_file_is_bounded() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let long = "x".repeat(65 << 10);
        let answer = post(&fixture, &[], form(&[("name=\"version\"", &long)])).await;
        assert_eq!(answer.verdict(), (400, "form_invalid"));
        for begin in [
            "",
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nX: ",
        ] {
            let first = stream::iter([Bytes::from(begin)]);
            let endless = stream::repeat(Bytes::from(vec![b'x'; 64 << 10]));
            let pieces = first.chain(endless).map(Ok::<_, std::io::Error>);
            let answer = post(&fixture, &[], Body::from_stream(pieces)).await;
            assert_eq!(answer.verdict(), (413, "body_too_large"));
        }
        nothing_is_kept(&fixture).await;
    }
}
