//! Versions that differ in their build, and rows of uploads to which they did not.

use http::StatusCode;
use slipway_contract::Version;
use slipway_testkit::database::engines;
use sqlx::{query, query_as};

use crate::catalog::DIGEST;
use crate::fixture::{Fixture, until};

/// The versions and keys of a table.
async fn keys(fixture: &Fixture, table: &'static str) -> Vec<(String, String)> {
    let sql = match table {
        "packages" => "SELECT version, version_key FROM packages ORDER BY version_key",
        _ => "SELECT version, version_key FROM copy_releases ORDER BY version_key",
    };
    let mut database = fixture.database().await;
    query_as(sql)
        .fetch_all(&mut database)
        .await
        .expect("the keys")
}

fn whole(versions: &[&str]) -> Vec<(String, String)> {
    let key = |version: &&str| {
        let parsed: Version = version.parse().expect("a version");
        ((*version).to_owned(), parsed.order_key().to_owned())
    };
    versions.iter().map(key).collect()
}

/// Gives the rows of a version the key that 0.3.0 and earlier write, which knows no build.
async fn forget_build(fixture: &Fixture, version: &str) {
    let parsed: Version = version.parse().expect("a version");
    let mut database = fixture.database().await;
    for sql in [
        "UPDATE packages SET version_key = $2 WHERE version = $1",
        "UPDATE copy_releases SET version_key = $2 WHERE version = $1",
    ] {
        let old = query(sql).bind(version.to_owned());
        let old = old.bind(parsed.precedence_key().to_owned());
        old.execute(&mut database).await.expect("an old key");
    }
}

#[tokio::test]
async fn a_build_makes_another_place() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for version in ["1.0.0", "1.0.0%2B41", "v1.0.0%2B42"] {
            let path = format!("notes.bin?version={version}");
            let body = version.to_owned();
            assert_eq!(fixture.put(&path, body).await.status, StatusCode::CREATED);
        }
        let same = fixture
            .put("notes.bin?version=1.0%2B041", "1.0.0%2B41")
            .await;
        assert_eq!(same.status, StatusCode::OK, "{same:?}");
        let versions = ["1.0.0", "1.0.0+41", "1.0.0+42"];
        assert_eq!(keys(&fixture, "packages").await, whole(&versions));
        let lost = fixture.put("notes.bin?version=1.0.0+41", "bytes").await;
        assert_eq!(lost.verdict(), (422, "version_invalid"));
        assert!(lost.body.to_string().contains("%2B"), "{lost:?}");
    }
}

#[tokio::test]
async fn keys_of_an_earlier_version_are_completed_at_a_start() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.put("notes.bin?version=1.0.0%2B41", "bytes").await;
        fixture
            .catalog
            .add_release("notes", "1.0.0+41", &[("notes.bin", DIGEST)]);
        until("it is told", async || {
            !keys(&fixture, "copy_releases").await.is_empty()
        })
        .await;
        forget_build(&fixture, "1.0.0+41").await;
        let started = tokio::join!(fixture.another(|_| ()), fixture.another(|_| ()));
        for table in ["packages", "copy_releases"] {
            assert_eq!(keys(&fixture, table).await, whole(&["1.0.0+41"]), "{table}");
        }
        drop(started);
    }
}

/// What an upload of an earlier version writes while this one runs.
#[tokio::test]
async fn a_package_of_an_earlier_version_beside_us_keeps_its_place() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let first = fixture.put("notes.bin?version=1.0.0%2B41", "bytes").await;
        forget_build(&fixture, "1.0.0+41").await;
        let plain = fixture.put("notes.bin?version=1.0.0", "plain").await;
        assert_eq!(plain.status, StatusCode::CREATED, "{plain:?}");
        forget_build_of_the_first(&fixture).await;
        let again = fixture.put("notes.bin?version=1.0.0%2B41", "bytes").await;
        assert_eq!(again.status, StatusCode::OK, "{again:?}");
        assert_eq!(again.body["package"]["id"], first.body["package"]["id"]);
        assert_eq!(
            keys(&fixture, "packages").await,
            whole(&["1.0.0", "1.0.0+41"])
        );
    }
}

/// In a version whose own place nobody has, as the index of places would have it.
async fn forget_build_of_the_first(fixture: &Fixture) {
    let mut database = fixture.database().await;
    let away = query("UPDATE packages SET filename = 'plain.bin' WHERE version = '1.0.0'");
    away.execute(&mut database).await.expect("a name");
    forget_build(fixture, "1.0.0+41").await;
}

/// Of two rows of a release the newer is the truth, whoever wrote it.
#[tokio::test]
async fn a_release_that_an_earlier_version_beside_us_was_told_is_one() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture
            .catalog
            .add_release("notes", "1.0.0+41", &[("notes.bin", DIGEST)]);
        until("it is told", async || {
            !keys(&fixture, "copy_releases").await.is_empty()
        })
        .await;
        let parsed: Version = "1.0.0+41".parse().expect("a version");
        for (seq, files) in [(1000, "newer"), (0, "older")] {
            let mut database = fixture.database().await;
            let beside = query(
                "INSERT INTO copy_releases (app, version_key, version, files, closed, seq)
                 VALUES ('notes', $1, '1.0.0+41', $2, 1, $3)",
            );
            let beside = beside.bind(parsed.precedence_key().to_owned());
            let beside = beside.bind(format!("{{\"{files}\":\"digest\"}}")).bind(seq);
            beside.execute(&mut database).await.expect("a row");
            // Anything new from the catalog lets the follower look.
            fixture
                .catalog
                .add_release("notes", &format!("2.{seq}"), &[]);
            until("one is left", async || {
                let kept = query_as(
                    "SELECT files, version_key FROM copy_releases WHERE version = '1.0.0+41'",
                );
                let kept: Vec<(String, String)> =
                    kept.fetch_all(&mut database).await.expect("rows");
                kept.len() == 1 && kept[0].0.contains("newer") && kept[0].1 == parsed.order_key()
            })
            .await;
        }
    }
}
