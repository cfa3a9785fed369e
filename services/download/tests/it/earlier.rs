//! What earlier versions left is served, and what a catalog of 0.2.0 asks is answered as it reads it.

use slipway_contract::feed::{Row, Visibility};
use slipway_database::replica::copy::Replica as _;
use slipway_download::Settings;
use slipway_testkit::call::{call, called_by};
use slipway_testkit::database::{Engine, engines};
use slipway_testkit::earlier::{asked, leave};

use crate::fixture::{Fixture, published, release};

/// Tables and rows, what they say is the newest for Linux in `beta` or else, what is yanked, and a count.
struct Left {
    sql: &'static str,
    latest: [(&'static str, &'static str); 2],
    yanked: &'static str,
    count: i64,
}

const LEFT: [Left; 2] = [
    Left {
        sql: include_str!("../earlier/0.1.0.sql"),
        latest: [
            ("linux", "/d/notes/1.1.0/notes-linux.bin"),
            ("android?channel=beta", "/d/notes/1.2.0/notes.apk"),
        ],
        yanked: "/d/notes/1.3.0/notes-linux.bin",
        count: 1,
    },
    Left {
        sql: include_str!("../earlier/0.2.0.sql"),
        latest: [
            ("linux", "/d/notes/1.0.0/notes-linux.bin"),
            ("linux?channel=beta", "/d/notes/1.2.0+7/notes-linux.bin"),
        ],
        yanked: "/d/notes/1.1.0/notes-linux.bin",
        count: 3,
    },
];

async fn started_on(engine: Engine, left: &Left) -> Fixture {
    let process = slipway_testkit::process("download", engine).await;
    leave(&process.process, left.sql).await;
    Fixture::over(process, Settings::default(), None).await
}

#[tokio::test]
async fn what_was_published_is_served_and_counted() {
    for engine in engines() {
        for left in &LEFT {
            let fixture = started_on(engine, left).await;
            for (platform, file) in left.latest {
                let answer = fixture.get(&format!("/d/notes/latest/{platform}")).await;
                let location = answer.header("location").replace("%2B", "+");
                assert_eq!(location, file, "{}", answer.text());
                let signature = fixture.get(&format!("{file}.minisig")).await;
                assert!(
                    signature.text().contains("\tapp:notes\t"),
                    "{}",
                    signature.text()
                );
            }
            assert_eq!(fixture.get(left.yanked).await.status, 410);
            let key = fixture.get("/keys/notes/minisign.pub").await;
            assert!(
                key.text()
                    .starts_with("untrusted comment: minisign public key ")
            );
            let counts = fixture
                .get_as_catalog("/internal/downloads/notes/1.0.0")
                .await;
            assert_eq!(counts.json()["items"][0]["downloads"], left.count);
        }
    }
}

#[tokio::test]
async fn the_copy_goes_on_from_where_it_was() {
    for engine in engines() {
        for left in &LEFT {
            let fixture = started_on(engine, left).await;
            let position = fixture.state.copy().position().await.expect("a position");
            assert!(position.applied > 0, "{position:?}");
            let package = fixture.store("notes.bin", b"of today", "other", "linux", "x86_64");
            let next = position.applied + 1;
            fixture
                .apply(&position.epoch, next, vec![published("9.0", vec![package])])
                .await;
            assert_eq!(
                fixture.get("/d/notes/9.0/notes.bin").await.body,
                b"of today"
            );
            let latest = fixture.get("/d/notes/latest/linux").await;
            assert_eq!(latest.header("location"), "/d/notes/9.0/notes.bin");
            assert_eq!(fixture.get(left.yanked).await.status, 410);
        }
    }
}

#[tokio::test]
async fn a_catalog_of_0_2_0_is_answered_as_it_reads() {
    for engine in engines() {
        let fixture = started_on(engine, &LEFT[1]).await;
        let position = fixture.state.copy().position().await.expect("a position");
        let mut waiting = Vec::new();
        for (app, version, filename) in [
            ("notes", "1.6.0", "notes.apk"),
            ("tools", "1.0+3", "tools.bin"),
        ] {
            let package = fixture.store(filename, filename.as_bytes(), "other", "linux", "x86_64");
            let mut staged = release(version, Visibility::Staged, vec![package]);
            staged.app = slipway_contract::Word::read(app);
            waiting.push(Row::Release(staged));
        }
        fixture
            .apply(&position.epoch, position.applied + 1, waiting)
            .await;
        for call_of_then in asked(include_str!("../earlier/0.2.0.json")) {
            let process = &fixture.process.process;
            let request = called_by(process, &call_of_then.caller, call_of_then.again());
            if call_of_then.path.starts_with("/internal/staged/") {
                let answer = fixture.get_as_catalog(&call_of_then.path).await;
                assert_eq!(
                    answer.status,
                    200,
                    "{}: {}",
                    call_of_then.path,
                    answer.text()
                );
                continue;
            }
            let (status, answer) = call(&fixture.router, request).await;
            call_of_then.holds(status, &answer);
        }
    }
}
