//! The change feed and those who follow it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slipway_contract::feed::{Page, Row};
use slipway_testkit::database::engines;
use sqlx::{Connection as _, query};

use crate::fixture::{DOWNLOAD, Fixture, UPLOAD};

/// What a follower is told.
async fn page(fixture: &Fixture, epoch: &str, after: i64, wait: u64) -> Page {
    page_of("upload", fixture, epoch, after, wait).await
}

async fn page_of(caller: &str, fixture: &Fixture, epoch: &str, after: i64, wait: u64) -> Page {
    let path =
        format!("/internal/changes?epoch={epoch}&after={after}&wait={wait}&follower={UPLOAD}");
    let page = fixture.catalog.internal(caller, &path).await.ok(200);
    serde_json::from_value(page).expect("a page of the feed")
}

fn idle() -> slipway_catalog::Settings {
    slipway_catalog::Settings::default()
}

/// Settings under which no answer waits for followers.
fn hasty() -> slipway_catalog::Settings {
    let mut settings = slipway_catalog::Settings::default();
    settings.publishing.follower_wait_millis = 0;
    settings
}

#[tokio::test]
async fn changes_come_in_the_order_of_their_commits_and_once_each() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("paint").await;
        fixture.published("notes", "1.0").await;
        fixture.client(&["read"], None).await;
        let all = page_of("download", &fixture, "", 0, 0).await;
        let numbers: Vec<_> = all.changes.iter().map(|change| change.seq).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&all.head));
        let rows = serde_json::to_value(&all.changes).expect("JSON");
        let kinds: Vec<_> = rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| &row["type"])
            .collect();
        // The number of the package comes before that of its app, which carries the head for those that know no packages.
        assert_eq!(kinds, ["token", "app", "app", "release", "token"]);
        assert_eq!(
            rows[2]["public_key"],
            fixture.key("notes").await["public_key"]
        );
        assert_eq!(rows[3]["packages"][0]["facts"]["version_code"], 7);

        let since = page_of("download", &fixture, &all.epoch, all.head - 1, 0).await;
        assert_eq!(since.changes.len(), 1);
        let nothing = page_of("download", &fixture, &all.epoch, all.head, 0).await;
        assert_eq!((nothing.head, nothing.changes.len()), (all.head, 0));
    }
}

#[tokio::test]
async fn a_package_of_a_draft_is_uploads_business_alone() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let before = page(&fixture, "", 0, 0).await;
        let id = fixture.draft("notes", "1.0", b"one").await;
        let told = page(&fixture, &before.epoch, before.head, 0).await;
        let [package, app] = &told.changes[..] else {
            panic!("not two changes: {told:?}");
        };
        let Row::Package(row) = &package.row else {
            panic!("no package: {package:?}");
        };
        assert_eq!((&*row.id, &*row.app, row.gone), (&*id, "notes", false));
        // Whoever is not told of packages reaches the head all the same.
        let others = page_of("download", &fixture, &before.epoch, before.head, 0).await;
        assert!(matches!(app.row, Row::App(_)) && app.seq == told.head);
        assert_eq!(others.changes.len(), 1, "{others:?}");
        assert_eq!(others.changes[0].seq, others.head);
    }
}

#[tokio::test]
async fn a_waiting_follower_is_answered_at_the_change() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, hasty()).await;
        let now = page(&fixture, "", 0, 0).await;
        let begun = Instant::now();
        let change = async { fixture.client(&["read"], None).await };
        let (told, _) = tokio::join!(page(&fixture, &now.epoch, now.head, 60), change);
        assert_eq!(told.changes.len(), 1);
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it waited for its time"
        );
    }
}

#[tokio::test]
async fn a_waiting_follower_is_answered_at_another_instances_change() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, hasty()).await;
        let other = fixture.another_instance(hasty()).await;
        let now = page(&fixture, "", 0, 0).await;
        let change = async {
            let path = other.process.data.admin_token();
            let token = std::fs::read_to_string(path).expect("the administrator's token");
            let admin = crate::client::Client::new(other.router.clone()).with_token(token.trim());
            let body = json!({"name": "ci", "scopes": ["read"]});
            admin.post("/api/v1/tokens", body).await.ok(201)
        };
        let (told, made) = tokio::join!(page(&fixture, &now.epoch, now.head, 60), change);
        let told = serde_json::to_value(&told.changes).expect("JSON");
        assert_eq!(told[0]["grant"]["id"], made["id"]);
    }
}

#[tokio::test]
async fn a_waiting_follower_is_answered_when_the_instance_leaves() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, idle()).await;
        let now = page(&fixture, "", 0, 0).await;
        let leaving = async { fixture.catalog.process.closing.cancel() };
        let (told, ()) = tokio::join!(page(&fixture, &now.epoch, now.head, 60), leaving);
        assert_eq!(told.changes.len(), 0);
    }
}

#[tokio::test]
async fn a_follower_of_another_epoch_begins_from_the_start_and_acknowledges_nothing() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, hasty()).await;
        fixture.and_a_follower();
        let all = page(&fixture, "", 0, 0).await;
        let again = page(&fixture, "another", 999, 60).await;
        assert_eq!(again.epoch, all.epoch);
        assert_eq!(again.changes.len(), all.changes.len());
        let pending = pending(&fixture).await;
        assert!(
            pending.contains(&json!(format!("upload/{UPLOAD}"))),
            "{pending:?}"
        );
    }
}

#[tokio::test]
async fn nobody_acknowledges_for_another() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, hasty()).await;
        fixture.and_a_follower();
        let all = page(&fixture, "", 0, 0).await;
        let path = |follower| {
            let (epoch, head) = (&all.epoch, all.head + 1);
            format!("/internal/changes?epoch={epoch}&after={head}&follower={follower}")
        };
        fixture.client(&["read"], None).await;
        fixture
            .catalog
            .internal("download", &path(UPLOAD))
            .await
            .ok(200);
        fixture
            .catalog
            .internal("upload", &path(DOWNLOAD))
            .await
            .ok(200);
        let pending = pending(&fixture).await;
        for follower in [format!("upload/{UPLOAD}"), format!("download/{DOWNLOAD}")] {
            assert!(pending.contains(&json!(follower)), "{pending:?}");
        }
        let answer = fixture.catalog.internal("upload", &path("upload-1")).await;
        answer.refused_inside(400, "query_invalid");
    }
}

#[tokio::test]
async fn asking_for_what_follows_a_change_acknowledges_it() {
    for engine in engines() {
        let mut settings = slipway_catalog::Settings::default();
        settings.publishing.follower_wait_millis = 30_000;
        let fixture = Fixture::with(engine, settings).await;
        fixture.and_a_follower();
        // Every answer waits for this follower, and comes because it asks on.
        let following = async {
            let (mut epoch, mut applied) = (String::new(), 0);
            loop {
                let told = page(&fixture, &epoch, applied, 30).await;
                applied = told.changes.last().map_or(applied, |change| change.seq);
                epoch = told.epoch;
            }
        };
        let begun = Instant::now();
        tokio::select! {
            pending = pending(&fixture) => assert_eq!(pending, Vec::<Value>::new()),
            () = following => {}
        }
        assert!(
            begun.elapsed() < Duration::from_secs(25),
            "it waited for its time"
        );
    }
}

/// Who has not heard of a token's end.
async fn pending(fixture: &Fixture) -> Vec<Value> {
    let body = json!({"name": "ci", "scopes": ["read"]});
    let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().expect("an id"));
    let answer = fixture.admin().delete(&path).await;
    answer.body["pending"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn a_long_state_is_told_in_pages() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, idle()).await;
        let mut database = fixture.database().await;
        let mut transaction = database.begin().await.expect("a transaction");
        for number in 2..=701_i64 {
            query("INSERT INTO tokens (id, hash, name, scopes, created_at, seq) VALUES ($1, $1, 'ci', '[]', 0, $2)")
                .bind(format!("{number:064}"))
                .bind(number)
                .execute(&mut *transaction)
                .await
                .expect("a token");
        }
        query("UPDATE feed SET head = 701")
            .execute(&mut *transaction)
            .await
            .expect("a head");
        transaction.commit().await.expect("committed");

        let first = page(&fixture, "", 0, 0).await;
        assert_eq!(first.head, 701);
        let last = first.changes.last().expect("changes").seq;
        assert!(last < 701, "one page holds everything");
        let second = page(&fixture, &first.epoch, last, 0).await;
        let numbers = first
            .changes
            .iter()
            .chain(&second.changes)
            .map(|change| change.seq);
        assert!(numbers.eq(1..=701));
    }
}

#[tokio::test]
async fn the_epoch_outlives_the_process() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, idle()).await;
        let first = page(&fixture, "", 0, 0).await;
        let other = fixture.another_instance(idle()).await;
        let path = format!("/internal/changes?epoch=&after=0&follower={UPLOAD}");
        let second = other.internal("upload", &path).await.ok(200);
        assert_eq!(second["epoch"], first.epoch);
    }
}

#[tokio::test]
async fn only_the_services_that_keep_a_copy_may_follow() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, idle()).await;
        let path = "/internal/changes?epoch=&after=0";
        for caller in ["signing", "gateway"] {
            let answer = fixture.catalog.internal(caller, path).await;
            answer.refused_inside(403, "caller_not_permitted");
        }
        fixture
            .admin()
            .get(path)
            .await
            .refused_inside(403, "caller_not_permitted");
    }
}
