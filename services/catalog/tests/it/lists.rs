//! Lists and their pages.

use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::client::Client;
use crate::fixture::Fixture;

/// The values of `member` over all pages of two.
async fn pages(client: &Client, path: &str, member: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("{path}?limit=2&cursor={cursor}"))
            .await
            .ok(200);
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= 2, "{page}");
        found.extend(
            items
                .iter()
                .map(|item| item[member].as_str().expect("text").to_owned()),
        );
        match &page["next"] {
            Value::String(next) => cursor.clone_from(next),
            _ => return found,
        }
    }
}

#[tokio::test]
async fn every_list_comes_in_pages_that_miss_and_repeat_nothing() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let admin = fixture.admin();
        let slugs = ["a", "b", "c", "d", "e"];
        for slug in slugs {
            fixture.app(slug).await;
            fixture
                .draft("a", &format!("1.{}", slug.as_bytes()[0]), b"one")
                .await;
            fixture.client(&["read"], None).await;
        }
        assert_eq!(pages(&admin, "/api/v1/apps", "slug").await, slugs);
        let versions = pages(&admin, "/api/v1/apps/a/releases", "version").await;
        assert_eq!(
            versions,
            ["1.101", "1.100", "1.99", "1.98", "1.97"],
            "the newest first"
        );
        let tokens = pages(&admin, "/api/v1/tokens", "id").await;
        assert_eq!(
            tokens.len(),
            7,
            "with those of the administrator and of upload"
        );
        assert!(tokens.is_sorted_by(|one, next| one < next));
        let audit = pages(&admin, "/api/v1/audit", "id").await;
        assert_eq!(audit.len(), 15);
        assert!(audit.is_sorted_by(|one, next| one > next));
    }
}

#[tokio::test]
async fn a_limit_is_kept_within_reason() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for slug in ["a", "b"] {
            fixture.app(slug).await;
        }
        for (limit, expected) in [("0", 1), ("-1", 1), ("1", 1), ("100000", 2)] {
            let apps = fixture
                .admin()
                .get(&format!("/api/v1/apps?limit={limit}"))
                .await
                .ok(200);
            assert_eq!(
                apps["items"].as_array().map(Vec::len),
                Some(expected),
                "{limit}"
            );
        }
    }
}

/// PostgreSQL takes a zero byte in no text, and would answer what nobody can correct.
#[tokio::test]
async fn a_zero_byte_is_named_before_the_database_sees_it() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("a").await;
        fixture.draft("a", "1.0", b"one").await;
        let admin = fixture.admin();
        for path in [
            "/api/v1/apps?q=%00",
            "/api/v1/apps?cursor=%00",
            "/api/v1/apps/a/releases?channel=%00",
            "/api/v1/tokens?cursor=%00",
            "/api/v1/audit?cursor=%00",
            "/api/v1/storage?cursor=a%00b",
        ] {
            let answer = admin.get(path).await;
            answer.refused(400, "query_invalid");
        }
        let token = json!({"name": "ci", "scopes": ["read"], "app": "a\0"});
        let answer = admin.post("/api/v1/tokens", token).await;
        answer.refused(404, "app_unknown");
        let release = json!({"version": "1.0", "channel": "stable", "packages": ["\0"]});
        let answer = admin.post("/api/v1/apps/a/releases", release).await;
        answer.refused(404, "package_unknown");
    }
}

/// Of a later version: it is shown as it is, and neither the list nor the feed ends at it.
#[tokio::test]
async fn a_release_in_an_unknown_state_is_shown_and_served_to_nobody() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        fixture.published("notes", "2.0").await;
        let mut database = fixture.database().await;
        sqlx::query("UPDATE releases SET state = 'resting' WHERE version = '1.0'")
            .execute(&mut database)
            .await
            .expect("a later state");
        let list = fixture
            .admin()
            .get("/api/v1/apps/notes/releases")
            .await
            .ok(200);
        let mut states: Vec<_> = list["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|release| &release["state"])
            .collect();
        states.sort_by_key(ToString::to_string);
        assert_eq!(states, ["published", "resting"]);
        assert_eq!(fixture.release("notes", "1.0").await["state"], "resting");
        let feed = "/internal/changes?epoch=&after=0&more=1";
        let page = fixture.catalog.internal("download", feed).await.ok(200);
        let rows = page["changes"].as_array().expect("rows");
        let rested = rows
            .iter()
            .find(|row| row["version"] == "1.0")
            .expect("the row");
        assert_eq!(rested["visibility"], "hidden");
        fixture.published("notes", "3.0").await;
    }
}

/// Of a later version beside us, whose migrations ran while our connections were open.
#[tokio::test]
async fn a_column_more_breaks_no_statement() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let admin = fixture.admin();
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let lists = [
            "/api/v1/apps/notes/releases",
            "/api/v1/tokens",
            "/api/v1/audit",
        ];
        // As often as there are connections that prepare them.
        for _ in 0..20 {
            for list in lists {
                admin.get(list).await.ok(200);
            }
        }
        let mut database = fixture.database().await;
        for table in ["apps", "audit", "packages", "releases", "tokens"] {
            let sql = format!("ALTER TABLE {table} ADD COLUMN of_a_later_version text");
            let add = sqlx::query(sqlx::AssertSqlSafe(sql));
            add.execute(&mut database).await.expect("a column more");
        }
        for list in lists {
            admin.get(list).await.ok(200);
        }
        fixture.published("notes", "2.0").await;
    }
}
