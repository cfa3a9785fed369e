//! What the pages say to whom: languages, notes, other files, what cannot be installed, previews, the start page.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, HOST, USER_AGENT};
use slipway_contract::Word;
use slipway_contract::feed::{self, Release, Row, Visibility};
use slipway_download::Settings;
use slipway_testkit::database::{Engine, engines};

use crate::fixture::{Answer, Fixture, app, published, release};

const ANDROID: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15";
const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0";
const WECHAT: &str =
    "Mozilla/5.0 (Linux; Android 14) Chrome/116.0 MicroMessenger/8.0.49.2600 Mobile";

async fn page(fixture: &Fixture, path: &str, agent: &str) -> Answer {
    in_language(fixture, path, agent, "en").await
}

async fn in_language(fixture: &Fixture, path: &str, agent: &str, language: &str) -> Answer {
    let headers = [
        (USER_AGENT, agent),
        (ACCEPT, "text/html,*/*;q=0.8"),
        (ACCEPT_LANGUAGE, language),
        (HOST, "evil.example"),
    ];
    let answer = fixture.send("GET", path, &headers).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

/// What stands between two texts of a page.
fn between<'a>(page: &'a Answer, begin: &str, end: &str) -> &'a str {
    let (_, rest) = page.text().split_once(begin).expect("the beginning");
    rest.split_once(end).expect("the end").0
}

async fn with_files(engine: Engine, files: &[(&str, &str, &str, &str)]) -> Fixture {
    let fixture = Fixture::open(engine).await;
    let packages = files
        .iter()
        .map(|(name, kind, platform, arch)| {
            fixture.store(name, name.as_bytes(), kind, platform, arch)
        })
        .collect();
    let rows = vec![app("notes"), published("1.0", packages)];
    fixture.apply("e", 1, rows).await;
    fixture
}

#[tokio::test]
async fn a_page_is_in_the_language_of_its_reader() {
    for engine in engines() {
        let files = [
            ("notes.apk", "apk", "android", "universal"),
            ("notes.exe", "exe", "windows", "x86_64"),
        ];
        let fixture = with_files(engine, &files).await;
        let english = in_language(&fixture, "/a/notes", ANDROID, "de,en;q=0.5").await;
        let chinese = in_language(&fixture, "/a/notes", ANDROID, "zh-CN,zh;q=0.9").await;
        for (page, texts) in [
            (
                &english,
                [
                    "<html lang=\"en\">",
                    "Download for Android",
                    "18 November 2026",
                    "9 bytes",
                ],
            ),
            (
                &chinese,
                [
                    "<html lang=\"zh-CN\">",
                    "下载 Android 版",
                    "2026年11月18日",
                    "9 字节",
                ],
            ),
        ] {
            for text in texts {
                assert!(page.text().contains(text), "{text}: {}", page.text());
            }
            assert_eq!(page.header("vary"), "accept, accept-language, user-agent");
        }
        assert!(!chinese.text().contains("Download"), "{}", chinese.text());
    }
}

#[tokio::test]
async fn notes_are_markdown_and_folded() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let package = fixture.store("notes.apk", b"apk", "apk", "android", "universal");
        let mut told = release("1.0", Visibility::Published, vec![package]);
        let lines = (1..=40)
            .map(|line| format!("- line {line}\n"))
            .collect::<Vec<_>>()
            .concat();
        told.notes = Some(format!("# مرحبا\n\n**Faster**, <b>x</b>\n\n{lines}"));
        fixture
            .apply("e", 1, vec![app("notes"), Row::Release(told)])
            .await;
        let page = page(&fixture, "/a/notes", ANDROID).await;
        let notes = between(&page, "<div class=\"notes\" lang=\"\">", "<h2>Prove");
        for text in [
            "<h3 dir=\"auto\">مرحبا</h3>",
            "<strong>Faster</strong>, &lt;b&gt;x&lt;/b&gt;",
            "<details class=\"more\"><summary>Show all</summary>",
        ] {
            assert!(notes.contains(text), "{text}: {notes}");
        }
        let (lead, rest) = notes.split_once("<details").expect("a fold");
        assert!(lead.contains("<li>line 8</li>") && !lead.contains("line 30"));
        assert!(rest.contains("<li>line 40</li>"), "{rest}");
    }
}

#[tokio::test]
async fn a_file_for_any_system_stands_once_and_every_file_has_its_name() {
    for engine in engines() {
        let files = [
            ("notes.apk", "apk", "android", "universal"),
            ("notes.exe", "exe", "windows", "x86_64"),
            ("notes.deb", "deb", "linux", "x86_64"),
            ("notes.dmg", "dmg", "macos", "universal"),
            ("notes.ipa", "ipa", "ios", "universal"),
            ("tool.zip", "zip", "any", "universal"),
        ];
        let fixture = with_files(engine, &files).await;
        for agent in [ANDROID, IPHONE, MAC, WINDOWS, "curl/8"] {
            let page = page(&fixture, "/a/notes", agent).await;
            for (name, ..) in files {
                let link = format!("href=\"/d/notes/1.0/{name}\"");
                assert_eq!(page.text().matches(&link).count(), 1, "{agent}: {name}");
                let named = format!("<bdi>{name}</bdi>");
                assert!(page.text().contains(&named), "{agent}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn what_no_tap_installs_has_no_button_and_says_why() {
    for engine in engines() {
        let files = [
            ("notes.ipa", "ipa", "ios", "universal"),
            ("notes.dmg", "dmg", "macos", "universal"),
            ("notes.aab", "aab", "android", "universal"),
            ("notes.hap", "hap", "harmony", "universal"),
        ];
        let fixture = with_files(engine, &files).await;
        for (agent, reason) in [
            (IPHONE, "Safari cannot install this file."),
            (ANDROID, "No device installs this file."),
            (
                "Mozilla/5.0 (Phone; OpenHarmony 5.0) ArkWeb/4.1",
                "HarmonyOS does not install this file from a browser.",
            ),
        ] {
            let page = page(&fixture, "/a/notes", agent).await;
            assert!(!page.text().contains("class=\"button\""), "{agent}");
            assert!(page.text().contains(reason), "{agent}: {}", page.text());
            assert!(page.text().contains("Save the file"), "{agent}");
        }
        let mac = page(&fixture, "/a/notes", MAC).await;
        let button = between(&mac, "<a class=\"button\" href=\"", "\"");
        assert_eq!(button, "/d/notes/1.0/notes.dmg");
        assert!(mac.text().contains("If macOS holds it back"));
        let ipad = between(&mac, "<section class=\"perhaps\">", "</section>");
        for text in [
            "On an iPad?",
            "/d/notes/1.0/notes.ipa",
            "Safari cannot install",
        ] {
            assert!(ipad.contains(text), "{text}: {ipad}");
        }
    }
}

#[tokio::test]
async fn what_is_for_other_machines_of_a_system_is_not_called_absent() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let mut part = fixture.store("part.apk", b"part", "apk", "android", "aarch64");
        part.facts["split"] = serde_json::json!("config.xhdpi");
        let deb = fixture.store("notes.deb", b"deb", "deb", "linux", "x86_64");
        let rows = vec![app("notes"), published("1.0", vec![part, deb])];
        fixture.apply("e", 1, rows).await;
        let machine = |name| format!("Mozilla/5.0 (X11; Linux {name}; rv:140.0) Firefox/140.0");
        for (agent, words) in [
            (ANDROID, "Android does not install this file alone."),
            (
                &*machine("aarch64"),
                "No package for Linux is known to fit your device.",
            ),
            (
                &*machine("riscv64"),
                "No package for Linux is known to fit your device.",
            ),
            (WINDOWS, "There is no package for Windows."),
        ] {
            let page = page(&fixture, "/a/notes", agent).await;
            assert!(page.text().contains(words), "{agent}: {}", page.text());
            assert!(!page.text().contains("class=\"button\""), "{agent}");
        }
        let pc = page(&fixture, "/a/notes", &machine("x86_64")).await;
        let button = between(&pc, "<a class=\"button\" href=\"", "\"");
        assert_eq!(button, "/d/notes/1.0/notes.deb");
    }
}

#[tokio::test]
async fn a_browser_within_another_app_is_told_to_open_its_own() {
    for engine in engines() {
        let files = [("notes.apk", "apk", "android", "universal")];
        let fixture = with_files(engine, &files).await;
        let page = in_language(&fixture, "/a/notes", WECHAT, "zh").await;
        assert!(page.text().contains("你正在微信中浏览本页。"));
        let browser = in_language(&fixture, "/a/notes", ANDROID, "zh").await;
        assert!(!browser.text().contains("你正在"));
    }
}

#[tokio::test]
async fn a_package_that_calls_itself_otherwise_says_so() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let file = |name: &str, label: &str| {
            let mut file = fixture.store(name, name.as_bytes(), "apk", "android", "universal");
            file.facts["label"] = serde_json::json!(label);
            file
        };
        let packages = vec![file("a.apk", "The notes"), file("b.apk", "Notes <Beta>")];
        let rows = vec![app("notes"), published("1.0", packages)];
        fixture.apply("e", 1, rows).await;
        let page = page(&fixture, "/a/notes", ANDROID).await;
        assert!(page.text().contains("appears as “Notes &#60;Beta&#62;”"));
        assert!(!page.text().contains("appears as “The notes”"));
    }
}

#[tokio::test]
async fn a_damaged_file_has_no_button() {
    for engine in engines() {
        let files = [("notes.apk", "apk", "android", "universal")];
        let fixture = with_files(engine, &files).await;
        // One of an older version is shown by another part of the page.
        let older = fixture.store("notes.apk", b"older", "apk", "android", "universal");
        fixture
            .apply("e", 2, vec![published("0.9", vec![older])])
            .await;
        let blobs = fixture.process.process.data.blobs();
        std::fs::remove_dir_all(blobs).expect("a store");
        for version in ["1.0", "0.9"] {
            let address = format!("/d/notes/{version}/notes.apk");
            assert_eq!(fixture.get(&address).await.status, 500, "{address}");
        }
        let page = page(&fixture, "/a/notes", ANDROID).await;
        assert!(page.text().contains("This file is damaged here."));
        for version in ["1.0", "0.9"] {
            let link = format!("href=\"/d/notes/{version}/notes.apk\"");
            assert!(!page.text().contains(&link), "{}", page.text());
        }
    }
}

#[tokio::test]
async fn older_versions_are_named_a_few_at_a_time() {
    for engine in engines() {
        let mut settings = Settings::default();
        settings.page.older_versions = 3;
        let fixture = Fixture::open_with(engine, settings, None).await;
        let version = |version: &str, visibility| {
            let name = format!("notes-{version}.apk");
            let file = fixture.store(&name, name.as_bytes(), "apk", "android", "universal");
            release(version, visibility, vec![file])
        };
        let mut beta = version("1.5", Visibility::Published);
        beta.channels = vec![Word::read("beta")];
        let mut rows = vec![app("notes"), Row::Release(beta)];
        let numbers = ["1.0", "1.1", "1.2", "1.9", "1.10", "1.11+2"];
        let published = |number: &&str| Row::Release(version(number, Visibility::Published));
        rows.extend(numbers.iter().map(published));
        rows.push(Row::Release(version("1.3", Visibility::Yanked)));
        rows.push(Row::Release(version("1.4", Visibility::Hidden)));
        rows.push(Row::Release(version("1.6", Visibility::Staged)));
        fixture.apply("e", 1, rows).await;

        let newest = page(&fixture, "/a/notes", ANDROID).await;
        let older = between(&newest, "<h2 id=\"older\">", "<h2>Prove");
        let shown = |text: &str| -> Vec<String> {
            let links = text.split("href=\"/d/notes/").skip(1);
            links
                .map(|link| link.split('/').next().expect("a version").to_owned())
                .collect()
        };
        assert_eq!(shown(older), ["1.10", "1.9", "1.2"]);
        assert!(
            older.contains("href=\"/a/notes?before=1%2E2#older\""),
            "{older}"
        );
        let last = page(&fixture, "/a/notes?before=1.2", ANDROID).await;
        let older = between(&last, "<h2 id=\"older\">", "<h2>Prove");
        assert_eq!(shown(older), ["1.1", "1.0"]);
        assert!(!older.contains("before="), "{older}");
        for before in ["0.1", "9", "%3Cscript%3E"] {
            let page = page(&fixture, &format!("/a/notes?before={before}"), ANDROID).await;
            assert!(!page.text().contains("id=\"older\""), "{before}");
        }
        // No text of a database holds it.
        let answer = fixture.send("GET", "/a/notes?before=%00", &[]).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_preview_has_no_address_that_a_client_chose() {
    for engine in engines() {
        for url in [None, Some("https://apps.example.org")] {
            let fixture = Fixture::open_with(engine, Settings::default(), url).await;
            let mut file = fixture.store("notes.apk", b"apk", "apk", "android", "universal");
            file.facts["icon"] = serde_json::json!({"media_type": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="});
            let rows = vec![app("notes"), published("1.0", vec![file])];
            fixture.apply("e", 1, rows).await;
            let page = page(&fixture, "/a/notes", ANDROID).await;
            for text in [
                "<meta property=\"og:title\" content=\"The notes 1.0\">",
                "<meta property=\"og:description\" content=\"For Android.",
            ] {
                assert!(page.text().contains(text), "{text}: {}", page.text());
            }
            let image =
                "<meta property=\"og:image\" content=\"https://apps.example.org/a/notes/icon\">";
            assert_eq!(page.text().contains(image), url.is_some());
            assert_eq!(page.text().contains("og:image"), url.is_some());
            assert!(!page.text().contains("evil.example"));
        }
    }
}

#[tokio::test]
async fn the_start_page_is_for_browsers_and_names_apps_where_it_is_told_to() {
    for engine in engines() {
        for limit in [0, 1, 9] {
            let mut settings = Settings::default();
            settings.page.apps = limit;
            let fixture = Fixture::open_with(engine, settings, None).await;
            let file = |name: &str| fixture.store(name, b"x", "apk", "android", "universal");
            let of = |slug: &str, visibility| {
                Row::Release(Release {
                    app: Word::read(slug),
                    ..release("1.0", visibility, vec![file(slug)])
                })
            };
            let Row::App(deleted) = app("deleted") else {
                panic!("an app")
            };
            let deleted = feed::App {
                deleted: true,
                ..deleted
            };
            let rows = vec![
                app("a"),
                app("b"),
                Row::App(deleted),
                of("deleted", Visibility::Published),
                app("empty"),
                app("withdrawn"),
                of("a", Visibility::Published),
                of("b", Visibility::Published),
                of("withdrawn", Visibility::Yanked),
            ];
            fixture.apply("e", 1, rows).await;
            let answer = fixture.get("/").await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()));
            for (language, title) in [
                ("en", "Apps, signed by their publishers"),
                ("zh", "由发布者签名的应用"),
            ] {
                let page = in_language(&fixture, "/", ANDROID, language).await;
                assert!(page.text().contains(title), "{}", page.text());
                let named = page.text().matches("class=\"row named\"").count();
                assert_eq!(named, usize::from(limit.min(2)), "{limit}");
                let more = page.text().contains("There are more.");
                assert_eq!(more, limit == 1 && language == "en");
                for other in ["evil.example", "withdrawn", "/a/deleted", "/a/empty"] {
                    assert!(!page.text().contains(other), "{other}");
                }
            }
        }
    }
}
