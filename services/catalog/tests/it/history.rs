//! What is odd about a package beside the app's earlier ones, and who wants to be refused for it.

use serde_json::{Value, json};
use slipway_contract::Word;
use slipway_contract::internal::Delivery;
use slipway_testkit::database::{Engine, engines};
use sqlx::query;

use crate::fixture::Fixture;

const RELEASES: &str = "/api/v1/apps/notes/releases";

async fn fixture(engine: Engine) -> Fixture {
    let fixture = Fixture::new(engine).await;
    fixture.app("notes").await;
    fixture
}

/// A package of a version, with what its bytes say.
fn apk(fixture: &Fixture, version: &str, (name, code, signer): (&str, i64, &str)) -> Delivery {
    let bytes = format!("{version} {name} {code} {signer}");
    Delivery {
        channel: Some(Word::read("stable")),
        facts: json!({"identifier": name, "version": version, "version_code": code,
            "signer_sha256": signer.repeat(32), "warnings": []}),
        ..fixture.delivery("notes", version, "notes.apk", bytes.as_bytes())
    }
}

fn codes(document: &Value) -> Vec<&str> {
    let warnings = document["warnings"].as_array().expect("warnings").iter();
    let codes = warnings.filter_map(|warning| warning.as_str()?.split(':').next());
    codes.collect()
}

async fn published(fixture: &Fixture, delivery: &Delivery) -> Value {
    fixture.deliver(delivery).await.ok(200);
    let version = delivery.version.as_ref().expect("a version").as_str();
    let path = format!("{RELEASES}/{version}");
    fixture
        .eventually(&path, |release| release["state"] == "published")
        .await
}

const NOTES: &str = "org.example.notes";

#[tokio::test]
async fn each_oddity_is_said_on_the_package_and_on_the_release() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        for (version, facts, expected) in [
            ("1.0", (NOTES, 10, "aa"), vec![]),
            ("2.0", (NOTES, 9, "aa"), vec!["version_code_not_higher"]),
            ("3.0", (NOTES, 30, "bb"), vec!["signer_changed"]),
            (
                "4.0",
                ("org.example.other", 40, "bb"),
                vec!["package_name_changed"],
            ),
            // Both names are the app's by now.
            ("5.0", ("org.example.other", 50, "bb"), vec![]),
            // A backport is beside what was before it.
            ("1.0.1", (NOTES, 11, "aa"), vec![]),
        ] {
            let delivery = apk(&fixture, version, facts);
            let release = published(&fixture, &delivery).await;
            assert_eq!(codes(&release), expected, "{version}");
            assert_eq!(codes(&release["packages"][0]), expected, "{version}");
            let shown = fixture.package(&delivery.id, 0).await.ok(200);
            assert_eq!(codes(&shown["package"]), expected, "{version}");
        }
        let mut delivery = apk(&fixture, "6.0", ("org.example.other", 60, "bb"));
        delivery.facts["version"] = json!("5.9");
        let release = published(&fixture, &delivery).await;
        assert_eq!(codes(&release), ["version_contradicts"]);
    }
}

#[tokio::test]
async fn who_is_strict_is_refused_and_nothing_is_kept() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        published(&fixture, &apk(&fixture, "1.0", (NOTES, 10, "aa"))).await;
        let odd = apk(&fixture, "2.0", (NOTES, 9, "bb"));
        let strict = Delivery {
            strict: true,
            ..odd.clone()
        };
        let words = fixture
            .deliver(&strict)
            .await
            .refused(422, "strict_refused");
        assert!(
            words.contains("version_code_not_higher") && words.contains("signer_changed"),
            "{words}"
        );
        let released = format!("{RELEASES}/2.0");
        fixture
            .admin()
            .get(&released)
            .await
            .refused(404, "release_unknown");

        // Of a draft that lies there the intent is refused, and the draft stays.
        let draft = Delivery {
            channel: None,
            ..odd
        };
        fixture.deliver(&draft).await.ok(200);
        let again = Delivery {
            channel: Some(Word::read("stable")),
            strict: true,
            ..draft
        };
        let told = fixture.deliver(&again).await.ok(200);
        assert_eq!(told["refused"]["code"], "strict_refused");
        assert_eq!(
            told["refused"]["members"]["warnings"]
                .as_array()
                .expect("warnings")
                .len(),
            2
        );
        let body = json!({"version": "2.0", "channel": "stable", "strict": true});
        let uploader = fixture.uploader().await;
        uploader
            .post(RELEASES, body)
            .await
            .refused(422, "strict_refused");
        let body = json!({"version": "2.0", "channel": "stable"});
        let release = uploader.post(RELEASES, body).await.ok(201);
        assert_eq!(
            codes(&release),
            ["signer_changed", "version_code_not_higher"]
        );
    }
}

/// A draft that lay there while others were released is judged beside them.
#[tokio::test]
async fn a_draft_is_judged_again_when_it_is_published() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let draft = Delivery {
            channel: None,
            ..apk(&fixture, "2.0", (NOTES, 20, "aa"))
        };
        let told = fixture.deliver(&draft).await.ok(200);
        assert_eq!(codes(&told["package"]), [""; 0]);
        published(&fixture, &apk(&fixture, "1.9", (NOTES, 30, "bb"))).await;
        let body = json!({"version": "2.0", "channel": "stable"});
        let release = fixture.uploader().await.post(RELEASES, body).await.ok(201);
        assert_eq!(
            codes(&release),
            ["signer_changed", "version_code_not_higher"]
        );
    }
}

/// A token that may only upload must not have what others release refused, nor let another name pass.
#[tokio::test]
async fn what_nobody_released_is_not_compared_with_once_something_is() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let draft = |version: &str, facts| Delivery {
            channel: None,
            ..apk(&fixture, version, facts)
        };
        let first = draft("0.9", (NOTES, 90, "aa"));
        fixture.deliver(&first).await.ok(200);
        let second = fixture.deliver(&draft("1.0", (NOTES, 10, "aa"))).await;
        assert_eq!(
            codes(&second.ok(200)["package"]),
            ["version_code_not_higher"]
        );
        let release = published(&fixture, &apk(&fixture, "1.1", (NOTES, 11, "aa"))).await;
        assert_eq!(codes(&release), ["version_code_not_higher"]);
        for facts in [(NOTES, 99, "bb"), ("org.example.other", 1, "bb")] {
            let version = format!("1.2.{}", facts.1);
            fixture.deliver(&draft(&version, facts)).await.ok(200);
        }
        let strict = Delivery {
            strict: true,
            ..apk(&fixture, "2.0", (NOTES, 20, "aa"))
        };
        let release = published(&fixture, &strict).await;
        assert_eq!(codes(&release), [""; 0]);
        let other = apk(&fixture, "3.0", ("org.example.other", 30, "bb"));
        let release = published(&fixture, &other).await;
        assert_eq!(codes(&release), ["package_name_changed"]);
    }
}

/// Its bytes were on their own first, and a higher version of the same bytes is no update of what was released.
#[tokio::test]
async fn a_package_is_not_compared_with_itself_before_it_is_released() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        let released = apk(&fixture, "1.0", (NOTES, 10, "aa"));
        let own = Delivery {
            id: uuid::Uuid::now_v7().to_string(),
            version: None,
            channel: None,
            ..released.clone()
        };
        fixture.deliver(&own).await.ok(200);
        let released = Delivery {
            id: uuid::Uuid::now_v7().to_string(),
            ..released
        };
        assert_eq!(codes(&published(&fixture, &released).await), [""; 0]);
        let again = Delivery {
            id: uuid::Uuid::now_v7().to_string(),
            version: Some(Word::read("2.0")),
            ..released
        };
        let release = published(&fixture, &again).await;
        assert_eq!(
            codes(&release),
            ["version_contradicts", "version_code_not_higher"]
        );
    }
}

/// Rows of an earlier catalog, before this one or beside it, have no identity yet.
#[tokio::test]
async fn packages_of_an_earlier_version_count_too() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        published(&fixture, &apk(&fixture, "1.0", (NOTES, 10, "aa"))).await;
        let done = query("DELETE FROM package_identities")
            .execute(&mut fixture.database().await)
            .await;
        assert_eq!(done.expect("rows").rows_affected(), 1);
        let release = published(&fixture, &apk(&fixture, "2.0", (NOTES, 20, "bb"))).await;
        assert_eq!(codes(&release), ["signer_changed"]);
    }
}

/// The machines of one release have codes of their own, and are compared with their like.
#[tokio::test]
async fn packages_of_one_release_are_not_compared_with_each_other() {
    for engine in engines() {
        let fixture = fixture(engine).await;
        for (version, codes_of) in [("1.0", [1001, 2001]), ("2.0", [1002, 2002])] {
            for (arch, code) in ["armv7", "aarch64"].into_iter().zip(codes_of) {
                let facts = (NOTES, code, "aa");
                let mut delivery = Delivery {
                    channel: None,
                    ..apk(&fixture, version, facts)
                };
                delivery.file.arch = Word::read(arch);
                delivery.file.filename = format!("notes-{arch}.apk").parse().expect("a name");
                fixture.deliver(&delivery).await.ok(200);
            }
            let body = json!({"version": version, "channel": "stable"});
            let release = fixture.uploader().await.post(RELEASES, body).await.ok(201);
            assert_eq!(codes(&release), [""; 0], "{version}");
        }
    }
}
