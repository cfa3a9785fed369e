//! Versions that differ in their build, and rows of catalogs to which they did not.

use serde_json::{Value, json};
use slipway_contract::Version;
use slipway_testkit::database::engines;
use sqlx::{query, query_as, query_scalar};

use crate::fixture::Fixture;

/// The app's versions as the keys order them.
async fn ordered(fixture: &Fixture) -> Vec<String> {
    let ordered =
        query_scalar("SELECT version FROM releases WHERE app = 'notes' ORDER BY version_key");
    ordered
        .fetch_all(&mut fixture.database().await)
        .await
        .expect("the versions")
}

/// Gives the rows the keys that 0.3.0 and earlier write, which know no build.
async fn forget_builds(fixture: &Fixture, versions: &[&str]) {
    let mut database = fixture.database().await;
    for version in versions {
        let key = version.parse::<Version>().expect("a version");
        let old = query("UPDATE releases SET version_key = $2 WHERE version = $1")
            .bind(*version)
            .bind(key.precedence_key())
            .execute(&mut database)
            .await;
        assert_eq!(old.expect("an old key").rows_affected(), 1, "{version}");
    }
}

async fn keys_are_whole(fixture: &Fixture) {
    let keys = query_as("SELECT version, version_key FROM releases");
    let keys: Vec<(String, String)> = keys
        .fetch_all(&mut fixture.database().await)
        .await
        .expect("the keys");
    for (version, key) in keys {
        let parsed: Version = version.parse().expect("a version");
        assert_eq!(parsed.order_key(), key, "{version}");
    }
}

async fn highest(fixture: &Fixture) -> Value {
    let channels = fixture
        .admin()
        .get("/api/v1/apps/notes/channels")
        .await
        .ok(200);
    channels["items"][0]["version"].clone()
}

#[tokio::test]
async fn a_build_makes_another_version_and_decides_behind_everything_else() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let ascending = [
            "1.0.0-rc.1+9",
            "1.0.0",
            "1.0.0+9",
            "1.0.0+41",
            "1.0.0+a",
            "1.0.1",
        ];
        for version in ["1.0.0+a", "1.0.0", "1.0.0+9", "1.0.0+41"] {
            fixture.published("notes", version).await;
            let bytes = fixture.release("notes", version).await["packages"][0]["size"].clone();
            assert_eq!(bytes, version.len(), "{version} has its own bytes");
        }
        assert_eq!(highest(&fixture).await, "1.0.0+a");
        fixture.published("notes", "1.0.1").await;
        fixture.published("notes", "1.0.0-rc.1+9").await;
        assert_eq!(highest(&fixture).await, "1.0.1");
        assert_eq!(ordered(&fixture).await, ascending);
        let same = fixture.delivery("notes", "1.0+041", "notes.apk", b"other");
        fixture.deliver(&same).await.refused(409, "version_exists");
    }
}

#[tokio::test]
async fn keys_of_an_earlier_version_are_completed_at_a_start() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for version in ["1.0.0+41", "1.1.0-rc.1+7", "1.2.0"] {
            fixture.published("notes", version).await;
        }
        forget_builds(&fixture, &["1.0.0+41", "1.1.0-rc.1+7"]).await;
        let one = fixture.another_instance(slipway_catalog::Settings::default());
        let other = fixture.another_instance(slipway_catalog::Settings::default());
        tokio::join!(one, other);
        keys_are_whole(&fixture).await;
        for version in ["1.0.0", "1.0.0+42", "1.1.0-rc.1"] {
            fixture.published("notes", version).await;
        }
        let ascending = [
            "1.0.0",
            "1.0.0+41",
            "1.0.0+42",
            "1.1.0-rc.1",
            "1.1.0-rc.1+7",
            "1.2.0",
        ];
        assert_eq!(ordered(&fixture).await, ascending);
        let other = fixture.delivery("notes", "1.0.0+41", "notes.apk", b"other");
        fixture.deliver(&other).await.refused(409, "version_exists");
    }
}

/// What a catalog of an earlier version writes while this one runs.
#[tokio::test]
async fn a_row_that_an_earlier_version_writes_beside_us_is_completed_when_it_is_met() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for version in ["1.0.0+41", "1.0.0+42"] {
            fixture.published("notes", version).await;
        }
        let met: [(&str, &str); 4] = [
            ("GET", "/api/v1/apps/notes/releases/1.0.0+42"),
            ("GET", "/api/v1/apps/notes/channels"),
            ("PUT", "/api/v1/apps/notes/channels/beta"),
            ("POST", "/api/v1/apps/notes/releases"),
        ];
        for (method, path) in met {
            forget_builds(&fixture, &["1.0.0+42"]).await;
            let admin = fixture.admin();
            match method {
                "GET" => admin.get(path).await.ok(200),
                "PUT" => admin
                    .put(path, json!({"version": "1.0.0+42"}))
                    .await
                    .ok(200),
                _ => fixture.published("notes", "1.0.0").await,
            };
            keys_are_whole(&fixture).await;
        }
        assert_eq!(ordered(&fixture).await, ["1.0.0", "1.0.0+41", "1.0.0+42"]);
        assert_eq!(highest(&fixture).await, "1.0.0+42");
    }
}

/// A catalog of an earlier version looks for `1.0.0+41` under the key of `1.0.0`, and does not find it.
#[tokio::test]
async fn an_earlier_version_beside_us_makes_no_version_twice() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0.0+41").await;
        let version: Version = "1.0.0+41".parse().expect("a version");
        let made = |spelling: &'static str| {
            query(
                "INSERT INTO releases (id, app, version, version_key, state, created_at, seq)
                 VALUES ($1, 'notes', $1, $2, 'draft', 1, 0) ON CONFLICT (app, version_key) DO NOTHING",
            )
            .bind(spelling)
            .bind(version.precedence_key())
        };
        let mut database = fixture.database().await;
        let twice = made("1.0.0+41").execute(&mut database).await;
        let error = twice.expect_err("a second release of the version");
        let error = error.as_database_error().expect("the database refuses it");
        assert!(error.is_unique_violation(), "{error}");
        // In another spelling it is made, and stands in nobody's way.
        made("1.0+41")
            .execute(&mut database)
            .await
            .expect("a draft");
        fixture.published("notes", "1.0.0").await;
        assert_eq!(
            fixture.release("notes", "1.0+41").await["version"],
            "1.0.0+41"
        );
        assert_eq!(highest(&fixture).await, "1.0.0+41");
    }
}

#[tokio::test]
async fn a_version_is_found_with_a_v_and_a_lost_plus_is_told() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "v1.0.0+41").await;
        for named in ["1.0.0+41", "v1.0.0+41", "V1.0+41", "1.0.0%2B41"] {
            let release = fixture.release("notes", named).await;
            assert_eq!(release["version"], "1.0.0+41", "{named}");
        }
        let lost = "/api/v1/apps/notes/releases/1.0.0%2041";
        let words = fixture
            .admin()
            .get(lost)
            .await
            .refused(422, "version_invalid");
        assert!(words.contains("%2B"), "{words}");
        let words = fixture
            .publish("notes", "1.0.0 41")
            .await
            .refused(422, "version_invalid");
        assert!(words.contains("%2B"), "{words}");
    }
}
