//! `latest`: which file somebody gets who names a platform.

use slipway_contract::Word;
use slipway_contract::feed::{Release, Row, Visibility};
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, app, published, release};

/// Seven releases, in the order in which they were published.
async fn arranged(fixture: &Fixture) {
    let file = |name: &str, kind, platform, arch| {
        fixture.store(name, name.as_bytes(), kind, platform, arch)
    };
    let beta = |mut release: Release| {
        release.channels = vec![Word::read("beta")];
        Row::Release(release)
    };
    let rows = vec![
        app("notes"),
        published(
            "1.10",
            vec![
                file("a.deb", "deb", "linux", "x86_64"),
                file("a.apk", "apk", "android", "universal"),
            ],
        ),
        published(
            "1.9",
            vec![
                file("b.apk", "apk", "android", "universal"),
                file("b.exe", "exe", "windows", "x86_64"),
            ],
        ),
        published(
            "1.11",
            vec![
                file("c.rpm", "rpm", "linux", "x86_64"),
                file("c.deb", "deb", "linux", "x86_64"),
                file("c-arm.deb", "deb", "linux", "aarch64"),
            ],
        ),
        published("1.1", vec![file("d.zip", "zip", "any", "universal")]),
        beta(release(
            "2.0-beta.1",
            Visibility::Published,
            vec![file("e.apk", "apk", "android", "universal")],
        )),
        Row::Release(release(
            "3.0",
            Visibility::Staged,
            vec![file("f.apk", "apk", "android", "universal")],
        )),
    ];
    fixture.apply("e", 1, rows).await;
}

/// Also by a download of 0.2.0, to which `none` is a platform that it does not know.
#[tokio::test]
async fn what_counts_for_no_platform_is_given_to_nobody_who_names_one() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        let other = |name: &str| fixture.store(name, b"cut", "other", "none", "universal");
        let rows = vec![published("9.0", vec![other("notes.apk"), other("raw.bin")])];
        fixture.apply("e", 100, rows).await;
        for (path, location) in [
            ("android", "/d/notes/1.10/a.apk"),
            ("linux", "/d/notes/1.11/c.deb"),
            ("any", "/d/notes/1.1/d.zip"),
        ] {
            let answer = fixture.get(&format!("/d/notes/latest/{path}")).await;
            assert_eq!(answer.header("location"), location, "{path}");
        }
        for (path, code) in [
            ("android?kind=other", "no_package"),
            ("any?kind=other", "no_package"),
            ("none", "platform_unknown"),
        ] {
            let answer = fixture.get(&format!("/d/notes/latest/{path}")).await;
            assert_eq!(answer.problem(), (404, code.to_owned()), "{path}");
        }
        assert_eq!(fixture.get("/d/notes/9.0/notes.apk").await.text(), "cut");
    }
}

/// A later catalog knows kinds, platforms and architectures that this version does not.
#[tokio::test]
async fn a_package_with_words_of_a_later_version_is_kept_served_and_offered_to_nobody() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        let file = |name: &str, kind, platform, arch| {
            fixture.store(name, name.as_bytes(), kind, platform, arch)
        };
        let long = "an-architecture-that-is-named-at-length";
        let rows = vec![published(
            "9.0",
            vec![
                file("kind.bin", "wasm", "linux", "x86_64"),
                file("platform.bin", "zip", "web", "universal"),
                file("arch.deb", "deb", "linux", long),
                file("known.apk", "apk", "android", "universal"),
            ],
        )];
        fixture.apply("e", 100, rows).await;
        for (path, location) in [
            ("linux", "/d/notes/1.11/c.deb"),
            ("android", "/d/notes/9.0/known.apk"),
        ] {
            let answer = fixture.get(&format!("/d/notes/latest/{path}")).await;
            assert_eq!(answer.header("location"), location, "{path}");
        }
        for name in ["kind.bin", "platform.bin", "arch.deb"] {
            let answer = fixture.get(&format!("/d/notes/9.0/{name}")).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, name));
        }
        assert_eq!(fixture.get("/a/notes").await.status, 200);
        // The words stand in the copy as they came: a later version of this service reads them.
        let copy = fixture.state.copy();
        let mut connection = copy.0.read().await.expect("a connection");
        let kept: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT kind, platform, arch FROM packages WHERE version = '9.0' ORDER BY filename",
        )
        .fetch_all(&mut *connection)
        .await
        .expect("rows");
        let word = |one: &str, two: &str, three: &str| (one.into(), two.into(), three.into());
        let expected: [(String, String, String); 4] = [
            word("deb", "linux", long),
            word("wasm", "linux", "x86_64"),
            word("apk", "android", "universal"),
            word("zip", "web", "universal"),
        ];
        assert_eq!(kept, expected);
    }
}

#[tokio::test]
async fn latest_is_the_highest_version_that_fits() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        for (path, location) in [
            ("linux", "/d/notes/1.11/c.deb"),
            ("linux?arch=aarch64", "/d/notes/1.11/c-arm.deb"),
            ("Linux?arch=ARM64", "/d/notes/1.11/c-arm.deb"),
            ("linux-arm64", "/d/notes/1.11/c-arm.deb"),
            ("linux-arm64?arch=x64", "/d/notes/1.11/c.deb"),
            ("linux-arm", "/d/notes/1.1/d.zip"),
            ("linux?arch=amd64", "/d/notes/1.11/c.deb"),
            ("win32?arch=x64", "/d/notes/1.9/b.exe"),
            ("Darwin", "/d/notes/1.1/d.zip"),
            ("linux?kind=rpm", "/d/notes/1.11/c.rpm"),
            ("linux?arch=armv7", "/d/notes/1.1/d.zip"),
            (
                "android?arch=&channel=&kind=&utm_source=x",
                "/d/notes/1.10/a.apk",
            ),
            ("android?arch=aarch64", "/d/notes/1.10/a.apk"),
            ("android?channel=beta", "/d/notes/2.0-beta.1/e.apk"),
            ("windows", "/d/notes/1.9/b.exe"),
            ("macos", "/d/notes/1.1/d.zip"),
            ("any", "/d/notes/1.1/d.zip"),
        ] {
            let answer = fixture.get(&format!("/d/notes/latest/{path}")).await;
            assert_eq!(answer.status, 302, "{path}: {}", answer.text());
            assert_eq!(answer.header("location"), location, "{path}");
            assert_eq!(answer.header("cache-control"), "no-cache");
        }
    }
}

#[tokio::test]
async fn where_nothing_fits_the_answer_says_what_does_not() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        for (path, status, code) in [
            ("notes/latest/windows?channel=beta", 404, "no_package"),
            ("notes/latest/linux?kind=appimage", 404, "no_package"),
            ("notes/latest/linux?channel=absent", 404, "channel_unknown"),
            ("notes/latest/linux?channel=No!", 404, "channel_unknown"),
            ("absent/latest/linux", 404, "app_unknown"),
            ("notes/latest/amiga", 404, "platform_unknown"),
            ("notes/latest/linux?arch=a%20b", 400, "arch_unknown"),
            ("notes/latest/linux?kind=exes", 400, "kind_unknown"),
        ] {
            assert_eq!(
                fixture.get(&format!("/d/{path}")).await.problem(),
                (status, code.to_owned()),
                "{path}"
            );
        }
    }
}
