//! An older copy of the database, or another one, in the place of the newest.

use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use slipway_catalog::{Settings, start_workers};
use slipway_contract::feed::Page;
use slipway_contract::held::Report;
use slipway_testkit::database::{Engine, engines};
use sqlx::{Connection as _, query, query_scalar};

use crate::client::Answer;
use crate::fixture::{Fixture, Instance, UPLOAD};

/// A fixture in which no answer waits for followers.
async fn fixture(engine: Engine) -> Fixture {
    let mut settings = Settings::default();
    settings.publishing.follower_wait_millis = 0;
    Fixture::idle(engine, settings).await
}

/// Asks as upload's instance does; `more` is the rest of the query.
async fn ask(catalog: &Instance, epoch: &str, after: i64, more: &str) -> Answer {
    let path = format!("/internal/changes?epoch={epoch}&after={after}&follower={UPLOAD}{more}");
    catalog.internal("upload", &path).await
}

async fn page(catalog: &Instance, epoch: &str, after: i64, more: &str) -> Page {
    let page = ask(catalog, epoch, after, more).await.ok(200);
    serde_json::from_value(page).expect("a page of the feed")
}

/// What a follower sends back of a page that it has applied.
fn marked(page: &Page) -> String {
    format!("&head={}&mark={}", page.head, page.mark)
}

/// The number of starts and the head: what an older copy is taken of.
async fn moment(fixture: &Fixture) -> (i64, i64) {
    let mut database = fixture.database().await;
    let starts = query_scalar("SELECT count(*) FROM starts")
        .fetch_one(&mut database)
        .await
        .expect("a number");
    let head = query_scalar("SELECT head FROM feed")
        .fetch_one(&mut database)
        .await
        .expect("a number");
    (starts, head)
}

/// Makes the database what it was at `moment`, as far as tokens go, and starts a catalog over it.
async fn put_back(fixture: &Fixture, (starts, head): (i64, i64)) -> Instance {
    let mut database = fixture.database().await;
    let mut transaction = database.begin().await.expect("a transaction");
    for (sql, value) in [
        ("DELETE FROM tokens WHERE seq > $1", head),
        ("DELETE FROM starts WHERE number > $1", starts),
        ("UPDATE feed SET head = $1", head),
    ] {
        query(sql)
            .bind(value)
            .execute(&mut *transaction)
            .await
            .expect("an older copy");
    }
    transaction.commit().await.expect("committed");
    fixture.another_instance(Settings::default()).await
}

/// A change through the API.
async fn change(fixture: &Fixture) -> Answer {
    let body = json!({"name": "ci", "scopes": ["read"]});
    fixture.admin().post("/api/v1/tokens", body).await
}

async fn accept(fixture: &Fixture, epoch: &str) -> Answer {
    let body = json!({"epoch": epoch});
    fixture.admin().post("/api/v1/restore/accept", body).await
}

#[tokio::test]
async fn a_mark_beyond_the_database_holds_it_and_accepting_ends_that() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        fixture.app("notes").await;
        let older = moment(&fixture).await;
        fixture.client(&["read"], None).await;
        let newest = page(&fixture.catalog, "", 0, "").await;
        let instance = put_back(&fixture, older).await;

        let told = page(&instance, &newest.epoch, newest.head, &marked(&newest)).await;
        assert!(told.held);
        assert_ne!(told.epoch, newest.epoch);
        assert_eq!(
            (told.head, told.changes.len()),
            (older.1, 2),
            "not the whole state"
        );
        let restore = fixture.admin().get("/api/v1/restore").await.ok(200);
        assert_eq!(restore["held"], true);
        assert_eq!(restore["epoch"], told.epoch);

        let words = change(&fixture).await.refused(503, "restore_held");
        assert!(words.contains("slipway accept-restore"), "{words}");
        let delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        let refused = fixture.deliver(&delivery).await;
        assert_eq!(refused.header("retry-after"), Some("30"));
        refused.refused_inside(503, "restore_held");
        fixture.admin().get("/api/v1/apps/notes").await.ok(200);

        // It is told the same to all, by all instances.
        let other = page(&fixture.catalog, "", 0, "").await;
        assert_eq!((&other.epoch, other.held), (&told.epoch, true));

        accept(&fixture, "another")
            .await
            .refused(409, "restore_changed");
        assert_eq!(
            accept(&fixture, &told.epoch).await.ok(200)["epoch"],
            told.epoch
        );
        accept(&fixture, &told.epoch)
            .await
            .refused(409, "restore_not_held");
        let taken = page(
            &fixture.catalog,
            &newest.epoch,
            newest.head,
            &marked(&newest),
        )
        .await;
        assert_eq!((&taken.epoch, taken.held), (&told.epoch, false));
        assert_eq!(taken.replaces, [newest.epoch]);
        change(&fixture).await.ok(201);
        fixture.deliver(&delivery).await.ok(200);
        let audit = fixture.admin().get("/api/v1/audit").await.ok(200);
        let entries = audit["items"].as_array().expect("entries");
        assert!(
            entries
                .iter()
                .any(|entry| entry["action"] == "restore.accept" && entry["subject"] == told.epoch),
            "{audit}"
        );
    }
}

#[tokio::test]
async fn an_older_copy_is_noticed_though_it_has_written_as_much_as_it_lacks() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let older = moment(&fixture).await;
        fixture.client(&["read"], None).await;
        let newest = page(&fixture.catalog, "", 0, "").await;
        let instance = put_back(&fixture, older).await;
        for _ in 0..3 {
            change(&fixture).await.ok(201);
        }
        assert!(moment(&fixture).await.1 > newest.head);
        let told = page(&instance, &newest.epoch, newest.head, &marked(&newest)).await;
        assert!(told.held);
    }
}

#[tokio::test]
async fn a_copy_of_before_a_catalogs_last_start_is_noticed() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let older = moment(&fixture).await;
        fixture.another_instance(Settings::default()).await;
        let newest = page(&fixture.catalog, "", 0, "").await;
        assert_eq!(newest.head, older.1, "nothing was changed");
        let instance = put_back(&fixture, older).await;
        let told = page(&instance, &newest.epoch, newest.head, &marked(&newest)).await;
        assert!(told.held);
    }
}

#[tokio::test]
async fn an_ordinary_restart_holds_nothing() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let mut told = page(&fixture.catalog, "", 0, "").await;
        for _ in 0..3 {
            let instance = fixture.another_instance(Settings::default()).await;
            change(&fixture).await.ok(201);
            let next = page(&instance, &told.epoch, told.head, &marked(&told)).await;
            assert!(!next.held);
            assert_eq!((&next.epoch, next.head), (&told.epoch, told.head + 1));
            told = next;
        }
    }
}

#[tokio::test]
async fn without_a_mark_a_follower_that_is_ahead_changes_nothing() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let all = page(&fixture.catalog, "", 0, "").await;
        let marks = [
            String::new(),
            format!("&head={}&mark={}", all.head + 7, all.mark),
            format!("&head={}&mark=forged.{}", all.head + 7, "00".repeat(32)),
            marked(&all),
        ];
        for mark in marks {
            let ahead = ask(&fixture.catalog, &all.epoch, all.head + 7, &mark).await;
            ahead.refused_inside(400, "mark_invalid");
        }
        let still = page(&fixture.catalog, &all.epoch, all.head, "").await;
        assert_eq!((still.epoch, still.held), (all.epoch, false));
        change(&fixture).await.ok(201);
    }
}

#[tokio::test]
async fn a_copy_that_would_lose_something_holds_the_catalog() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let now = page(&fixture.catalog, "", 0, "").await;
        // Neither a claim against something else nor one of a copy of this epoch is one.
        let other = page(&fixture.catalog, "before", 9, "&held=another").await;
        assert!(!other.held);
        let own = format!("&held={}", now.epoch);
        assert!(
            !page(&fixture.catalog, &now.epoch, now.head, &own)
                .await
                .held
        );
        change(&fixture).await.ok(201);

        let told = page(&fixture.catalog, "before", 9, &own).await;
        assert!(told.held);
        assert_eq!(
            (&told.epoch, told.changes.len()),
            (&now.epoch, 0),
            "it has them"
        );
        change(&fixture).await.refused(503, "restore_held");
        let same = page(&fixture.catalog, &now.epoch, now.head, "").await;
        assert!(same.held, "a follower that has taken it is not told");

        accept(&fixture, &now.epoch).await.ok(200);
        let taken = page(&fixture.catalog, "before", 9, &own).await;
        assert_eq!((&taken.epoch, taken.held), (&now.epoch, false));
        assert_eq!(taken.replaces, ["before"]);
        assert!(!taken.changes.is_empty());
        change(&fixture).await.ok(201);
        // Copies of another epoch were not spoken of.
        let third = page(&fixture.catalog, "third", 9, &own).await;
        assert!(third.held);
    }
}

#[tokio::test]
async fn who_holds_waits_until_the_hold_ends() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let now = page(&fixture.catalog, "", 0, "").await;
        let more = format!("&held={}&wait=60", now.epoch);
        let accepted = async {
            while !page(&fixture.catalog, "", 0, "").await.held {
                tokio::task::yield_now().await;
            }
            accept(&fixture, &now.epoch).await.ok(200);
        };
        let waiting = page(&fixture.catalog, "before", 9, &more);
        let both = async { tokio::join!(waiting, accepted) };
        let (told, ()) = tokio::time::timeout(Duration::from_secs(30), both)
            .await
            .expect("it waited for its time");
        assert_eq!(
            (told.held, &*told.replaces),
            (false, &["before".to_owned()][..])
        );
    }
}

#[tokio::test]
async fn jobs_wait_while_the_catalog_is_held() {
    for engine in engines() {
        let mut settings = Settings::default();
        settings.publishing.follower_wait_millis = 0;
        // Nobody works before it is held: a job that was begun goes on.
        let fixture = Fixture::idle(engine, settings).await;
        fixture.download.follow(&fixture.catalog);
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let hasty = fixture.uploader().await.with("prefer", "wait=0");
        let body = json!({"version": "1.0", "channel": "stable"});
        hasty
            .post("/api/v1/apps/notes/releases", body)
            .await
            .ok(202);
        let now = page(&fixture.catalog, "", 0, "").await;
        let claim = format!("&held={}", now.epoch);
        assert!(page(&fixture.catalog, "before", 9, &claim).await.held);
        start_workers(&fixture.catalog.state);
        // The workers look for jobs at every commit and ten times in a second.
        for _ in 0..30 {
            fixture.release("notes", "1.0").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(fixture.signing.calls().is_empty());
        assert_eq!(fixture.release("notes", "1.0").await["state"], "signing");
        accept(&fixture, &now.epoch).await.ok(200);
        let release = "/api/v1/apps/notes/releases/1.0";
        fixture
            .eventually(release, |release| release["state"] == "published")
            .await;
    }
}

/// Starts what answers for upload, and returns its address.
async fn upload_says(report: Report) -> String {
    let answer = get(move || async move { Json(report) });
    let router = Router::new().route("/internal/held", answer);
    slipway_testkit::peer::serve("upload", router).await
}

#[tokio::test]
async fn a_revocation_is_not_undone_while_the_catalog_is_held() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let (revoked, good) = (
            fixture.client(&["admin"], None).await,
            fixture.client(&["read"], None).await,
        );
        let id = revoked.get("/api/v1/whoami").await.ok(200)["id"].clone();
        let now = page(&fixture.catalog, "", 0, "").await;
        let claim = format!("&held={}", now.epoch);
        assert!(page(&fixture.catalog, "before", 9, &claim).await.held);

        // Nobody can tell who was revoked, so the token of the data folder passes alone.
        for client in [&revoked, &good] {
            client
                .get("/api/v1/whoami")
                .await
                .refused(503, "restore_held");
        }
        let restore = fixture.admin().get("/api/v1/restore").await.ok(200);
        assert_eq!(restore["away"], json!(["upload", "download"]));

        let loss = json!({"app": null, "subject": id, "what": "revocation_lifted"});
        let report = json!({"epoch": now.epoch, "from": "before", "losses": [loss], "count": 1});
        let report = serde_json::from_value(report).expect("a report");
        fixture.and_upload_at(&upload_says(report).await);
        fixture
            .eventually("/api/v1/restore", |restore| {
                restore["away"] == json!(["download"])
            })
            .await;
        let known = async {
            while good.get("/api/v1/whoami").await.status == 503 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), known)
            .await
            .expect("upload is asked again");
        good.get("/api/v1/whoami").await.ok(200);
        revoked
            .get("/api/v1/whoami")
            .await
            .refused(401, "token_invalid");
        let body = json!({"epoch": now.epoch});
        revoked
            .post("/api/v1/restore/accept", body)
            .await
            .refused(401, "token_invalid");
        let restore = fixture.admin().get("/api/v1/restore").await.ok(200);
        assert_eq!(
            (&restore["losses"], &restore["count"]),
            (&json!([loss]), &json!(1))
        );
    }
}

#[tokio::test]
async fn nothing_waits_to_be_accepted_on_an_ordinary_day() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let restore = fixture.admin().get("/api/v1/restore").await.ok(200);
        let nothing =
            json!({"held": false, "epoch": Value::Null, "losses": [], "count": 0, "away": []});
        assert_eq!(restore, nothing);
        let reader = fixture.client(&["read"], None).await;
        reader
            .get("/api/v1/restore")
            .await
            .refused(403, "scope_missing");
        let body = json!({"epoch": "e"});
        let answer = reader.post("/api/v1/restore/accept", body).await;
        answer.refused(403, "scope_missing");
        accept(&fixture, "e").await.refused(409, "restore_not_held");
    }
}
