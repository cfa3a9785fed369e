//! Whose a draft is, what becomes of its packages, and that nothing else gets into a release.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::internal::Delivery;
use slipway_testkit::database::{Engine, engines};
use sqlx::{Executor as _, query_as};
use uuid::Uuid;

use crate::client::{Answer, Client};
use crate::fixture::Fixture;

const RELEASES: &str = "/api/v1/apps/notes/releases";

/// A token beside the uploader's.
struct Other {
    id: String,
    client: Client,
}

impl Other {
    async fn new(fixture: &Fixture, scopes: &[&str]) -> Self {
        let body = json!({"name": "other", "scopes": scopes});
        let made = fixture.admin().post("/api/v1/tokens", body).await.ok(201);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        Self {
            client: fixture.nobody().with_token(&text("token")),
            id: text("id"),
        }
    }

    /// What upload delivers for it.
    fn delivery(&self, fixture: &Fixture, version: &str, filename: &str, bytes: &[u8]) -> Delivery {
        Delivery {
            token_id: self.id.clone(),
            ..fixture.delivery("notes", version, filename, bytes)
        }
    }
}

async fn fixture(engine: Engine) -> Fixture {
    let fixture = Fixture::new(engine).await;
    fixture.app("notes").await;
    fixture
}

fn to_stable(delivery: Delivery) -> Delivery {
    Delivery {
        channel: Some(Word::read("stable")),
        intent: Uuid::now_v7().to_string(),
        ..delivery
    }
}

fn names(release: &Value) -> Vec<&str> {
    let packages = release["packages"].as_array().expect("packages").iter();
    let names = packages.map(|package| package["filename"].as_str().expect("a name"));
    names.collect()
}

/// Whether the feed says that a package is gone; `None` when it does not know it.
async fn is_gone(fixture: &Fixture, id: &str) -> Option<bool> {
    let told = told(fixture).await;
    let changes = told["changes"].as_array().expect("changes");
    let row = changes
        .iter()
        .find(|row| row["type"] == "package" && row["id"] == id)?;
    row["gone"].as_bool()
}

async fn remove(fixture: &Fixture, package: &str, token_id: &str) -> Answer {
    let body = json!({"package": package, "app": "notes", "token_id": token_id, "request_id": Uuid::now_v7()});
    fixture
        .post_inside("upload", "/internal/removals", &body)
        .await
}

/// What upload is told from the beginning.
async fn told(fixture: &Fixture) -> Value {
    let path = "/internal/changes?epoch=&after=0";
    fixture.catalog.internal("upload", path).await.ok(200)
}

#[tokio::test]
async fn packages_of_an_earlier_version_are_told_with_numbers_of_their_own() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.app("paint").await;
        let mut ids = vec![fixture.draft("notes", "1.0", b"one").await];
        fixture.published("paint", "1.0").await;
        ids.push(fixture.draft("paint", "2.0", b"two").await);
        let before = told(&fixture).await;
        // As the version before packages were told has left it.
        let mut database = fixture.database().await;
        for sql in [
            "DROP TABLE package_tokens",
            "DROP TABLE package_rows",
            "DELETE FROM _sqlx_migrations WHERE version = 5",
        ] {
            database.execute(sql).await.expect("an older database");
        }
        fixture
            .another_instance(slipway_catalog::Settings::default())
            .await;

        let told = told(&fixture).await;
        let changes = told["changes"].as_array().expect("changes");
        let numbers: Vec<_> = changes.iter().map(|row| row["seq"].as_i64()).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&told["head"].as_i64()));
        let packages = changes.iter().filter(|row| row["type"] == "package");
        let packages: Vec<_> = packages.collect();
        assert_eq!(packages.len(), 3);
        for row in packages {
            assert!(row["seq"].as_i64() > before["head"].as_i64(), "{row}");
            assert_eq!(row["gone"], false);
        }
        let path = "/internal/changes?epoch=&after=0";
        let others = fixture.catalog.internal("download", path).await.ok(200);
        let last = others["changes"].as_array().and_then(|rows| rows.last());
        assert_eq!(last.expect("a change")["seq"], told["head"]);

        let owners = "SELECT package_id, token_name FROM package_tokens ORDER BY package_id";
        let owners: Vec<(String, String)> = query_as(owners)
            .fetch_all(&mut database)
            .await
            .expect("owners");
        assert_eq!(owners.len(), 3);
        for id in ids {
            assert!(owners.contains(&(id, "uploader".to_owned())), "{owners:?}");
        }
    }
}

#[tokio::test]
async fn what_another_token_slipped_in_is_not_published() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let stranger = Other::new(&fixture, &["upload"]).await;
        let slipped = stranger.delivery(&fixture, "1.0", "evil.apk", b"evil");
        fixture.deliver(&slipped).await.ok(200);
        let mine = to_stable(fixture.delivery("notes", "1.0", "notes.apk", b"one"));
        let uploaded = fixture.deliver(&mine).await.ok(200);
        let refused = &uploaded["refused"];
        assert_eq!(refused["code"], "draft_mixed");
        assert_eq!(refused["status"], 409);
        let listed = json!([
            {"filename": "evil.apk", "sha256": slipped.file.sha256, "platform": "android", "token": "other"},
            {"filename": "notes.apk", "sha256": mine.file.sha256, "platform": "android", "token": "uploader"},
        ]);
        assert_eq!(refused["members"]["files"], listed);
        let words = refused["detail"].as_str().expect("words");
        assert!(
            words.contains("evil.apk (other)") && words.contains(RELEASES),
            "{words}"
        );
        // What was sent is kept, with the reason; the same delivery again says the same.
        let shown = fixture.package(&mine.id, 0).await.ok(200);
        assert_eq!(shown["package"]["state"], "draft");
        assert_eq!(shown["package"]["reason"], words);
        let again = fixture.deliver(&mine).await.ok(200);
        assert_eq!(again["refused"], uploaded["refused"]);

        // By the other way it is refused too.
        let answer = fixture.publish("notes", "1.0").await;
        assert_eq!(answer.body["files"], listed);
        answer.refused(409, "draft_mixed");
        let body = json!({"version": "1.0", "channel": "stable", "files": [{"filename": "notes.apk", "sha256": slipped.file.sha256}]});
        let answer = fixture.uploader().await.post(RELEASES, body).await;
        assert_eq!(answer.body["files"], listed);
        answer.refused(409, "draft_differs");
        let body = json!({"version": "1.0", "channel": "stable", "files": [], "packages": []});
        let answer = fixture.uploader().await.post(RELEASES, body).await;
        answer.refused(400, "choice_ambiguous");
        let body = json!({"version": "1.0", "channel": "stable", "files": []});
        let answer = fixture.uploader().await.post(RELEASES, body).await;
        answer.refused(422, "release_empty");

        // The list without what is not meant is sent back as it came.
        let body = json!({"version": "1.0", "channel": "stable", "files": [listed[1]]});
        let release = fixture.uploader().await.post(RELEASES, body).await.ok(201);
        assert_eq!(names(&release), ["notes.apk"]);
        assert_eq!(release["reason"], Value::Null);
        assert_eq!(fixture.signing.calls(), ["notes 1.0 notes.apk"]);
        let left = fixture.package(&slipped.id, 0).await.ok(200);
        assert_eq!(
            (&left["package"]["state"], left.get("release")),
            (&json!("stored"), None)
        );
        // It does not come back by an intent of its own.
        let back = to_stable(Delivery {
            token_id: mine.token_id.clone(),
            ..slipped
        });
        fixture
            .deliver(&back)
            .await
            .refused(409, "release_published");
    }
}

#[tokio::test]
async fn a_release_is_what_was_named_whoever_put_it_there() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let mut ids = Vec::new();
        for job in ["linux", "macos", "windows"] {
            let token = Other::new(&fixture, &["upload"]).await;
            let delivery = token.delivery(&fixture, "1.0", &format!("{job}.apk"), job.as_bytes());
            fixture.deliver(&delivery).await.ok(200);
            ids.push(delivery.id);
        }
        let releaser = Other::new(&fixture, &["release"]).await;
        let files = fixture.files("notes", "1.0").await;
        let body = json!({"version": "1.0", "channel": "stable", "files": files});
        let release = releaser.client.post(RELEASES, body).await.ok(201);
        assert_eq!(names(&release), ["linux.apk", "macos.apk", "windows.apk"]);

        // By their ids, with one that is on its own, and without one of the draft.
        let mut alone = fixture.delivery("notes", "2.0", "alone.apk", b"alone");
        alone.version = None;
        fixture.deliver(&alone).await.ok(200);
        let first = fixture.delivery("notes", "2.0", "first.apk", b"first");
        let second = fixture.delivery("notes", "2.0", "second.apk", b"second");
        for delivery in [&first, &second] {
            fixture.deliver(delivery).await.ok(200);
        }
        let body = json!({"version": "2.0", "channel": "stable", "packages": [alone.id, first.id]});
        let release = releaser.client.post(RELEASES, body).await.ok(201);
        assert_eq!(names(&release), ["alone.apk", "first.apk"]);
        assert_eq!(is_gone(&fixture, &second.id).await, Some(false));
    }
}

#[tokio::test]
async fn a_token_replaces_its_own_file_of_a_draft_and_nobody_elses() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let first = fixture.draft("notes", "1.0", b"one").await;
        let stranger = Other::new(&fixture, &["upload", "release"]).await;
        let theirs = to_stable(stranger.delivery(&fixture, "1.0", "notes.apk", b"evil"));
        let words = fixture
            .deliver(&theirs)
            .await
            .refused(409, "version_exists");
        assert!(words.contains("uploader"), "{words}");
        assert_eq!(
            is_gone(&fixture, &theirs.id).await,
            None,
            "nothing is kept of it"
        );

        let second = fixture.delivery("notes", "1.0", "notes.apk", b"two");
        let uploaded = fixture.deliver(&second).await.ok(200);
        assert_eq!(uploaded["package"]["id"], second.id);
        assert_eq!(is_gone(&fixture, &first).await, Some(true));
        assert_eq!(is_gone(&fixture, &second.id).await, Some(false));
        fixture
            .package(&first, 0)
            .await
            .refused(410, "package_gone");
        let files = fixture.files("notes", "1.0").await;
        assert_eq!(
            files,
            json!([{"filename": "notes.apk", "sha256": second.file.sha256}])
        );

        // What two have sent is neither's to replace, and it is whole for both to publish.
        let same = stranger.delivery(&fixture, "1.0", "notes.apk", b"two");
        assert_eq!(
            fixture.deliver(&same).await.ok(200)["package"]["id"],
            second.id
        );
        let third = fixture.delivery("notes", "1.0", "notes.apk", b"three");
        fixture.deliver(&third).await.refused(409, "version_exists");
        let published = to_stable(Delivery {
            id: Uuid::now_v7().to_string(),
            ..same
        });
        let uploaded = fixture.deliver(&published).await.ok(200);
        assert_eq!(uploaded.get("refused"), None);
        let uploaded = fixture.package(&second.id, 30).await.ok(200);
        assert_eq!(uploaded["release"]["state"], "published");
    }
}

#[tokio::test]
async fn what_was_replaced_on_its_way_does_not_come_after() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let first = to_stable(fixture.delivery("notes", "1.0", "notes.apk", b"one"));
        let second = Delivery {
            replaces: vec![first.id.clone()],
            ..fixture.delivery("notes", "1.0", "notes.apk", b"two")
        };
        fixture.deliver(&second).await.ok(200);
        fixture.deliver(&first).await.refused(410, "package_gone");
        assert_eq!(fixture.release("notes", "1.0").await["state"], "draft");
        assert_eq!(
            fixture.files("notes", "1.0").await[0]["sha256"],
            second.file.sha256.as_hex()
        );
        // Naming another's package takes nothing from it.
        let third = Delivery {
            replaces: vec![second.id.clone()],
            ..fixture.delivery("notes", "2.0", "notes.apk", b"three")
        };
        fixture.deliver(&third).await.ok(200);
        assert_eq!(is_gone(&fixture, &second.id).await, Some(false));
    }
}

#[tokio::test]
async fn a_replacement_never_gets_into_what_is_being_signed() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        for round in 0..10 {
            let version = format!("1.{round}");
            fixture.draft("notes", &version, b"one").await;
            let other = fixture.delivery("notes", &version, "notes.apk", b"two");
            let (replaced, published) =
                tokio::join!(fixture.deliver(&other), fixture.publish("notes", &version));
            let release = published.ok(201);
            let sha256 = &release["packages"][0]["sha256"];
            let took = replaced.status == 200;
            if !took {
                replaced.refused(409, "version_exists");
            }
            assert_eq!(*sha256 == other.file.sha256.as_hex(), took);
            let told = fixture
                .download
                .release("notes", &version)
                .expect("the feed's word");
            assert_eq!(told.packages.len(), 1);
            assert_eq!(told.packages[0].file.sha256.as_hex(), *sha256);
        }
    }
}

#[tokio::test]
async fn a_draft_is_deleted_and_its_version_is_free() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let stranger = Other::new(&fixture, &["upload"]).await;
        let blocking = stranger.delivery(&fixture, "1.0.0", "notes.apk", b"evil");
        fixture.deliver(&blocking).await.ok(200);
        let mine = fixture.delivery("notes", "1.0", "notes.apk", b"one");
        let words = fixture.deliver(&mine).await.refused(409, "version_exists");
        assert!(words.contains("delete"), "{words}");
        let draft = format!("{RELEASES}/1.0");
        let reader = fixture.client(&["read"], None).await;
        reader.delete(&draft).await.refused(403, "scope_missing");
        let someone = fixture.client(&["upload"], None).await;
        someone.delete(&draft).await.refused(403, "scope_missing");
        let releaser = fixture.client(&["release"], None).await;
        releaser.delete(&draft).await.ok(204);
        // In whatever spelling it is said again: nothing else happens.
        for spelling in ["1.0", "1.0.0"] {
            let again = format!("{RELEASES}/{spelling}");
            releaser.delete(&again).await.ok(204);
        }
        let never = format!("{RELEASES}/1.1");
        releaser
            .delete(&never)
            .await
            .refused(404, "release_unknown");
        assert_eq!(is_gone(&fixture, &blocking.id).await, Some(true));
        fixture
            .deliver(&blocking)
            .await
            .refused(410, "package_gone");
        fixture.deliver(&mine).await.ok(200);
        // Whoever put all of it there may delete it, and spell it anew.
        let other = fixture.delivery("notes", "1.0.0", "second.apk", b"two");
        fixture.deliver(&other).await.ok(200);
        assert_eq!(fixture.release("notes", "1.0").await["version"], "1.0.0");
        fixture.uploader().await.delete(&draft).await.ok(204);

        fixture.published("notes", "1.0").await;
        let words = releaser.delete(&draft).await.refused(403, "scope_missing");
        assert!(words.contains("yank"), "{words}");
        let audit = fixture.admin().get("/api/v1/audit?limit=200").await.ok(200);
        let items = audit["items"].as_array().expect("entries").iter();
        let deletions = items.filter(|entry| entry["action"] == "release.delete");
        assert_eq!(deletions.count(), 2);
    }
}

#[tokio::test]
async fn a_package_is_deleted_by_who_put_it_there_or_may_release() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let first = fixture.delivery("notes", "1.0", "first.apk", b"first");
        let second = fixture.delivery("notes", "1.0", "second.apk", b"second");
        for delivery in [&first, &second] {
            fixture.deliver(delivery).await.ok(200);
        }
        let stranger = Other::new(&fixture, &["upload"]).await;
        let refused = remove(&fixture, &first.id, &stranger.id).await;
        refused.refused(403, "scope_missing");
        // Two have sent it: one takes itself out.
        let same = stranger.delivery(&fixture, "1.0", "first.apk", b"first");
        fixture.deliver(&same).await.ok(200);
        let removed = remove(&fixture, &first.id, &stranger.id).await.ok(200);
        assert_eq!(removed["gone"], false);
        assert_eq!(is_gone(&fixture, &first.id).await, Some(false));
        for _ in 0..2 {
            let removed = remove(&fixture, &first.id, &first.token_id).await.ok(200);
            assert_eq!(removed["gone"], true);
            assert_eq!(is_gone(&fixture, &first.id).await, Some(true));
        }
        // One that is still on its way is not to come.
        let coming = fixture.delivery("notes", "1.0", "third.apk", b"third");
        let reader = Other::new(&fixture, &["read"]).await;
        let refused = remove(&fixture, &coming.id, &reader.id).await;
        refused.refused(403, "scope_missing");
        assert_eq!(is_gone(&fixture, &coming.id).await, None);
        remove(&fixture, &coming.id, &coming.token_id).await.ok(200);
        fixture.deliver(&coming).await.refused(410, "package_gone");
        let audit = fixture.admin().get("/api/v1/audit?limit=200").await.ok(200);
        let mut items = audit["items"].as_array().expect("a list").iter();
        assert!(
            items.any(|item| item["action"] == "package.delete" && item["subject"] == *coming.id),
            "{audit}"
        );
        // The last one takes the draft with it.
        let releaser = Other::new(&fixture, &["release"]).await;
        remove(&fixture, &second.id, &releaser.id).await.ok(200);
        let draft = fixture.admin().get(&format!("{RELEASES}/1.0")).await;
        draft.refused(404, "release_unknown");

        let release = fixture.published("notes", "1.0").await;
        let id = release["packages"][0]["id"].as_str().expect("an id");
        let refused = remove(&fixture, id, &releaser.id).await;
        refused.refused(409, "release_not_draft");
        fixture.app("paint").await;
        let body =
            json!({"package": id, "app": "paint", "token_id": releaser.id, "request_id": "r"});
        let answer = fixture
            .post_inside("upload", "/internal/removals", &body)
            .await;
        answer.refused(404, "package_unknown");
        fixture
            .admin()
            .delete(&format!("/api/v1/tokens/{}", releaser.id))
            .await
            .ok(204);
        let refused = remove(&fixture, id, &releaser.id).await;
        refused.refused(401, "token_invalid");
    }
}

#[tokio::test]
async fn nobodys_package_is_not_ones_own() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let id = fixture.draft("notes", "1.0", b"one").await;
        let mut database = fixture.database().await;
        database
            .execute("DELETE FROM package_tokens")
            .await
            .expect("a package of which nobody knows");
        fixture
            .publish("notes", "1.0")
            .await
            .refused(409, "draft_mixed");
        let second = fixture.delivery("notes", "1.0", "notes.apk", b"two");
        fixture
            .deliver(&second)
            .await
            .refused(409, "version_exists");
        let uploader = Other::new(&fixture, &["upload"]).await;
        remove(&fixture, &id, &uploader.id)
            .await
            .refused(403, "scope_missing");
        let files = fixture.files("notes", "1.0").await;
        let body = json!({"version": "1.0", "channel": "stable", "files": files});
        fixture.admin().post(RELEASES, body).await.ok(201);
    }
}

#[tokio::test]
async fn an_intent_for_one_version_puts_no_other_in_a_channel() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let one = to_stable(fixture.delivery("notes", "5", "notes.apk", b"one"));
        let draft = Delivery {
            channel: None,
            ..one.clone()
        };
        fixture.deliver(&draft).await.ok(200);
        let kept = fixture.delivery("notes", "5", "kept.apk", b"kept");
        fixture.deliver(&kept).await.ok(200);
        // It leaves its draft, and is released as 6.
        for (version, package) in [("5", &kept.id), ("6", &one.id)] {
            let body = json!({"version": version, "channel": "stable", "packages": [package]});
            fixture.uploader().await.post(RELEASES, body).await.ok(201);
        }
        let beta = Delivery {
            channel: Some(Word::read("beta")),
            ..one.clone()
        };
        fixture.deliver(&beta).await.refused(409, "package_taken");
        let six = fixture.release("notes", "6").await;
        assert_eq!(six["channels"], json!(["stable"]));
        let beta = Delivery {
            version: Some(Word::read("6")),
            ..beta
        };
        for _ in 0..2 {
            fixture.deliver(&beta).await.ok(200);
        }
        let six = fixture.release("notes", "6").await;
        assert_eq!(six["channels"], json!(["beta", "stable"]));
    }
}
