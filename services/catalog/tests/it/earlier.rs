//! What earlier versions left goes on, and what services of 0.2.0 ask is answered as they read it.

use serde_json::{Value, json};
use slipway_catalog::{Settings, start_workers};
use slipway_contract::feed::Page;
use slipway_runtime::token::Token;
use slipway_testkit::call::{call, called_by};
use slipway_testkit::database::{Engine, engines};
use slipway_testkit::earlier::{Asked, asked, leave};

use crate::fixture::{Fixture, UPLOAD};

/// Tables and rows, the releases of `notes` with their states, and the apps.
type Left = (&'static str, &'static [(&'static str, &'static str)]);

const LEFT: [Left; 2] = [
    (
        include_str!("../earlier/0.1.0.sql"),
        &[
            ("1.0.0", "published"),
            ("1.1.0", "published"),
            ("1.2.0", "published"),
            ("1.3.0", "yanked"),
            ("1.4.0", "failed"),
            ("1.5.0", "draft"),
        ],
    ),
    (
        include_str!("../earlier/0.2.0.sql"),
        &[
            ("1.0.0", "published"),
            ("1.1.0", "yanked"),
            ("1.2.0+7", "published"),
            ("1.5.0", "draft"),
        ],
    ),
];

async fn started_on(engine: Engine, sql: &str) -> Fixture {
    started_with(engine, sql, Settings::default()).await
}

async fn started_with(engine: Engine, sql: &str, settings: Settings) -> Fixture {
    let test = slipway_testkit::process("catalog", engine).await;
    // The administrator's token is that of the file here, as there: another one would be made anew, and this one revoked.
    let token = std::fs::read_to_string(test.process.data.admin_token()).expect("a token");
    let hash = token.trim().parse::<Token>().expect("a token").hash();
    let same = format!("UPDATE tokens SET hash = '{hash}' WHERE name = 'administrator';");
    leave(&test.process, &format!("{sql}\n{same}")).await;
    Fixture::over(test, settings).await
}

/// Settings under which no answer waits for followers.
fn hasty() -> Settings {
    let mut settings = Settings::default();
    settings.publishing.follower_wait_millis = 0;
    settings
}

#[tokio::test]
async fn what_was_there_is_shown_and_told() {
    for engine in engines() {
        for (sql, releases) in LEFT {
            let fixture = started_on(engine, sql).await;
            let apps = fixture.admin().get("/api/v1/apps").await.ok(200);
            let slugs: Vec<_> = items(&apps).map(|app| &app["slug"]).collect();
            assert_eq!(slugs, ["notes", "tools"]);
            for (version, state) in releases {
                let release = fixture.release("notes", version).await;
                assert_eq!(release["version"], *version);
                assert_eq!(release["state"], *state, "{release}");
                assert_eq!(items(&release["packages"]).count(), 1, "{release}");
            }
            let audit = fixture.admin().get("/api/v1/audit?limit=100").await.ok(200);
            let actions: Vec<_> = items(&audit).map(|row| &row["action"]).collect();
            assert!(actions.contains(&&json!("release.yank")), "{actions:?}");

            let path = format!("/internal/changes?epoch=&after=0&wait=0&follower={UPLOAD}");
            let page = fixture.catalog.internal("upload", &path).await.ok(200);
            let page: Page = serde_json::from_value(page).expect("a page of the feed");
            let numbers: Vec<_> = page.changes.iter().map(|change| change.seq).collect();
            assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
            assert_eq!(numbers.last(), Some(&page.head));
        }
    }
}

#[tokio::test]
async fn it_is_added_to_and_changed() {
    for engine in engines() {
        for (sql, _) in LEFT {
            let fixture = started_with(engine, sql, hasty()).await;
            let another = fixture.delivery("notes", "1.5.0", "notes.apk", b"of today");
            fixture.deliver(&another).await.ok(200);
            let draft = fixture.release("notes", "1.5.0").await;
            assert_eq!(items(&draft["packages"]).count(), 2, "{draft}");
            let late = fixture.delivery("notes", "1.0.0", "notes.apk", b"of today");
            fixture
                .deliver(&late)
                .await
                .refused(409, "release_published");

            let path = "/api/v1/apps/notes/releases/1.0.0/yank";
            let yanked = fixture.admin().post(path, json!({"reason": "old"})).await;
            assert_eq!(yanked.ok(200)["state"], "yanked");
            let channels = fixture.admin().get("/api/v1/apps/notes/channels").await;
            assert!(items(&channels.ok(200)).count() >= 2);
        }
    }
}

#[tokio::test]
async fn what_is_new_beside_it_is_published() {
    for engine in engines() {
        for (sql, _) in LEFT {
            let fixture = started_on(engine, sql).await;
            start_workers(&fixture.catalog.state);
            fixture.download.follow(&fixture.catalog);
            fixture.app("later").await;
            fixture.published("later", "1.0").await;
            let (status, bytes) = fixture.fetch("/d/later/1.0/notes.apk").await;
            assert_eq!((status, &bytes[..]), (200, &b"1.0"[..]));
        }
    }
}

#[tokio::test]
async fn services_of_0_2_0_are_answered_as_they_read() {
    for engine in engines() {
        let fixture = started_on(engine, LEFT[1].0).await;
        let mut calls = asked(include_str!("../earlier/0.2.0.json"));
        // What was delivered is told by the feed.
        calls.sort_by_key(|call| call.method() != "POST");
        for call_of_then in &mut calls {
            from_the_beginning(call_of_then);
            let process = &fixture.catalog.process;
            let request = called_by(process, &call_of_then.caller, call_of_then.again());
            let (status, answer) = call(&fixture.catalog.router, request).await;
            call_of_then.holds(status, &answer);
        }
    }
}

/// A follower that has nothing yet, in the place of one that waited for the next change; without its mark, which was made
/// with that catalog's own key.
fn from_the_beginning(asked: &mut Asked) {
    if let Some((path, query)) = asked.path.split_once('?')
        && path == "/internal/changes"
    {
        let kept = |pair: &&str| pair.starts_with("epoch=") || pair.starts_with("follower=");
        let kept: Vec<_> = query.split('&').filter(kept).collect();
        asked.path = format!("{path}?{}&after=0&wait=0", kept.join("&"));
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    let list = list.get("items").unwrap_or(list);
    list.as_array().expect("a list").iter()
}
