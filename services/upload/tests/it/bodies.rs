//! Bodies that are not the package, and what their headers say of them.

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{Request, StatusCode};
use slipway_testkit::database::engines;

use crate::fixture::{Answer, Fixture, until};

const PATH: &str = "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable";
const MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";
const SHA1: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const SHA256_BASE64: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

/// Name and value of a header, status, code, and what the words have to say.
const NOT_THE_PACKAGE: [(&str, &str, u16, &str, &str); 16] = [
    (
        "content-type",
        "multipart/form-data; boundary=x",
        415,
        "media_type",
        "curl -T",
    ),
    (
        "content-type",
        "multipart/mixed; boundary=x",
        415,
        "media_type",
        "POST",
    ),
    ("content-range", "bytes 1-2/3", 400, "part_refused", "tus"),
    ("upload-complete", "?0", 400, "part_refused", "tus"),
    (
        "content-encoding",
        "gzip",
        415,
        "coding_refused",
        "as it is",
    ),
    (
        "content-encoding",
        "br, identity",
        415,
        "coding_refused",
        "as it is",
    ),
    (
        "content-transfer-encoding",
        "base64",
        415,
        "coding_refused",
        "as it is",
    ),
    (
        "if-none-match",
        "*",
        400,
        "condition_refused",
        "leave it out",
    ),
    (
        "x-http-method-override",
        "DELETE",
        400,
        "header_invalid",
        "its own method",
    ),
    (
        "via",
        "1.0 slipway",
        411,
        "length_required",
        "Content-Length",
    ),
    ("content-md5", "abc", 400, "digest_invalid", "Content-MD5"),
    ("digest", "sha-256=abc", 400, "digest_invalid", "Digest"),
    (
        "content-digest",
        "md5=abc",
        400,
        "digest_invalid",
        "Content-Digest",
    ),
    (
        "content-digest",
        "garbage",
        400,
        "digest_invalid",
        "Content-Digest",
    ),
    (
        "trailer",
        "Digest",
        400,
        "digest_invalid",
        "send it as a header",
    ),
    (
        "x-checksum-sha256",
        SHA1,
        400,
        "digest_invalid",
        "x-checksum-sha256",
    ),
];

async fn put(fixture: &Fixture, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = fixture.request("PUT", PATH);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body).expect("a request");
    fixture.instance.send(request).await
}

/// Whoever polls it hangs.
fn never_read() -> Body {
    Body::from_stream(stream::pending::<std::io::Result<Bytes>>())
}

async fn nothing_is_kept(fixture: &Fixture) {
    until("staging is empty", async || fixture.staged().is_empty()).await;
    assert!(fixture.blobs().is_empty());
    assert!(fixture.catalog.deliveries().is_empty());
}

#[tokio::test]
async fn what_is_not_the_package_is_refused_before_it_is_read() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for (name, value, status, code, words) in NOT_THE_PACKAGE {
            let answer = put(&fixture, &[(name, value)], never_read()).await;
            assert_eq!(answer.verdict(), (status, code), "{name}: {answer:?}");
            let said = answer.body["detail"].as_str().unwrap_or_default();
            assert!(said.contains(words), "{name}: {said}");
            let stranger = Request::builder()
                .method("PUT")
                .uri(PATH)
                .header(name, value);
            let stranger = stranger.body(never_read()).expect("a request");
            let answer = fixture.instance.send(stranger).await;
            assert_eq!(answer.verdict(), (401, "token_missing"), "{name}");
        }
        nothing_is_kept(&fixture).await;
    }
}

#[tokio::test]
async fn nothing_is_no_package() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let chunked = Body::from_stream(stream::empty::<std::io::Result<Bytes>>());
        for body in [Body::empty(), Body::from(""), chunked] {
            let answer = put(&fixture, &[], body).await;
            assert_eq!(answer.verdict(), (422, "package_empty"));
        }
        let old = [("via", "1.0 slipway"), ("content-length", "0")];
        let answer = put(&fixture, &old, Body::empty()).await;
        assert_eq!(answer.verdict(), (422, "package_empty"));
        nothing_is_kept(&fixture).await;
    }
}

#[tokio::test]
async fn every_digest_that_is_announced_is_checked() {
    let digest = format!("MD5={MD5},unixsum=1,SHA-256={SHA256_BASE64}");
    let content_digest = format!("sha-256=:{SHA256_BASE64}:, crc32c=:AAAA:");
    let announced = [
        ("content-md5", MD5),
        ("digest", &*digest),
        ("content-digest", &*content_digest),
        ("upload-checksum", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("x-checksum-md5", "5D41402ABC4B2A76B9719D911017C592"),
        ("x-checksum-sha1", SHA1),
        ("x-checksum-sha256", SHA256),
    ];
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for header in announced {
            let answer = put(&fixture, &[header], Body::from("jello")).await;
            assert_eq!(answer.verdict(), (422, "digest_mismatch"), "{header:?}");
        }
        let zero = "0".repeat(64);
        let differ = [("x-checksum-sha256", SHA256), ("x-checksum-sha256", &zero)];
        let answer = put(&fixture, &differ, never_read()).await;
        assert_eq!(answer.verdict(), (400, "digest_invalid"));
        nothing_is_kept(&fixture).await;
        let answer = put(&fixture, &announced, Body::from("hello")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(fixture.blobs(), [SHA256]);
    }
}

#[tokio::test]
async fn names_are_composed_and_those_of_ours_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let nfd = fixture.put("Cafe%CC%81.bin?version=1.0", "hello").await;
        assert_eq!(nfd.body["package"]["filename"], "Caf\u{e9}.bin", "{nfd:?}");
        let nfc = fixture.put("Caf%C3%A9.bin?version=1.0", "hello").await;
        assert_eq!(nfc.status, StatusCode::OK);
        for twin in ["caf%C3%A9.bin", "CAF%C3%89.BIN", "Cafe%CC%81.BIN"] {
            let answer = fixture.put(&format!("{twin}?version=1.0.0"), "other").await;
            assert_eq!(answer.verdict(), (409, "version_exists"), "{twin}");
            let said = answer.body["detail"].as_str().unwrap_or_default();
            assert!(said.contains("Caf\u{e9}.bin"), "{said}");
        }
        for name in [
            "a.sig",
            "a.PLIST",
            "a.zsync",
            "a.apk.idsig",
            "sha256sums",
            "SHA256SUMS.minisig",
            "a%E2%80%8B.bin",
            "a.",
            "a%20",
        ] {
            let answer = fixture.put(&format!("{name}?version=2"), "hello").await;
            assert_eq!(answer.verdict(), (422, "name_refused"), "{name}");
        }
        assert_eq!(fixture.blobs(), [SHA256]);
    }
}

#[tokio::test]
async fn a_package_that_is_posted_to_its_name_is_told_where_to_go() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let request = fixture.request("POST", "/api/v1/apps/notes/packages/notes.bin");
        let answer = fixture
            .instance
            .send(request.body(never_read()).expect("a request"))
            .await;
        assert_eq!(answer.verdict(), (405, "method_not_allowed"));
        assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, PUT");
        let words = answer.body["detail"].as_str().expect("words");
        let line = "curl -T FILE -H 'Authorization: Bearer slw_…' 'SERVER/api/v1/apps/notes/packages/notes.bin'";
        assert!(words.contains("use PUT") && words.contains(line), "{words}");

        let request = fixture.request("PUT", "/api/v1/apps/notes/packages");
        let request = request.body(never_read()).expect("a request");
        let answer = fixture.instance.send(request).await;
        assert_eq!(answer.verdict(), (405, "method_not_allowed"));
        let words = answer.body["detail"].as_str().expect("words");
        assert!(
            words.contains("/api/v1/apps/notes/packages/NAME"),
            "{words}"
        );
    }
}
