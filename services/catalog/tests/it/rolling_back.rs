//! Channels that are rolled back, what is added beside, and what does not come back by itself.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::internal::{Delivery, Heard};
use slipway_testkit::database::{Engine, engines};
use sqlx::query;
use uuid::Uuid;

use crate::client::Answer;
use crate::fixture::Fixture;

const STABLE: &str = "/api/v1/apps/notes/channels/stable";
const BESIDE: &str = "/api/v1/apps/notes/channels/stable/releases";
const RELEASES: &str = "/api/v1/apps/notes/releases";

async fn fixture(engine: Engine, versions: &[&str]) -> Fixture {
    let fixture = Fixture::new(engine).await;
    fixture.app("notes").await;
    for version in versions {
        fixture.published("notes", version).await;
    }
    fixture
}

async fn channels(fixture: &Fixture, version: &str) -> Value {
    fixture.release("notes", version).await["channels"].clone()
}

/// What the channel serves.
async fn newest(fixture: &Fixture) -> Value {
    let path = "/api/v1/apps/notes/channels";
    let channels = fixture.admin().get(path).await.ok(200);
    channels["items"][0]["version"].clone()
}

fn to_stable(delivery: &Delivery) -> Delivery {
    Delivery {
        channel: Some(Word::read("stable")),
        intent: Uuid::now_v7().to_string(),
        ..delivery.clone()
    }
}

fn left_warning(release: &Value) -> &str {
    let warnings = release["warnings"].as_array().expect("warnings");
    let mut warnings = warnings.iter().filter_map(Value::as_str);
    let left = warnings.find(|warning| warning.starts_with("left_channel: "));
    left.unwrap_or_default()
}

#[tokio::test]
async fn what_is_higher_leaves_when_that_is_said() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0", "2.0", "2.1", "0.9"]).await;
        let admin = fixture.admin();
        let answer = admin.put(STABLE, json!({"version": "1.0"})).await;
        let newer = answer.body["newer"].clone();
        let words = answer.refused(409, "channel_newer");
        assert!(
            words.contains("2.1, 2.0") && words.contains("rollback"),
            "{words}"
        );
        assert_eq!(newer, json!(["2.1", "2.0"]));
        assert_eq!(newest(&fixture).await, "2.1");

        let body = json!({"version": "1.0", "rollback": true});
        let keyed = admin.with("idempotency-key", "back".to_owned());
        let rolled = keyed.put(STABLE, body.clone()).await.ok(200);
        let expected = json!({"channel": "stable", "version": "1.0", "left": ["2.1", "2.0"]});
        assert_eq!(rolled, expected);
        assert_eq!(newest(&fixture).await, "1.0");
        for (version, expected) in [("2.1", json!([])), ("0.9", json!(["stable"]))] {
            assert_eq!(channels(&fixture, version).await, expected, "{version}");
            let told = fixture.download.release("notes", version).expect("told");
            assert_eq!(json!(told.channels), expected, "{version}");
        }
        // The addresses stay.
        assert_eq!(fixture.release("notes", "2.1").await["state"], "published");
        // Sent again, it is answered as before, also when the channel has moved on.
        fixture.published("notes", "3.0").await;
        assert_eq!(keyed.put(STABLE, body).await.ok(200), expected);
        assert_eq!(newest(&fixture).await, "3.0");
    }
}

#[tokio::test]
async fn a_backport_joins_and_moves_nothing() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0", "2.0"]).await;
        fixture.draft("notes", "1.0.1", b"1.0.1").await;
        let body = json!({"version": "1.0.1", "channel": "beta"});
        let uploader = fixture.uploader().await;
        uploader.post(RELEASES, body).await.ok(201);
        let added = fixture
            .admin()
            .post(BESIDE, json!({"version": "1.0.1"}))
            .await;
        let expected = json!({"channel": "stable", "version": "2.0", "added": "1.0.1"});
        assert_eq!(added.ok(200), expected);
        assert_eq!(channels(&fixture, "1.0.1").await, json!(["beta", "stable"]));
        let audit = fixture.admin().get("/api/v1/audit").await.ok(200);
        assert_eq!(audit["items"][0]["action"], "channel.add");
    }
}

#[tokio::test]
async fn what_left_comes_back_by_a_word_and_not_by_a_pipeline() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0"]).await;
        let second = to_stable(&fixture.delivery("notes", "2.0", "notes.apk", b"2.0"));
        fixture.deliver(&second).await.ok(200);
        fixture
            .eventually(&format!("{RELEASES}/2.0"), |release| {
                release["state"] == "published"
            })
            .await;
        let admin = fixture.admin();
        let back = json!({"version": "1.0", "rollback": true});
        admin.put(STABLE, back.clone()).await.ok(200);

        let again = fixture.deliver(&to_stable(&second)).await.ok(200);
        let warning = left_warning(&again["release"]);
        assert!(
            warning.starts_with("left_channel: ") && warning.contains("1.0"),
            "{warning}"
        );
        let body = json!({"version": "2.0", "channel": "stable"});
        let release = fixture.uploader().await.post(RELEASES, body).await.ok(200);
        assert_eq!(left_warning(&release), warning);
        assert_eq!(
            (newest(&fixture).await, channels(&fixture, "2.0").await),
            (json!("1.0"), json!([]))
        );
        // Another channel is none of this.
        let beta = Delivery {
            channel: Some(Word::read("beta")),
            ..to_stable(&second)
        };
        fixture.deliver(&beta).await.ok(200);
        assert_eq!(channels(&fixture, "2.0").await, json!(["beta"]));

        for (path, body) in [
            (STABLE, json!({"version": "2.0"})),
            (BESIDE, json!({"version": "2.0"})),
        ] {
            if path == BESIDE {
                fixture.admin().put(STABLE, back.clone()).await.ok(200);
                fixture.admin().post(path, body).await.ok(200);
            } else {
                fixture.admin().put(path, body).await.ok(200);
            }
            let release = fixture.release("notes", "2.0").await;
            assert_eq!(
                (&release["channels"], left_warning(&release)),
                (&json!(["beta", "stable"]), "")
            );
        }
    }
}

/// Signing is away, so that the release waits where a roll-back meets it.
#[tokio::test]
async fn what_is_on_its_way_does_not_come_above_a_roll_back() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0"]).await;
        fixture.signing_is_away();
        let second = to_stable(&fixture.delivery("notes", "2.0", "notes.apk", b"2.0"));
        fixture.deliver(&second).await.ok(200);
        let admin = fixture.admin();
        let answer = admin.put(STABLE, json!({"version": "1.0"})).await;
        let words = answer.refused(409, "channel_newer");
        assert!(words.contains("2.0 (signing)"), "{words}");
        let back = json!({"version": "1.0", "rollback": true});
        assert_eq!(
            admin.put(STABLE, back).await.ok(200)["left"],
            json!(["2.0"])
        );
        fixture.everybody_is_there();
        let path = format!("{RELEASES}/2.0");
        let release = fixture
            .eventually(&path, |release| release["state"] == "published")
            .await;
        assert_eq!(
            (newest(&fixture).await, &release["channels"]),
            (json!("1.0"), &json!([]))
        );
        assert!(left_warning(&release).starts_with("left_channel: "));
    }
}

/// An intent that waited at upload: acknowledged before the roll-back, it comes after it.
#[tokio::test]
async fn what_was_asked_for_before_a_roll_back_does_not_undo_it() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0", "1.5"]).await;
        let heard = async || {
            let path = "/internal/changes?epoch=&after=0";
            let told = fixture.catalog.internal("upload", path).await.ok(200);
            Some(Heard {
                epoch: told["epoch"].as_str().expect("an epoch").to_owned(),
                seq: told["head"].as_i64().expect("a head"),
            })
        };
        let before = heard().await;
        let back = json!({"version": "1.0", "rollback": true});
        fixture.admin().put(STABLE, back).await.ok(200);
        let after = heard().await;
        let asked = |version: &str, heard: &Option<Heard>| Delivery {
            heard: heard.clone(),
            ..to_stable(&fixture.delivery("notes", version, "notes.apk", version.as_bytes()))
        };
        for (version, heard, expected) in [
            ("2.0", &before, json!([])),
            ("2.1", &after, json!(["stable"])),
            ("0.9", &before, json!(["stable"])),
            // Of an upload that does not tell, and does not say when.
            ("2.2", &None, json!([])),
        ] {
            fixture.deliver(&asked(version, heard)).await.ok(200);
            let path = format!("{RELEASES}/{version}");
            let release = fixture
                .eventually(&path, |release| release["state"] == "published")
                .await;
            assert_eq!(release["channels"], expected, "{version}");
        }
    }
}

#[tokio::test]
async fn what_was_yanked_or_failed_hinders_nobody_and_leaves_with_the_rest() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0", "2.0"]).await;
        let yank = format!("{RELEASES}/2.0/yank");
        fixture
            .admin()
            .post(&yank, json!({"reason": "broken"}))
            .await
            .ok(200);
        fixture
            .admin()
            .put(STABLE, json!({"version": "1.0"}))
            .await
            .ok(200);
        assert_eq!(channels(&fixture, "2.0").await, json!(["stable"]));
        let back = json!({"version": "1.0", "rollback": true});
        assert_eq!(
            fixture.admin().put(STABLE, back).await.ok(200)["left"],
            json!(["2.0"])
        );
        assert_eq!(
            (newest(&fixture).await, channels(&fixture, "2.0").await),
            (json!("1.0"), json!([]))
        );
    }
}

#[tokio::test]
async fn who_is_strict_is_refused_to_publish_a_failed_release_that_left() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0", "2.0"]).await;
        query("UPDATE releases SET state = 'failed' WHERE version = '2.0'")
            .execute(&mut fixture.database().await)
            .await
            .expect("a failed release");
        let back = json!({"version": "1.0", "rollback": true});
        let answer = fixture.admin().put(STABLE, back).await.ok(200);
        assert_eq!(answer["left"], json!(["2.0"]));
        let uploader = fixture.uploader().await;
        let strict = json!({"version": "2.0", "channel": "stable", "strict": true});
        let answer = uploader.post(RELEASES, strict).await;
        let words = answer.refused(422, "strict_refused");
        assert!(words.contains("left_channel"), "{words}");
        let body = json!({"version": "2.0", "channel": "stable"});
        let release = uploader.post(RELEASES, body).await.ok(201);
        assert_eq!(release["channels"], json!([]));
    }
}

fn nearest(answer: Answer) -> (String, Value) {
    let nearest = answer.body["nearest"].clone();
    (answer.refused(404, "channel_unknown"), nearest)
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_made_only_when_that_is_said() {
    for engine in engines() {
        let fixture = fixture(engine, &["1.0"]).await;
        let first = fixture.delivery("notes", "2.0", "notes.apk", b"2.0");
        let wrong = Delivery {
            channel: Some(Word::read("stabel")),
            ..to_stable(&first)
        };
        let told = fixture.deliver(&wrong).await.ok(200);
        assert_eq!(told["refused"]["code"], "channel_unknown");
        assert_eq!(told["refused"]["members"]["nearest"], "stable");
        assert_eq!(
            told["release"]["state"], "draft",
            "what was acknowledged stays"
        );
        let admin = fixture.admin();
        let body = json!({"version": "1.0"});
        for answer in [
            admin
                .put("/api/v1/apps/notes/channels/nightly", body.clone())
                .await,
            admin
                .post("/api/v1/apps/notes/channels/nightly/releases", body)
                .await,
            fixture
                .uploader()
                .await
                .post(RELEASES, json!({"version": "2.0", "channel": "nightly"}))
                .await,
        ] {
            let (words, nearest) = nearest(answer);
            assert!(
                words.contains("beta, stable") && words.contains("create"),
                "{words}"
            );
            assert_eq!(nearest, Value::Null);
        }
        let made = json!({"version": "1.0", "create": "channel"});
        admin
            .put("/api/v1/apps/notes/channels/nightly", made)
            .await
            .ok(200);
        let (_, nearest) = nearest(
            admin
                .put(
                    "/api/v1/apps/notes/channels/nigthly",
                    json!({"version": "1.0"}),
                )
                .await,
        );
        assert_eq!(nearest, "nightly");
        let right = Delivery {
            create_channel: true,
            channel: Some(Word::read("edge")),
            ..to_stable(&first)
        };
        fixture.deliver(&right).await.ok(200);
        assert_eq!(channels(&fixture, "2.0").await, json!(["edge"]));
    }
}

/// A token that may only upload puts no words into what another publishes.
#[tokio::test]
async fn notes_are_those_of_who_publishes() {
    for engine in engines() {
        let fixture = fixture(engine, &[]).await;
        let noted = |notes: &str, delivery: Delivery| Delivery {
            notes: Some(notes.to_owned()),
            ..delivery
        };
        let own = noted(
            "Ours",
            fixture.delivery("notes", "1.0", "notes.apk", b"1.0"),
        );
        fixture.deliver(&own).await.ok(200);
        let stranger = fixture
            .admin()
            .post(
                "/api/v1/tokens",
                json!({"name": "other", "scopes": ["upload"]}),
            )
            .await
            .ok(201);
        let other = Delivery {
            id: Uuid::now_v7().to_string(),
            token_id: stranger["id"].as_str().expect("an id").to_owned(),
            ..noted("Theirs", own.clone())
        };
        fixture.deliver(&other).await.ok(200);
        fixture.publish("notes", "1.0").await.ok(201);
        assert_eq!(fixture.release("notes", "1.0").await["notes"], "Ours");
        // What is published keeps its notes.
        fixture
            .deliver(&to_stable(&noted("Late", own)))
            .await
            .ok(200);
        assert_eq!(fixture.release("notes", "1.0").await["notes"], "Ours");
    }
}
