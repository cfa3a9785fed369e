//! The install page and the pages of refusals.

use http::header::{ACCEPT, USER_AGENT};
use serde_json::json;
use slipway_contract::Word;
use slipway_contract::feed::{Package, Row, Visibility};
use slipway_testkit::database::engines;

use crate::fixture::{Answer, Fixture, app, published, release};

const ANDROID: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36";
const LINUX_ARM: &str = "Mozilla/5.0 (X11; Linux aarch64; rv:140.0) Gecko/20100101 Firefox/140.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15";
/// A picture of one pixel in base64.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";

fn apk(fixture: &Fixture, name: &str) -> Package {
    let mut package = fixture.store(name, name.as_bytes(), "apk", "android", "universal");
    package.facts["min_sdk"] = json!(24);
    package.facts["signer_sha256"] = json!("ab".repeat(32));
    package
}

async fn page(fixture: &Fixture, path: &str, agent: &str) -> Answer {
    fixture
        .send("GET", path, &[(USER_AGENT, agent), (ACCEPT, "text/html")])
        .await
}

/// Where the first button leads.
fn button(page: &Answer) -> &str {
    let (_, rest) = page
        .text()
        .split_once("<a class=\"button\" href=\"")
        .expect("a button");
    rest.split_once('"').expect("an address").0
}

#[tokio::test]
async fn a_visitor_gets_the_button_for_their_machine_first_and_sees_the_others() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let packages = vec![
            apk(&fixture, "notes.apk"),
            fixture.store("notes_amd64.deb", b"amd64", "deb", "linux", "x86_64"),
            fixture.store("notes_arm64.deb", b"arm64", "deb", "linux", "aarch64"),
        ];
        fixture
            .apply("e", 1, vec![app("notes"), published("1.0+7", packages)])
            .await;

        let phone = page(&fixture, "/a/notes", ANDROID).await;
        let date = "Wed, 18 Nov 2026 11:06:40 GMT";
        assert_eq!(phone.header("last-modified"), date);
        assert_eq!(
            (phone.status.as_u16(), phone.header("content-type")),
            (200, "text/html; charset=utf-8")
        );
        assert_eq!(button(&phone), "/d/notes/1.0%2B7/notes.apk");
        for text in [
            "The notes",
            "Better.",
            "18 November 2026",
            "9 bytes",
            "Android 7.0 or newer",
            "RWQkey",
            "href=\"/d/notes/1.0%2B7/notes_amd64.deb\"",
            &"ab".repeat(32),
            "not verified",
        ] {
            assert!(phone.text().contains(text), "{text}");
        }
        assert_eq!(
            button(&page(&fixture, "/a/notes", LINUX_ARM).await),
            "/d/notes/1.0%2B7/notes_arm64.deb"
        );

        let iphone = page(&fixture, "/a/notes", IPHONE).await;
        assert!(
            iphone.text().contains("There is no package for iOS."),
            "{}",
            iphone.text()
        );
        assert!(!iphone.text().contains("class=\"button\""));
        assert!(
            iphone
                .text()
                .contains("href=\"/d/notes/1.0%2B7/notes.apk\"")
        );
    }
}

#[tokio::test]
async fn what_counts_for_no_platform_is_on_the_page_and_never_its_button() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let other = |name: &str| fixture.store(name, b"cut", "other", "none", "universal");
        let rows = vec![
            app("notes"),
            published("1.0", vec![apk(&fixture, "notes.apk")]),
            published("2.0", vec![other("cut.apk")]),
        ];
        fixture.apply("e", 1, rows).await;
        let phone = page(&fixture, "/a/notes", ANDROID).await;
        assert_eq!(button(&phone), "/d/notes/1.0/notes.apk");
        let iphone = page(&fixture, "/a/notes", IPHONE).await;
        assert!(!iphone.text().contains("class=\"button\""));
        for page in [&phone, &iphone] {
            assert!(page.text().contains("href=\"/d/notes/2.0/cut.apk\""));
            assert!(page.text().contains("Other file"));
            assert!(page.text().contains("Version 1.0"), "{}", page.text());
        }
    }
}

#[tokio::test]
async fn a_page_runs_nothing_and_repeats_nothing_as_markup() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let hostile = "<script>alert(1)</script>";
        let name = "x\"><img src=y onerror=z>.apk";
        let Row::App(mut notes) = app("notes") else {
            unreachable!()
        };
        notes.name = hostile.to_owned();
        let mut told = release("1.0", Visibility::Published, vec![apk(&fixture, name)]);
        told.notes = Some(hostile.to_owned());
        fixture
            .apply("e", 1, vec![Row::App(notes), Row::Release(told)])
            .await;
        let page = page(&fixture, "/a/notes", ANDROID).await;
        assert_eq!(page.status, 200);
        assert!(
            page.header("content-security-policy").starts_with(
                "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;"
            )
        );
        assert!(!page.text().contains("<script"), "{}", page.text());
        assert!(!page.text().contains("<img src=y"), "{}", page.text());
        assert_eq!(
            button(&page),
            "/d/notes/1.0/x%22%3E%3Cimg%20src%3Dy%20onerror%3Dz%3E.apk"
        );
    }
}

#[tokio::test]
async fn the_icon_of_the_newest_release_is_shown() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let mut package = apk(&fixture, "notes.apk");
        package.facts["icon"] = json!({"media_type": "image/png", "data": PIXEL});
        let mut vector = apk(&fixture, "later.apk");
        vector.facts["icon"] = json!({"media_type": "image/svg+xml", "data": PIXEL});
        fixture
            .apply(
                "e",
                1,
                vec![app("notes"), app("plain"), published("1.0", vec![package])],
            )
            .await;
        fixture
            .apply("e", 4, vec![published("2.0", vec![vector])])
            .await;
        let icon = fixture.get("/a/notes/icon").await;
        assert_eq!(
            (icon.status.as_u16(), icon.header("content-type")),
            (200, "image/png")
        );
        assert_eq!(icon.header("x-content-type-options"), "nosniff");
        assert!(icon.body.starts_with(b"\x89PNG"));
        let etag = icon.header("etag").to_owned();
        assert_eq!(
            fixture
                .send(
                    "GET",
                    "/a/notes/icon",
                    &[(http::header::IF_NONE_MATCH, &etag)]
                )
                .await
                .status,
            304
        );
        assert!(
            page(&fixture, "/a/notes", ANDROID)
                .await
                .text()
                .contains("src=\"/a/notes/icon\"")
        );
        assert_eq!(
            fixture.get("/a/plain/icon").await.problem(),
            (404, "not_found".to_owned())
        );
    }
}

#[tokio::test]
async fn a_channel_has_its_own_page_and_nothing_else_is_on_it() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let mut beta = release(
            "2.0-beta.1",
            Visibility::Published,
            vec![apk(&fixture, "beta.apk")],
        );
        beta.channels = vec![Word::read("beta")];
        let staged = release("3.0", Visibility::Staged, vec![apk(&fixture, "staged.apk")]);
        let yanked = release("0.9", Visibility::Yanked, vec![apk(&fixture, "yanked.apk")]);
        let rows = vec![
            app("notes"),
            app("empty"),
            published("1.0", vec![apk(&fixture, "stable.apk")]),
        ];
        fixture.apply("e", 1, rows).await;
        fixture
            .apply(
                "e",
                4,
                vec![
                    Row::Release(beta),
                    Row::Release(staged),
                    Row::Release(yanked),
                ],
            )
            .await;

        let stable = page(&fixture, "/a/notes", ANDROID).await;
        assert_eq!(button(&stable), "/d/notes/1.0/stable.apk");
        assert!(stable.text().contains("href=\"/a/notes?channel=beta\""));
        for hidden in ["beta.apk", "staged.apk", "yanked.apk"] {
            assert!(!stable.text().contains(hidden), "{hidden}");
        }
        assert_eq!(
            button(&page(&fixture, "/a/notes?channel=beta", ANDROID).await),
            "/d/notes/2.0-beta.1/beta.apk"
        );
        assert_eq!(
            page(&fixture, "/a/notes?channel=none", ANDROID)
                .await
                .status,
            404
        );
        let empty = page(&fixture, "/a/empty", ANDROID).await;
        assert_eq!(empty.status, 200);
        assert!(
            empty.text().contains("Nothing has been published yet."),
            "{}",
            empty.text()
        );
    }
}

#[tokio::test]
async fn a_browser_gets_refusals_as_pages() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = apk(&fixture, "notes.apk");
        let mut yanked = release("1.0", Visibility::Yanked, vec![package]);
        yanked.reason = Some("it loses <notes>".to_owned());
        fixture
            .apply("e", 1, vec![app("notes"), Row::Release(yanked)])
            .await;
        for (path, status, text) in [
            ("/d/notes/1.0/notes.apk", 410, "it loses &lt;notes&gt;."),
            (
                "/d/notes/9.9/notes.apk",
                404,
                "There is no such release of this app",
            ),
            ("/a/absent", 404, "There is no app of this name here"),
        ] {
            let page = page(&fixture, path, ANDROID).await;
            assert_eq!(
                (page.status.as_u16(), page.header("content-type")),
                (status, "text/html; charset=utf-8"),
                "{path}"
            );
            assert!(page.text().contains(text), "{}", page.text());
            assert!(
                page.text().contains(page.header("x-request-id")),
                "{}",
                page.text()
            );
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(
                page.header("content-security-policy")
                    .starts_with("default-src 'none'")
            );
            assert_eq!(fixture.get(path).await.problem().0, status);
        }
    }
}
