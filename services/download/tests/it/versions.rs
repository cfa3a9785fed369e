//! The order of versions that differ in their build, and keys of download services to which they did not.

use slipway_contract::Version;
use slipway_contract::feed::{Row, Visibility};
use slipway_database::replica::copy::Replica as _;
use slipway_download::{DownloadState, Settings};
use slipway_testkit::database::engines;
use sqlx::{AnyConnection, Connection as _, query};

use crate::fixture::{Fixture, app, release};

const ASCENDING: [&str; 7] = [
    "1.0.0-rc.1+9",
    "1.0.0",
    "1.0.0+9",
    "1.0.0+41",
    "1.0.0+41.1",
    "1.0.0+a",
    "1.0.1",
];

/// All of them, in another order than theirs.
async fn arranged(fixture: &Fixture) {
    let mut rows = vec![app("notes")];
    for number in [3, 6, 0, 5, 1, 4, 2] {
        rows.push(row(fixture, ASCENDING[number], Visibility::Published));
    }
    fixture.apply("e", 1, rows).await;
}

fn row(fixture: &Fixture, version: &str, visibility: Visibility) -> Row {
    let file = fixture.store(
        "notes.apk",
        version.as_bytes(),
        "apk",
        "android",
        "universal",
    );
    Row::Release(release(version, visibility, vec![file]))
}

/// Gives the rows the keys that 0.3.0 and earlier write, which know no build.
async fn forget_builds(fixture: &Fixture) {
    let process = &fixture.process.process;
    let file = process.data.service("download").join("download.db");
    let url = process.settings.database.url.clone();
    let url = url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
    let mut database = AnyConnection::connect(&url).await.expect("the database");
    for version in ASCENDING {
        let key = version.parse::<Version>().expect("a version");
        let old = query("UPDATE releases SET version_key = $2 WHERE version = $1");
        let old = old.bind(version).bind(key.precedence_key().to_owned());
        old.execute(&mut database).await.expect("an old key");
    }
}

/// What `latest` gives, as the highest is withdrawn again and again.
async fn descends(fixture: &Fixture, mut seq: i64) {
    for version in ASCENDING.iter().rev() {
        let latest = fixture.get("/d/notes/latest/android").await;
        let expected = format!("/d/notes/{}/notes.apk", version.replace('+', "%2B"));
        let given = latest.header("location").replace('+', "%2B");
        assert_eq!(given, expected);
        seq += 1;
        let withdrawn = row(fixture, version, Visibility::Yanked);
        fixture.apply("e", seq, vec![withdrawn]).await;
    }
}

#[tokio::test]
async fn latest_is_the_highest_build_of_the_highest_version() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        arranged(&fixture).await;
        descends(&fixture, 100).await;
    }
}

#[tokio::test]
async fn keys_of_an_earlier_version_are_completed_at_a_start_and_beside_us() {
    for engine in engines() {
        for restart in [false, true] {
            let fixture = Fixture::open(engine).await;
            arranged(&fixture).await;
            forget_builds(&fixture).await;
            if restart {
                let (peers, settings) = (&fixture.process.peers, Settings::default());
                let (one, other) = tokio::join!(
                    DownloadState::open(peers, &settings),
                    DownloadState::open(peers, &settings)
                );
                one.and(other).expect("two starts at once");
            } else {
                // As a follower does before it says that all is applied.
                fixture.state.copy().complete().await.expect("whole keys");
            }
            descends(&fixture, 100).await;
        }
    }
}
