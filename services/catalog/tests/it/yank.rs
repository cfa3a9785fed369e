//! Releases that are taken back.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::feed::Visibility;
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

const YANK: &str = "/api/v1/apps/notes/releases/1.0/yank";

#[tokio::test]
async fn a_published_release_is_yanked_once_and_its_version_stays_taken() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let body = json!({"reason": "It loses notes."});
        let release = fixture.admin().post(YANK, body.clone()).await.ok(200);
        assert_eq!(release["state"], "yanked");
        assert_eq!(release["reason"], "It loses notes.");
        assert!(
            release["yanked_at"]
                .as_str()
                .expect("a time")
                .ends_with('Z')
        );
        assert_eq!(fixture.release("notes", "1.0").await, release);
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("the feed's word");
        assert_eq!(told.visibility, Visibility::Yanked);
        assert_eq!(told.reason.as_deref(), Some("It loses notes."));

        let words = fixture
            .admin()
            .post(YANK, body)
            .await
            .refused(409, "release_not_published");
        assert!(words.contains("yanked"), "{words}");
        let words = fixture
            .publish("notes", "1.0")
            .await
            .refused(409, "release_published");
        assert!(words.contains("releases/1.0/unyank"), "{words}");
        let mut delivery = fixture.delivery("notes", "1.0", "notes.apk", b"1.0");
        delivery.channel = Some(Word::read("stable"));
        let words = fixture
            .deliver(&delivery)
            .await
            .refused(409, "release_published");
        assert!(words.contains("releases/1.0/unyank"), "{words}");
        let channels = fixture
            .admin()
            .get("/api/v1/apps/notes/channels")
            .await
            .ok(200);
        assert_eq!(
            channels["items"],
            json!([{"channel": "stable", "version": null}])
        );
    }
}

#[tokio::test]
async fn a_yank_says_why() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        fixture
            .admin()
            .post(YANK, json!({}))
            .await
            .refused(400, "json_invalid");
        let blank = json!({"reason": "  "});
        fixture
            .admin()
            .post(YANK, blank)
            .await
            .refused(422, "reason_missing");
        let endless = json!({"reason": "n".repeat(65_537)});
        fixture
            .admin()
            .post(YANK, endless)
            .await
            .refused(422, "notes_too_long");
        let release = fixture.release("notes", "1.0").await;
        assert_eq!(
            (&release["state"], &release["yanked_at"]),
            (&json!("published"), &Value::Null)
        );
    }
}

#[tokio::test]
async fn a_draft_is_not_yanked() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.draft("notes", "1.0", b"one").await;
        let answer = fixture
            .admin()
            .post(YANK, json!({"reason": "broken"}))
            .await;
        answer.refused(409, "release_not_published");
    }
}
