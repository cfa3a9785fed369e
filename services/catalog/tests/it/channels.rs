//! Channels and promotion.

use serde_json::json;
use slipway_contract::Word;
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_promotion_needs_no_new_signature() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let release = fixture.published("notes", "1.0").await;
        let signatures = |fixture: &Fixture| {
            let told = fixture
                .download
                .release("notes", "1.0")
                .expect("the feed's word");
            told.packages
                .into_iter()
                .map(|package| package.signature)
                .collect::<Vec<_>>()
        };
        let (before, calls) = (signatures(&fixture), fixture.signing.calls());
        let path = "/api/v1/apps/notes/channels/beta";
        let promoted = fixture
            .admin()
            .put(path, json!({"version": "1.0.0"}))
            .await
            .ok(200);
        assert_eq!(promoted, json!({"channel": "beta", "version": "1.0"}));
        let after = fixture.release("notes", "1.0").await;
        assert_eq!(after["channels"], json!(["beta", "stable"]));
        assert_eq!(after["published_at"], release["published_at"]);
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("the feed's word");
        assert_eq!(
            told.channels,
            ["beta", "stable"].map(Word::read),
            "the answer waited for the follower"
        );
        assert_eq!(
            (signatures(&fixture), fixture.signing.calls()),
            (before, calls)
        );
    }
}

#[tokio::test]
async fn a_channel_shows_its_highest_published_version() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        for version in ["1.9", "1.10", "1.10-beta.2"] {
            fixture.published("notes", version).await;
        }
        let promote = "/api/v1/apps/notes/channels/beta";
        fixture
            .admin()
            .put(promote, json!({"version": "1.9"}))
            .await
            .ok(200);
        let channels = fixture
            .admin()
            .get("/api/v1/apps/notes/channels")
            .await
            .ok(200);
        let expected = json!([
            {"channel": "beta", "version": "1.9"},
            {"channel": "stable", "version": "1.10"},
        ]);
        assert_eq!(channels["items"], expected);
        let yank = "/api/v1/apps/notes/releases/1.10/yank";
        fixture
            .admin()
            .post(yank, json!({"reason": "broken"}))
            .await
            .ok(200);
        let channels = fixture
            .admin()
            .get("/api/v1/apps/notes/channels")
            .await
            .ok(200);
        assert_eq!(channels["items"][1]["version"], "1.10-beta.2");
    }
}

#[tokio::test]
async fn only_what_is_published_is_promoted() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let promote = "/api/v1/apps/notes/channels/beta";
        let answer = fixture
            .admin()
            .put(promote, json!({"version": "1.0"}))
            .await;
        answer.refused(409, "release_not_published");
    }
}

#[tokio::test]
async fn a_release_joins_the_channel_of_a_later_delivery() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"1.0");
        delivery.channel = Some(Word::read("beta"));
        let uploaded = fixture.deliver(&delivery).await.ok(200);
        assert_eq!(uploaded["release"]["channels"], json!(["beta", "stable"]));
        assert_eq!(uploaded["release"]["state"], "published");
    }
}
