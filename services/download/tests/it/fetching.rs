//! Files, signatures, keys and `latest`.

use http::header::{
    ACCEPT, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use slipway_contract::Digest;
use slipway_contract::feed::{Row, Visibility};
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, app, published, release};

#[tokio::test]
async fn a_published_file_is_served_with_all_that_proves_it() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("Größe 1.apk", b"package", "apk", "android", "universal");
        let sha256 = package.file.sha256;
        fixture
            .apply(
                "e",
                1,
                vec![app("notes"), published("1.0+7", vec![package])],
            )
            .await;

        let answer = fixture
            .get("/d/notes/1.0%2B7/Gr%C3%B6%C3%9Fe%201.apk")
            .await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "package"));
        for (name, value) in [
            ("etag", format!("\"{sha256}\"")),
            ("content-length", "7".to_owned()),
            ("accept-ranges", "bytes".to_owned()),
            (
                "content-type",
                "application/vnd.android.package-archive".to_owned(),
            ),
            ("cache-control", "public, max-age=300".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            (
                "content-security-policy",
                "sandbox; default-src 'none'".to_owned(),
            ),
            ("content-encoding", String::new()),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        assert_eq!(answer.header("repr-digest"), sha256.repr_digest());
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"Gr__e 1.apk\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.apk"
        );

        let date = "Wed, 18 Nov 2026 11:06:40 GMT";
        assert_eq!(answer.header("last-modified"), date);
        for version in ["v1.0+7", "V1.0%2B7"] {
            let path = format!("/d/notes/{version}/Gr%C3%B6%C3%9Fe%201.apk");
            assert_eq!(fixture.get(&path).await.text(), "package", "{version}");
        }
        let lost = fixture
            .get("/d/notes/1.0%207/Gr%C3%B6%C3%9Fe%201.apk")
            .await;
        assert_eq!(lost.problem(), (404, "release_unknown".to_owned()));
        assert!(lost.text().contains("%2B"), "{}", lost.text());

        let signature = fixture
            .get("/d/notes/1.0%2B7/Gr%C3%B6%C3%9Fe%201.apk.minisig")
            .await;
        assert_eq!(signature.header("last-modified"), date);
        assert_eq!(signature.text(), "untrusted comment: Größe 1.apk\n");
        assert_eq!(
            signature.header("content-type"),
            "text/plain; charset=utf-8"
        );
        let key = fixture.get("/keys/notes/minisign.pub").await;
        assert!(key.text().ends_with("RWQkey\n"), "{}", key.text());
        assert_eq!(key.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn a_name_answers_in_both_forms_and_an_old_one_in_its_own() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let composed = fixture.store("Caf\u{e9}.apk", b"composed", "apk", "android", "universal");
        let old = fixture.store("e\u{301}.apk", b"old", "apk", "android", "universal");
        fixture
            .apply(
                "e",
                1,
                vec![app("notes"), published("1.0", vec![composed, old])],
            )
            .await;
        for (path, bytes) in [
            ("Caf%C3%A9.apk", "composed"),
            ("Cafe%CC%81.apk", "composed"),
            ("e%CC%81.apk", "old"),
        ] {
            let answer = fixture.get(&format!("/d/notes/1.0/{path}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (200, bytes),
                "{path}"
            );
            let signature = fixture.get(&format!("/d/notes/1.0/{path}.minisig")).await;
            assert_eq!(signature.status.as_u16(), 200, "{path}");
        }
        let answer = fixture.get("/d/notes/1.0/Cafe%CC%81.apk").await;
        let saved_as = answer.header("content-disposition");
        assert!(saved_as.ends_with("Caf%C3%A9.apk"), "{saved_as}");
        let answer = fixture.get("/d/notes/1.0/%C3%A9.apk").await;
        assert_eq!(answer.status.as_u16(), 404, "it never had that name");
    }
}

#[tokio::test]
async fn head_says_what_get_says_without_the_bytes() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.deb", b"package", "deb", "linux", "x86_64");
        fixture
            .apply("e", 1, vec![app("notes"), published("1.0", vec![package])])
            .await;
        for path in [
            "/d/notes/1.0/notes.deb",
            "/d/notes/1.0/notes.deb.minisig",
            "/keys/notes/minisign.pub",
            "/d/notes/latest/linux",
        ] {
            let mut got = fixture.get(path).await;
            let mut asked = fixture.send("HEAD", path, &[]).await;
            assert!(asked.body.is_empty(), "{path}");
            assert_eq!(asked.status, got.status, "{path}");
            for answer in [&mut got, &mut asked] {
                answer.headers.remove("x-request-id");
            }
            assert_eq!(asked.headers, got.headers, "{path}");
        }
    }
}

#[tokio::test]
async fn parts_are_served_to_whoever_has_the_rest() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.bin", b"0123456789", "other", "linux", "x86_64");
        let etag = format!("\"{}\"", package.file.sha256);
        fixture
            .apply("e", 1, vec![app("notes"), published("1.0", vec![package])])
            .await;
        let path = "/d/notes/1.0/notes.bin";

        for (range, text, content_range) in [
            ("bytes=2-4", "234", "bytes 2-4/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=-2", "89", "bytes 8-9/10"),
        ] {
            let part = fixture
                .send("GET", path, &[(RANGE, range), (IF_RANGE, &etag)])
                .await;
            assert_eq!((part.status.as_u16(), part.text()), (206, text));
            assert_eq!(part.header("content-range"), content_range);
            assert_eq!(part.header("content-length"), text.len().to_string());
            assert_eq!(part.header("etag"), etag);
        }
        let changed = fixture
            .send(
                "GET",
                path,
                &[(RANGE, "bytes=2-4"), (IF_RANGE, "\"other\"")],
            )
            .await;
        assert_eq!(
            (changed.status.as_u16(), changed.text()),
            (200, "0123456789")
        );
        let several = fixture.send("GET", path, &[(RANGE, "bytes=0-1,4-5")]).await;
        assert_eq!(
            (several.status.as_u16(), several.text()),
            (200, "0123456789")
        );
        let head = fixture.send("HEAD", path, &[(RANGE, "bytes=2-4")]).await;
        assert_eq!(
            (head.status.as_u16(), head.header("content-length")),
            (200, "10")
        );

        let outside = fixture.send("GET", path, &[(RANGE, "bytes=10-")]).await;
        assert_eq!(outside.problem(), (416, "range_not_satisfiable".to_owned()));
        assert_eq!(outside.header("content-range"), "bytes */10");

        let fresh = fixture.send("GET", path, &[(IF_NONE_MATCH, &etag)]).await;
        assert_eq!(
            (
                fresh.status.as_u16(),
                fresh.body.len(),
                fresh.header("etag")
            ),
            (304, 0, etag.as_str())
        );
        let other = fixture.send("GET", path, &[(IF_MATCH, "\"other\"")]).await;
        assert_eq!(other.problem(), (412, "precondition_failed".to_owned()));

        // Whoever keeps no tags goes by the date, which the tag outweighs.
        let date = fresh.header("last-modified").to_owned();
        let part = [(RANGE, "bytes=2-4"), (IF_RANGE, &*date)];
        let part = fixture.send("GET", path, &part).await;
        assert_eq!((part.status.as_u16(), part.text()), (206, "234"));
        assert_eq!(part.header("last-modified"), date);
        let fresh = fixture
            .send("GET", path, &[(IF_MODIFIED_SINCE, &date)])
            .await;
        assert_eq!(fresh.status, 304);
        let tagged = [(IF_NONE_MATCH, "\"other\""), (IF_MODIFIED_SINCE, &date)];
        assert_eq!(fixture.send("GET", path, &tagged).await.status, 200);
        let early = [(IF_UNMODIFIED_SINCE, "Thu, 01 Jan 1970 00:00:00 GMT")];
        let changed = fixture.send("GET", path, &early).await;
        assert_eq!(changed.problem(), (412, "precondition_failed".to_owned()));
    }
}

#[tokio::test]
async fn a_withdrawn_release_says_why_and_is_nowhere_else() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let old = fixture.store("old.apk", b"old", "apk", "android", "universal");
        let new = fixture.store("new.apk", b"new", "apk", "android", "universal");
        fixture
            .apply(
                "e",
                1,
                vec![
                    app("notes"),
                    published("1.0", vec![old]),
                    published("2.0", vec![new.clone()]),
                ],
            )
            .await;
        assert_eq!(
            fixture
                .get("/d/notes/latest/android")
                .await
                .header("location"),
            "/d/notes/2.0/new.apk"
        );

        let mut yanked = release("2.0", Visibility::Yanked, vec![new]);
        yanked.reason = Some("it loses notes".to_owned());
        fixture.apply("e", 4, vec![Row::Release(yanked)]).await;
        for path in ["/d/notes/2.0/new.apk", "/d/notes/2.0/new.apk.minisig"] {
            let answer = fixture.get(path).await;
            assert_eq!(answer.problem(), (410, "yanked".to_owned()));
            assert!(
                answer.text().contains("it loses notes"),
                "{}",
                answer.text()
            );
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        assert_eq!(fixture.get("/d/notes/2.0/other.apk").await.status, 404);
        assert_eq!(
            fixture
                .get("/d/notes/latest/android")
                .await
                .header("location"),
            "/d/notes/1.0/old.apk"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_words_of_whoever_asks() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"package", "apk", "android", "universal");
        fixture
            .apply("e", 1, vec![app("notes"), published("1.0", vec![package])])
            .await;
        for (path, code) in [
            ("/d/absent/1.0/notes.apk", "app_unknown"),
            ("/d/NOTES/1.0/notes.apk", "app_unknown"),
            ("/d/notes/1.0.0/notes.apk", "release_unknown"),
            ("/d/notes/%00/notes.apk", "release_unknown"),
            ("/d/notes/1.0/other.apk", "not_found"),
            ("/d/notes/1.0/%00", "not_found"),
            ("/d/notes/1.0/.minisig", "not_found"),
            ("/d/notes/1.0/notes.apk.minisig.minisig", "not_found"),
            ("/keys/absent/minisign.pub", "app_unknown"),
            ("/keys/notes/other.pub", "not_found"),
            ("/nothing", "not_found"),
        ] {
            assert_eq!(
                fixture.get(path).await.problem(),
                (404, code.to_owned()),
                "{path}"
            );
        }
        let page = fixture
            .send(
                "GET",
                "/d/notes/9.9/notes.apk",
                &[(ACCEPT, "text/html,*/*;q=0.8")],
            )
            .await;
        assert_eq!(
            (page.status.as_u16(), page.header("content-type")),
            (404, "text/html; charset=utf-8")
        );
        assert!(
            page.text().contains(page.header("x-request-id")),
            "{}",
            page.text()
        );
        let posted = fixture.send("POST", "/d/notes/1.0/notes.apk", &[]).await;
        assert_eq!(posted.problem(), (405, "method_not_allowed".to_owned()));
        assert_eq!(posted.header("allow"), "GET,HEAD");
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_row_are_never_begun() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let missing = fixture.store("missing.apk", b"missing", "apk", "android", "universal");
        let longer = fixture.store("longer.apk", b"longer", "apk", "android", "universal");
        let blobs = fixture.process.process.data.blobs();
        let path = |sha256: &Digest| blobs.join(sha256.blob_path());
        std::fs::remove_file(path(&missing.file.sha256)).unwrap();
        std::fs::write(path(&longer.file.sha256), b"longer than that").unwrap();
        fixture
            .apply(
                "e",
                1,
                vec![app("notes"), published("1.0", vec![missing, longer])],
            )
            .await;
        for (name, code) in [("missing.apk", "file_missing"), ("longer.apk", "damaged")] {
            let answer = fixture.get(&format!("/d/notes/1.0/{name}")).await;
            assert_eq!(answer.problem(), (500, code.to_owned()), "{name}");
            assert!(!answer.text().contains("blob"), "{}", answer.text());
        }
        let page = fixture.get("/a/notes").await;
        let marked = page
            .text()
            .matches("<span class=\"tag\">damaged</span>")
            .count();
        assert_eq!(marked, 2, "{}", page.text());
        let counts = fixture
            .get_as_catalog("/internal/downloads/notes/1.0")
            .await;
        let named = counts.json()["damaged"].clone();
        assert_eq!(named, serde_json::json!(["longer.apk", "missing.apk"]));
    }
}
