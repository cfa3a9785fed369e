//! The digest of a list of blocks, for packages that were taken before there were lists.

use serde_json::json;
use slipway_testkit::database::engines;
use sqlx::query_scalar;

use crate::client::Answer;
use crate::fixture::Fixture;

/// Two digests that no bytes have.
const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222222222222222222222222222";

async fn tell(fixture: &Fixture, caller: &str, sha256: &str, blocks: &str) -> Answer {
    let body = json!({"sha256": sha256, "blocks": blocks});
    fixture.post_inside(caller, "/internal/blocks", &body).await
}

async fn blocks_in_feed(fixture: &Fixture, after: i64) -> Vec<Option<String>> {
    let path = format!(
        "/internal/changes?epoch={}&after={after}&wait=0",
        epoch(fixture).await
    );
    let page = fixture.catalog.internal("download", &path).await.ok(200);
    let changes = page["changes"].as_array().expect("changes");
    let packages = changes
        .iter()
        .flat_map(|change| change["packages"].as_array().into_iter().flatten());
    packages
        .map(|package| package["blocks"].as_str().map(str::to_owned))
        .collect()
}

async fn epoch(fixture: &Fixture) -> String {
    let mut database = fixture.database().await;
    let epoch = query_scalar("SELECT epoch FROM feed")
        .fetch_one(&mut database)
        .await;
    epoch.expect("an epoch")
}

async fn head(fixture: &Fixture) -> i64 {
    let mut database = fixture.database().await;
    let head = query_scalar("SELECT head FROM feed")
        .fetch_one(&mut database)
        .await;
    head.expect("a head")
}

#[tokio::test]
async fn a_list_that_comes_later_reaches_every_release_of_these_bytes() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        for app in ["notes", "other"] {
            fixture.app(app).await;
            fixture.published(app, "1.0").await;
        }
        fixture.draft("notes", "2.0", b"1.0").await;
        let before = head(&fixture).await;
        let sha256 = fixture
            .delivery("notes", "3.0", "notes.apk", b"1.0")
            .file
            .sha256
            .as_hex();
        let list = fixture.store.list(&sha256);
        tell(&fixture, "upload", &sha256, &list).await.ok(200);
        let one = Some(list.clone());
        let told = blocks_in_feed(&fixture, before).await;
        assert_eq!(told, [one.clone(), one.clone()]);
        // Again, and nothing moves; the draft has it too and is not in the feed.
        let after = head(&fixture).await;
        tell(&fixture, "upload", &sha256, &list).await.ok(200);
        assert_eq!(head(&fixture).await, after);
        fixture.publish("notes", "2.0").await.ok(201);
        assert_eq!(blocks_in_feed(&fixture, after).await, [one]);
    }
}

#[tokio::test]
async fn a_list_that_is_there_is_never_changed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        let list = fixture.store.list(&delivery.file.sha256.as_hex());
        delivery.blocks = Some(list.parse().expect("a digest"));
        fixture.deliver(&delivery).await.ok(200);
        fixture.publish("notes", "1.0").await.ok(201);
        let before = head(&fixture).await;
        let refused = tell(&fixture, "upload", &delivery.file.sha256.as_hex(), OTHER).await;
        refused.refused_inside(409, "blocks_differ");
        delivery.blocks = Some(OTHER.parse().expect("a digest"));
        let refused = fixture.deliver(&delivery).await;
        refused.refused_inside(409, "blocks_differ");
        assert_eq!(head(&fixture).await, before);
        assert_eq!(blocks_in_feed(&fixture, 0).await, [Some(list)]);

        let refused = tell(&fixture, "upload", OTHER, ONE).await;
        refused.refused_inside(404, "package_unknown");
        let refused = tell(&fixture, "upload", &delivery.file.sha256.as_hex(), "one").await;
        refused.refused_inside(422, "digest_invalid");
        let refused = tell(&fixture, "download", &delivery.file.sha256.as_hex(), ONE).await;
        assert!([401, 403].contains(&refused.status), "{}", refused.status);
    }
}
