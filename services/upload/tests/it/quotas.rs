//! What an app may hold.

use axum::body::Body;
use http::StatusCode;
use serde_json::json;
use slipway_contract::quota::Quota;
use slipway_testkit::database::{Engine, engines};

use crate::catalog::DIGEST;
use crate::fixture::{Answer, Fixture, until};
use crate::sweeping::digest;

/// A fixture whose app `notes` has these limits, as it knows.
async fn limited(engine: Engine, quota: Quota) -> Fixture {
    let fixture = Fixture::new(engine).await;
    limit(&fixture, quota).await;
    fixture
}

async fn limit(fixture: &Fixture, quota: Quota) {
    fixture.catalog.limit_app("notes", quota);
    let seq = fixture.catalog.deliveries().len();
    until("the limits are known", async || {
        let known =
            sqlx::query_scalar::<_, String>("SELECT quota FROM copy_apps WHERE slug = 'notes'");
        let known = known.fetch_one(&mut fixture.database().await).await;
        // None was said yet where it is empty.
        let known = Some(known.expect("a row")).filter(|known| !known.is_empty());
        let known = known.map(|known| serde_json::from_str(&known).expect("a quota"));
        known.unwrap_or_else(Quota::default) == quota
    })
    .await;
    assert_eq!(fixture.catalog.deliveries().len(), seq);
}

fn bytes(limit: i64) -> Quota {
    Quota {
        bytes: Some(limit),
        ..Quota::default()
    }
}

#[track_caller]
fn exceeded(answer: &Answer, what: &str) {
    assert_eq!(answer.verdict(), (403, "quota_exceeded"), "{answer:?}");
    assert_eq!(answer.body["quota"], what);
}

async fn begin(fixture: &Fixture, length: u64) -> Answer {
    let request = fixture
        .request("POST", "/api/v1/apps/notes/uploads")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", length.to_string())
        .header("upload-metadata", "filename bm90ZXMuYmlu");
    fixture
        .instance
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

#[tokio::test]
async fn bytes_beyond_the_limit_are_refused_before_they_come_and_a_retry_is_not() {
    for engine in engines() {
        let fixture = limited(engine, bytes(10)).await;
        let stored = fixture.put("one.bin?version=1.0", "12345678").await;
        assert_eq!(stored.status, StatusCode::CREATED, "{stored:?}");
        let refused = fixture.put("two.bin?version=1.0", "123").await;
        exceeded(&refused, "bytes");
        let members = (&refused.body["limit"], &refused.body["used"]);
        assert_eq!(members, (&json!(10), &json!(8)));
        let words = refused.body["detail"].as_str().expect("words");
        assert!(words.contains("/api/v1/storage"), "{words}");
        exceeded(&begin(&fixture, 3).await, "bytes");
        assert!(fixture.staged().is_empty(), "nothing was begun");

        let again = fixture.put("one.bin?version=1.0", "12345678").await;
        assert_eq!(again.status, StatusCode::OK, "{again:?}");
        // Equal bytes cost nothing; others of the same size are told apart when they have come.
        let same = fixture.put("same.bin?version=2.0", "12345678").await;
        assert_eq!(same.status, StatusCode::CREATED, "{same:?}");
        let other = fixture.put("other.bin?version=2.0", "87654321").await;
        exceeded(&other, "bytes");
        let deliveries = fixture.catalog.deliveries();
        assert!(
            deliveries
                .iter()
                .all(|delivery| delivery.file.filename.as_str() != "other.bin")
        );

        // What others have begun is no room; what is deleted is.
        let begun = begin(&fixture, 2).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
        exceeded(&fixture.put("two.bin?version=1.0", "1").await, "bytes");
        for stored in [&stored, &same] {
            let id = stored.body["package"]["id"].as_str().expect("an id");
            fixture.catalog.tell_package(id, &digest("12345678"), true);
        }
        until("there is room", async || {
            let answer = fixture.put("two.bin?version=1.0", "1").await;
            answer.status.is_success()
        })
        .await;
    }
}

#[tokio::test]
async fn two_at_once_do_not_pass_the_limit_together() {
    for engine in engines() {
        let fixture = limited(engine, bytes(10)).await;
        let puts = ["a", "b", "c", "d"].map(|name| {
            let body = name.repeat(6);
            let fixture = &fixture;
            async move { fixture.put(&format!("{name}.bin?version=1.0"), body).await }
        });
        let answers = futures_util::future::join_all(puts).await;
        let stored = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::CREATED);
        assert_eq!(stored.count(), 1, "{answers:?}");
        for answer in answers
            .iter()
            .filter(|answer| answer.status != StatusCode::CREATED)
        {
            exceeded(answer, "bytes");
        }
        assert!(fixture.staged().is_empty());
    }
}

#[tokio::test]
async fn drafts_and_releases_are_counted_by_version() {
    for engine in engines() {
        let quota = Quota {
            releases: Some(1),
            drafts: Some(1),
            bytes: None,
        };
        let fixture = limited(engine, quota).await;
        let made = fixture.put("one.bin?version=1.0", "one").await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        // Another file of the same draft, or other bytes in it, make none.
        for (name, content) in [("two.bin", "two"), ("one.bin", "other")] {
            let answer = fixture.put(&format!("{name}?version=1.0.0"), content).await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
        exceeded(&fixture.put("one.bin?version=2.0", "one").await, "drafts");
        let alone = fixture.put("alone.bin", "alone").await;
        assert_eq!(alone.status, StatusCode::CREATED, "{alone:?}");

        fixture
            .catalog
            .add_release("notes", "3.0", &[("x.bin", DIGEST)]);
        until("the release is known", async || {
            let answer = fixture.put("y.bin?version=3.0", "y").await;
            answer.verdict() == (409, "release_published")
        })
        .await;
        let released = fixture
            .put("one.bin?version=4.0&channel=stable", "four")
            .await;
        exceeded(&released, "releases");
        // The version that is read out of the bytes is known only when they have come: the row is refused then.
        fixture.catalog.delete_release("notes", "3.0");
        until("there is room", async || {
            let answer = fixture
                .put("one.bin?version=4.0&channel=stable", "four")
                .await;
            answer.status == StatusCode::CREATED
        })
        .await;
    }
}

#[tokio::test]
async fn a_limit_that_is_lowered_takes_nothing_away() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let stored = fixture.put("one.bin?version=1.0", "12345678").await;
        assert_eq!(stored.status, StatusCode::CREATED, "{stored:?}");
        limit(&fixture, bytes(5)).await;
        let again = fixture.put("one.bin?version=1.0", "12345678").await;
        assert_eq!(again.status, StatusCode::OK, "{again:?}");
        exceeded(&fixture.put("two.bin?version=1.0", "1").await, "bytes");
        limit(&fixture, Quota::default()).await;
        let answer = fixture.put("two.bin?version=1.0", "1").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}

#[tokio::test]
async fn how_full_the_store_is_is_told() {
    for engine in engines() {
        let fixture = Fixture::with(engine, |settings| {
            settings.store.warn_bytes = u64::MAX / 4;
        })
        .await;
        fixture.put("one.bin?version=1.0", "12345678").await;
        assert_eq!(fixture.instance.reading("storage_near_reserve").await, 1);
        assert_eq!(
            fixture.instance.reading("storage_reserve_bytes").await,
            256 << 20
        );
        assert!(fixture.instance.reading("storage_free_bytes").await > 0);
        let told = fixture.internal("/internal/storage").await;
        assert_eq!(
            (&told["deleted_bytes"], &told["trash_bytes"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(told["disk"]["near_reserve"], true);
        let ids = fixture.catalog.deliveries();
        let id = &ids.first().expect("a delivery").id;
        fixture.catalog.tell_package(id, &digest("12345678"), true);
        // Its bytes and the list of their blocks.
        until("it is told as deleted", async || {
            let told = fixture.internal("/internal/storage").await;
            told["deleted_bytes"] == 8 + 32
        })
        .await;
    }
}
