//! What was released can be deleted, and says so for ever.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::feed::Visibility;
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

const APP: &str = "/api/v1/apps/notes";
const RELEASES: &str = "/api/v1/apps/notes/releases";
const RELEASE: &str = "/api/v1/apps/notes/releases/1.0";

/// What upload is told of packages: id and whether it is gone.
async fn gone(fixture: &Fixture, id: &str) -> Option<bool> {
    let path = "/internal/changes?epoch=&after=0";
    let told = fixture.catalog.internal("upload", path).await.ok(200);
    let mut changes = told["changes"].as_array().expect("changes").iter();
    let row = changes.find(|row| row["type"] == "package" && row["id"] == id)?;
    row["gone"].as_bool()
}

/// Action, subject and reason of every entry of the audit, the newest first.
async fn audit(fixture: &Fixture) -> Vec<(String, String, Value)> {
    let audit = fixture.admin().get("/api/v1/audit?limit=200").await.ok(200);
    let entries = audit["items"].as_array().expect("entries").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    entries
        .map(|entry| {
            let (action, subject) = (text(&entry["action"]), text(&entry["subject"]));
            (action, subject, entry["reason"].clone())
        })
        .collect()
}

#[tokio::test]
async fn a_published_release_is_deleted_and_its_version_stays_taken() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let id = fixture.draft("notes", "1.0", b"one").await;
        fixture.publish("notes", "1.0").await.ok(201);
        let admin = fixture.admin();
        admin.delete(&format!("{RELEASES}/1.0.0")).await.ok(204);

        let release = fixture.release("notes", "1.0").await;
        assert_eq!(release["state"], "deleted");
        assert_eq!(release["packages"], json!([]));
        assert_eq!(release["channels"], json!([]));
        assert_eq!(release["notes"], Value::Null);
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("a tombstone");
        assert_eq!(told.visibility, Visibility::Deleted);
        assert!(told.packages.is_empty() && told.channels.is_empty());
        assert!(told.published_at.is_some(), "whether it was ever public");
        assert_eq!(gone(&fixture, &id).await, Some(true));
        fixture.package(&id, 0).await.refused(410, "package_gone");

        admin.delete(RELEASE).await.ok(204);
        assert_eq!(fixture.release("notes", "1.0").await, release);
        let deletions = audit(&fixture).await;
        let deletions = deletions.iter().filter(|entry| entry.0 == "release.delete");
        assert_eq!(deletions.count(), 1, "the same again changes nothing");

        // Nothing brings it back, in no spelling, and nobody else gets the version.
        for version in ["1.0", "1.0.0"] {
            let mut delivery = fixture.delivery("notes", version, "other.apk", b"two");
            delivery.channel = Some(Word::read("stable"));
            let refused = fixture.deliver(&delivery).await;
            let words = refused.refused(409, "release_deleted");
            assert!(words.contains("higher"), "{words}");
        }
        let body = json!({"version": "1.0", "channel": "stable"});
        let refused = admin.post(RELEASES, body).await;
        refused.refused(409, "release_deleted");
        let because = json!({"reason": "again"});
        for (act, code) in [
            ("yank", "release_not_published"),
            ("unyank", "release_not_yanked"),
            ("retry", "release_not_failed"),
        ] {
            let path = format!("{RELEASE}/{act}");
            admin.post(&path, because.clone()).await.refused(409, code);
        }
        let notes = json!({"notes": "again"});
        admin
            .patch(RELEASE, notes)
            .await
            .refused(409, "release_deleted");
        let channel = format!("{APP}/channels/beta");
        let promote = admin.put(&channel, json!({"version": "1.0"})).await;
        promote.refused(409, "release_not_published");
    }
}

#[tokio::test]
async fn who_may_delete_depends_on_who_is_harmed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("other").await;
        fixture.published("notes", "1.0").await;
        for scopes in [&["read"][..], &["upload"], &["release", "upload"]] {
            let client = fixture.client(scopes, None).await;
            client.delete(RELEASE).await.refused(403, "scope_missing");
        }
        let other = fixture.client(&["admin"], Some("other")).await;
        let refused = other.delete(RELEASE).await;
        refused.refused(403, "token_of_another_app");
        // What was public once stays an administrator's to delete.
        let because = json!({"reason": "broken"});
        let yank = format!("{RELEASE}/yank");
        fixture.admin().post(&yank, because).await.ok(200);
        let releaser = fixture.client(&["release"], None).await;
        let words = releaser.delete(RELEASE).await.refused(403, "scope_missing");
        assert!(words.contains("yank"), "{words}");
        let own = fixture.client(&["admin"], Some("notes")).await;
        own.delete(RELEASE).await.ok(204);
        fixture
            .nobody()
            .delete(RELEASE)
            .await
            .refused(401, "token_missing");
    }
}

#[tokio::test]
async fn a_release_on_its_way_is_deleted_and_goes_nowhere() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.signing_is_away();
        fixture.draft("notes", "1.0", b"one").await;
        let hasty = fixture.uploader().await.with("prefer", "wait=0");
        let body = json!({"version": "1.0", "channel": "stable"});
        hasty.post(RELEASES, body).await.ok(202);
        // It never was public: whoever releases may take it back.
        let releaser = fixture.client(&["release"], None).await;
        releaser.delete(RELEASE).await.ok(204);
        fixture.everybody_is_there();
        fixture.published("notes", "1.1").await;
        assert_eq!(fixture.release("notes", "1.0").await["state"], "deleted");
        assert_eq!(
            fixture.download.told("1.0").last(),
            Some(&Visibility::Deleted)
        );
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("a tombstone");
        assert_eq!(told.published_at, None);
        assert!(
            !fixture
                .download
                .told("1.0")
                .contains(&Visibility::Published)
        );
    }
}

#[tokio::test]
async fn an_app_is_deleted_when_its_slug_is_typed_again() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("other").await;
        fixture.published("notes", "1.0").await;
        let draft = fixture.draft("notes", "2.0", b"two").await;
        let mut alone = fixture.delivery("notes", "3.0", "alone.apk", b"three");
        alone.version = None;
        fixture.deliver(&alone).await.ok(200);
        let admin = fixture.admin();
        for query in ["", "?confirm=", "?confirm=other", "?confirm=Notes"] {
            let refused = admin.delete(&format!("{APP}{query}")).await;
            let words = refused.refused(422, "confirmation_missing");
            assert!(words.contains("?confirm=notes"), "{words}");
        }
        let releaser = fixture.client(&["release"], None).await;
        let path = format!("{APP}?confirm=notes");
        releaser.delete(&path).await.refused(403, "scope_missing");
        assert_eq!(fixture.release("notes", "1.0").await["state"], "published");

        admin.delete(&path).await.ok(204);
        admin.delete(&path).await.ok(204);
        let again = admin.delete(APP).await;
        again.refused(422, "confirmation_missing");
        for id in [&draft, &alone.id] {
            assert_eq!(gone(&fixture, id).await, Some(true));
        }
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("a tombstone");
        assert_eq!(told.visibility, Visibility::Deleted);
        assert!(fixture.download.is_deleted("notes"));

        for path in [APP, RELEASES, RELEASE, "/api/v1/apps/notes/channels"] {
            admin.get(path).await.refused(410, "app_deleted");
        }
        let new = json!({"slug": "notes", "name": "Notes"});
        let refused = admin.post("/api/v1/apps", new).await;
        refused.refused(409, "app_deleted");
        let token = json!({"name": "ci", "scopes": ["read"], "app": "notes"});
        let refused = admin.post("/api/v1/tokens", token).await;
        refused.refused(410, "app_deleted");
        let delivery = fixture.delivery("notes", "4.0", "notes.apk", b"four");
        fixture.deliver(&delivery).await.refused(410, "app_deleted");
        fixture.deliver(&alone).await.refused(410, "app_deleted");
        let name = json!({"name": "Again"});
        admin.patch(APP, name).await.refused(410, "app_deleted");
        let apps = admin.get("/api/v1/apps").await.ok(200);
        assert_eq!(apps["items"].as_array().map(Vec::len), Some(1), "{apps}");
        let deletions = audit(&fixture).await;
        let deletions = deletions.iter().filter(|entry| entry.0 == "app.delete");
        assert_eq!(deletions.count(), 1);
        admin
            .delete("/api/v1/apps/never?confirm=never")
            .await
            .refused(404, "app_unknown");
    }
}

#[tokio::test]
async fn a_channel_is_deleted_when_it_gives_nobody_anything() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        fixture.published("notes", "2.0").await;
        let admin = fixture.admin();
        let beta = format!("{APP}/channels/beta");
        admin.delete(&beta).await.refused(404, "channel_unknown");
        for version in ["1.0", "2.0"] {
            admin.put(&beta, json!({"version": version})).await.ok(200);
        }
        let refused = admin.delete(&beta).await;
        assert_eq!(refused.body["versions"], json!(["1.0", "2.0"]));
        let words = refused.refused(409, "channel_not_empty");
        assert!(words.contains("1.0, 2.0"), "{words}");
        assert!(words.contains("yanked or deleted"), "{words}");
        // Neither a yanked release nor a deleted one is given to anybody.
        let because = json!({"reason": "broken"});
        let yank = format!("{RELEASE}/yank");
        admin.post(&yank, because.clone()).await.ok(200);
        admin.delete(&format!("{RELEASES}/2.0")).await.ok(204);
        let uploader = fixture.client(&["upload"], None).await;
        uploader.delete(&beta).await.refused(403, "scope_missing");
        let releaser = fixture.client(&["release"], None).await;
        releaser.delete(&beta).await.ok(204);
        releaser.delete(&beta).await.ok(204);
        let channels = admin.get(&format!("{APP}/channels")).await.ok(200);
        assert_eq!(
            channels["items"],
            json!([{"channel": "stable", "version": null}])
        );
        let unyank = format!("{RELEASE}/unyank");
        let release = admin.post(&unyank, because).await.ok(200);
        assert_eq!(release["channels"], json!(["stable"]));
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("the feed's word");
        assert_eq!(told.channels, ["stable"].map(Word::read));
    }
}

#[tokio::test]
async fn a_yanked_release_is_put_back_where_it_was() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let before = fixture.published("notes", "1.0").await;
        let (yank, unyank) = (format!("{RELEASE}/yank"), format!("{RELEASE}/unyank"));
        let admin = fixture.admin();
        let because = json!({"reason": "it was sound"});
        admin
            .post(&unyank, because.clone())
            .await
            .refused(409, "release_not_yanked");
        admin
            .post(&yank, json!({"reason": "it loses notes"}))
            .await
            .ok(200);
        admin
            .post(&unyank, json!({"reason": " "}))
            .await
            .refused(422, "reason_missing");
        let reader = fixture.client(&["read", "upload"], None).await;
        let refused = reader.post(&unyank, because.clone()).await;
        refused.refused(403, "scope_missing");
        let keyed = admin.with("idempotency-key", "once");
        for _ in 0..2 {
            let mut release = keyed.post(&unyank, because.clone()).await.ok(200);
            release
                .as_object_mut()
                .expect("a release")
                .remove("pending");
            assert_eq!(release, before, "where it was, since when it was");
        }
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("the feed's word");
        assert_eq!(told.visibility, Visibility::Published);
        assert_eq!(told.reason, None);
        let audit = audit(&fixture).await;
        let entry = |action: &str, reason: &str| {
            let entry = (action.to_owned(), "1.0".to_owned(), json!(reason));
            audit.iter().filter(|other| **other == entry).count()
        };
        assert_eq!(entry("release.unyank", "it was sound"), 1);
        assert_eq!(entry("release.yank", "it loses notes"), 1, "{audit:?}");
    }
}

#[tokio::test]
async fn names_and_notes_are_changed_and_told() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let before = fixture.published("notes", "1.0").await;
        let admin = fixture.admin();
        let release = admin
            .patch(RELEASE, json!({"notes": "Faster."}))
            .await
            .ok(200);
        assert_eq!(release["notes"], "Faster.");
        assert_eq!(release["published_at"], before["published_at"]);
        let told = fixture
            .download
            .release("notes", "1.0")
            .expect("the feed's word");
        assert_eq!(told.notes.as_deref(), Some("Faster."));
        assert_eq!(told.visibility, Visibility::Published);
        for none in [json!(null), json!(" \n")] {
            let release = admin.patch(RELEASE, json!({"notes": none})).await.ok(200);
            assert_eq!(release["notes"], Value::Null);
        }
        fixture.draft("notes", "2.0", b"two").await;
        let draft = format!("{RELEASES}/2.0");
        admin.patch(&draft, json!({"notes": "Soon."})).await.ok(200);
        let told = fixture.download.release("notes", "2.0");
        assert!(told.is_none(), "drafts are nobody's");
        for (body, status, code) in [
            (json!({}), 422, "change_missing"),
            (json!({"version": "3"}), 400, "parameter_unknown"),
            (json!({"notes": "a\u{202e}b"}), 422, "text_refused"),
            (json!({"notes": "n".repeat(65_537)}), 422, "notes_too_long"),
        ] {
            admin.patch(RELEASE, body).await.refused(status, code);
        }
        let uploader = fixture.client(&["upload"], None).await;
        let refused = uploader.patch(RELEASE, json!({"notes": "x"})).await;
        refused.refused(403, "scope_missing");

        let app = admin.patch(APP, json!({"name": "My notes"})).await.ok(200);
        assert_eq!(app["name"], "My notes");
        assert_eq!(admin.get(APP).await.ok(200), app);
        for (body, status, code) in [
            (json!({}), 422, "change_missing"),
            (json!({"name": ""}), 422, "name_refused"),
            (json!({"slug": "other"}), 400, "parameter_unknown"),
        ] {
            admin.patch(APP, body).await.refused(status, code);
        }
        let releaser = fixture.client(&["release"], None).await;
        let refused = releaser.patch(APP, json!({"name": "x"})).await;
        refused.refused(403, "scope_missing");
        let done = audit(&fixture).await;
        let count = |action: &str| done.iter().filter(|entry| entry.0 == action).count();
        assert_eq!((count("app.edit"), count("release.edit")), (1, 3));
    }
}

#[tokio::test]
async fn notes_that_were_changed_are_what_a_draft_is_published_with() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let admin = fixture.admin();
        let uploader = fixture.uploader().await;
        for (version, changed) in [("1.0", json!("Decided.")), ("2.0", json!(null))] {
            let mut delivery = fixture.delivery("notes", version, "notes.apk", b"one");
            delivery.channel = None;
            delivery.notes = Some("Came with it.".to_owned());
            fixture.deliver(&delivery).await.ok(200);
            let draft = format!("{RELEASES}/{version}");
            admin.patch(&draft, json!({"notes": changed})).await.ok(200);
            let body = json!({"version": version, "channel": "stable"});
            let release = uploader.post(RELEASES, body).await.ok(201);
            assert_eq!(release["notes"], changed);
        }
        // What holds nothing is none wherever it is said.
        fixture.draft("notes", "3.0", b"three").await;
        let body = json!({"version": "3.0", "channel": "stable", "notes": " \n"});
        let release = uploader.post(RELEASES, body).await.ok(201);
        assert_eq!(release["notes"], Value::Null);
    }
}

#[tokio::test]
async fn lists_are_searched() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let admin = fixture.admin();
        for (slug, name) in [
            ("notes", "Élan 50%"),
            ("maps", "Maps_of"),
            ("other", "Third"),
        ] {
            let app = json!({"slug": slug, "name": name});
            admin.post("/api/v1/apps", app).await.ok(201);
        }
        let found = |answer: Value, member: &'static str| -> Vec<String> {
            let items = answer["items"].as_array().expect("a list").iter();
            let text = |item: &Value| item[member].as_str().expect("a text").to_owned();
            items.map(text).collect()
        };
        for (q, slugs) in [
            ("", vec!["maps", "notes", "other"]),
            ("MAP", vec!["maps"]),
            ("%C3%89lan", vec!["notes"]),
            ("50%25", vec!["notes"]),
            ("5%25%25", vec![]),
            ("s_", vec!["maps"]),
            ("o", vec!["maps", "notes", "other"]),
        ] {
            let answer = admin.get(&format!("/api/v1/apps?q={q}")).await.ok(200);
            assert_eq!(found(answer, "slug"), slugs, "{q}");
        }
        fixture.published("notes", "1.0").await;
        fixture.published("notes", "2.0").await;
        fixture.draft("notes", "3.0-Rc.1", b"three").await;
        admin
            .patch(RELEASE, json!({"notes": "Dark mode"}))
            .await
            .ok(200);
        admin.delete(&format!("{RELEASES}/2.0")).await.ok(204);
        for (query, versions) in [
            ("", vec!["3.0-Rc.1", "2.0", "1.0"]),
            ("?state=published", vec!["1.0"]),
            ("?state=draft", vec!["3.0-Rc.1"]),
            ("?state=deleted", vec!["2.0"]),
            ("?channel=stable", vec!["1.0"]),
            ("?channel=none", vec![]),
            ("?q=dark", vec!["1.0"]),
            ("?q=RC", vec!["3.0-Rc.1"]),
            ("?q=notes.APK&state=draft", vec!["3.0-Rc.1"]),
            ("?limit=1&q=0", vec!["3.0-Rc.1"]),
        ] {
            let answer = admin.get(&format!("{RELEASES}{query}")).await.ok(200);
            assert_eq!(found(answer, "version"), versions, "{query}");
        }
        let refused = admin.get(&format!("{RELEASES}?state=ready")).await;
        let words = refused.refused(400, "state_unknown");
        assert!(words.contains("published"), "{words}");
    }
}
