//! What is offered to whom: `latest` and the button of the page go by one rank, but for a phone whose architecture nobody says.

use http::header::{ACCEPT, USER_AGENT};
use serde_json::json;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, app, published};

const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36";
const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const LINUX_ARM: &str = "Mozilla/5.0 (X11; Linux aarch64; rv:140.0) Gecko/20100101 Firefox/140.0";
const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0";

/// 1.0 is complete; 2.0 is there for few machines.
async fn arranged(fixture: &Fixture) {
    let file = |name: &str, kind, platform, arch| {
        fixture.store(name, name.as_bytes(), kind, platform, arch)
    };
    let mut fat = file("fat.apk", "apk", "android", "universal");
    fat.facts["abis"] = json!(["arm64-v8a", "armeabi-v7a"]);
    let mut part = file("a-part.apk", "apk", "android", "aarch64");
    part.facts["split"] = json!("config.arm64_v8a");
    let rows = vec![
        app("notes"),
        published(
            "1.0",
            vec![
                file("amd64.deb", "deb", "linux", "x86_64"),
                file("arm64.deb", "deb", "linux", "aarch64"),
                file("x64.apk", "apk", "android", "x86_64"),
                file("arm64.apk", "apk", "android", "aarch64"),
                file("a-bundle.aab", "aab", "android", "aarch64"),
                part,
                file("x64.msi", "msi", "windows", "x86_64"),
                file("x86.exe", "exe", "windows", "x86"),
            ],
        ),
        published(
            "2.0",
            vec![
                file("a-ppc64el.deb", "deb", "linux", "ppc64el"),
                file("notes-2.0-1.src.rpm", "rpm", "linux", "universal"),
                file("s390x.bin", "other", "macos", "s390x"),
                file("source.rpm", "rpm", "none", "source"),
            ],
        ),
        published("0.9", vec![fat]),
    ];
    fixture.apply("e", 1, rows).await;
}

#[tokio::test]
async fn an_architecture_that_is_not_known_is_for_who_names_it() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        for (path, location) in [
            ("linux", "/d/notes/1.0/amd64.deb"),
            ("linux?arch=ppc64el", "/d/notes/2.0/a-ppc64el.deb"),
            ("linux?arch=ppc64le", "/d/notes/2.0/a-ppc64el.deb"),
            ("android", "/d/notes/1.0/x64.apk"),
            ("android?arch=arm64-v8a", "/d/notes/1.0/arm64.apk"),
            ("android?kind=aab", "/d/notes/1.0/a-bundle.aab"),
            ("android?arch=armv7l", "/d/notes/0.9/fat.apk"),
            ("windows", "/d/notes/1.0/x64.msi"),
            ("windows?arch=i386", "/d/notes/1.0/x86.exe"),
            ("windows?arch=arm64", "/d/notes/1.0/x86.exe"),
        ] {
            let answer = fixture.get(&format!("/d/notes/latest/{path}")).await;
            assert_eq!(answer.header("location"), location, "{path}");
        }
        for (path, asked) in [
            ("linux?arch=i386", "linux, x86"),
            ("linux?arch=source", "linux, source"),
            ("linux?kind=rpm", "linux, rpm"),
            ("android?arch=x86", "android, x86"),
            ("macos", "macos"),
            ("macos?arch=arm64", "macos, aarch64"),
        ] {
            let answer = fixture.get(&format!("/d/notes/latest/{path}")).await;
            assert_eq!(answer.problem(), (404, "no_package".to_owned()), "{path}");
            assert!(
                answer.text().contains(&format!("fits {asked}:")),
                "{}",
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn the_button_goes_by_the_same_rank() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        for (agent, button) in [
            (LINUX, Some("/d/notes/1.0/amd64.deb")),
            (LINUX_ARM, Some("/d/notes/1.0/arm64.deb")),
            (WINDOWS, Some("/d/notes/1.0/x64.msi")),
            (ANDROID, Some("/d/notes/1.0/arm64.apk")),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", None),
            ("curl/8.5.0", None),
        ] {
            let headers = [(USER_AGENT, agent), (ACCEPT, "text/html")];
            let page = fixture.send("GET", "/a/notes", &headers).await;
            let text = page.text();
            let found = text
                .split_once("class=\"button\" href=\"")
                .and_then(|(_, rest)| rest.split_once('"'));
            assert_eq!(found.map(|(address, _)| address), button, "{agent}");
            // What is for no machine of theirs is there all the same, without a button.
            let other = "href=\"/d/notes/2.0/s390x.bin\"";
            assert!(text.contains(other), "{agent}: {text}");
            assert!(!text.contains("2.0-1.src.rpm"), "{agent}");
        }
    }
}

#[tokio::test]
async fn a_file_whose_facts_cannot_be_read_is_offered_to_nobody() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let file = |name: &str| fixture.store(name, name.as_bytes(), "apk", "android", "aarch64");
        let (mut strange, readable) = (file("a-strange.apk"), file("readable.apk"));
        strange.facts["abis"] = json!({"of": "a later version"});
        let rows = vec![app("notes"), published("1.0", vec![strange, readable])];
        fixture.apply("e", 1, rows).await;
        let answer = fixture.get("/d/notes/latest/android").await;
        assert_eq!(answer.header("location"), "/d/notes/1.0/readable.apk");
        let answer = fixture.get("/d/notes/1.0/a-strange.apk").await;
        assert_eq!(answer.status.as_u16(), 200);
    }
}
