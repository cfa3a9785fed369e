//! Packages in drafts: replaced, deleted, refused to be released.

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use slipway_contract::grant::Scope;
use slipway_testkit::database::engines;

use crate::fixture::{Answer, Fixture, request_by, until};

const PLACE: &str = "notes.bin?version=1.0";

fn id(answer: &Answer) -> String {
    answer.body["package"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn send(fixture: &Fixture, token: &str, method: &str, id: &str) -> Answer {
    let path = format!("/api/v1/apps/notes/packages/{id}");
    let request = request_by(token, method, &path).body(Body::empty());
    fixture.instance.send(request.expect("a request")).await
}

#[tokio::test]
async fn what_is_gone_at_the_catalog_leaves_its_place() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let put = async |body: &'static str| fixture.put("notes.bin?version=1.0", body).await;
        let first = put("bytes").await;
        assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
        let id = first.body["package"]["id"].as_str().expect("an id");
        let sha256 = first.body["package"]["sha256"].as_str().expect("a digest");
        fixture.catalog.tell_package(id, sha256, false);
        fixture.catalog.tell_package(id, sha256, true);
        until("its place is free", async || {
            put("bytes").await.status == StatusCode::CREATED
        })
        .await;
        let again = put("bytes").await;
        assert_eq!(again.status, StatusCode::OK);
        assert_ne!(again.body["package"]["id"], *id);
    }
}

#[tokio::test]
async fn a_token_puts_other_bytes_in_the_place_of_its_own() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let first = fixture.put(PLACE, "bytes").await;
        assert_eq!(first.body.get("replaced"), None);
        let second = fixture.put(PLACE, "other").await;
        assert_eq!(second.status, StatusCode::OK, "{second:?}");
        assert_eq!(second.body["replaced"], first.body["package"]["sha256"]);
        assert_ne!(second.body["package"]["id"], first.body["package"]["id"]);
        let told = fixture.catalog.deliveries();
        assert_eq!(told[1].replaces, [id(&first)]);
        // The same again is a retry, and says nothing of what was.
        let again = fixture.put(PLACE, "other").await;
        assert_eq!((again.status, id(&again)), (StatusCode::OK, id(&second)));
        assert_eq!(again.body.get("replaced"), None);
    }
}

#[tokio::test]
async fn what_was_put_while_the_catalog_was_away_gives_way_in_whatever_order_it_is_told() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.set_away(true);
        let mut ids = Vec::new();
        for body in ["one", "two", "three"] {
            let answer = fixture.put(PLACE, body).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
            assert_eq!(answer.body.get("replaced").is_some(), !ids.is_empty());
            ids.push(id(&answer));
        }
        fixture.catalog.set_away(false);
        until("all of them were told", async || {
            fixture.catalog.deliveries().len() == 3
        })
        .await;
        assert_eq!(
            fixture.catalog.deliveries()[0].id,
            ids[2],
            "what others gave way to is told first"
        );
        for delivery in fixture.catalog.deliveries() {
            let place = ids.iter().position(|id| *id == delivery.id).expect("ours");
            // Of those before, what was told by then need not be named.
            assert!(delivery.replaces.iter().all(|id| ids[..place].contains(id)));
            assert!(place == 0 || delivery.replaces.contains(&ids[place - 1]));
        }
    }
}

#[tokio::test]
async fn what_gave_way_is_told_when_the_other_is_refused() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.set_away(true);
        let first = fixture.put(PLACE, "bytes").await;
        let other = fixture.put(PLACE, "other").await;
        assert_eq!(other.status, StatusCode::ACCEPTED, "{other:?}");
        let taken = (StatusCode::CONFLICT, "version_exists", "1.0 is there");
        fixture.catalog.refuse(Some(taken));
        fixture.catalog.set_away(false);
        until("both were refused", async || {
            fixture.instance.reading("outbox_rows").await == 0
        })
        .await;
        for answer in [&first, &other] {
            let shown = send(&fixture, &fixture.token, "GET", &id(answer)).await;
            assert_eq!(shown.body["state"], "refused", "{shown:?}");
        }
    }
}

#[tokio::test]
async fn what_was_not_replaced_has_its_place_again() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let first = fixture.put(PLACE, "bytes").await;
        let taken = (
            StatusCode::CONFLICT,
            "version_exists",
            "1.0 is being signed",
        );
        fixture.catalog.refuse(Some(taken));
        let other = fixture.put(PLACE, "other").await;
        assert_eq!(other.verdict(), (409, "version_exists"));
        fixture.catalog.refuse(None);
        let again = fixture.put(PLACE, "bytes").await;
        assert_eq!((again.status, id(&again)), (StatusCode::OK, id(&first)));
    }
}

#[tokio::test]
async fn of_other_bytes_at_once_by_one_token_each_is_told_what_it_replaces() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let put = |body: &'static str| fixture.put(PLACE, body);
        let answers = tokio::join!(put("one"), put("two"), put("three"), put("four"));
        let answers = [answers.0, answers.1, answers.2, answers.3];
        for answer in &answers {
            assert!(answer.status.is_success(), "{answer:?}");
        }
        let told = fixture.catalog.deliveries();
        assert_eq!(told.len(), 4);
        let named = |id: &String| told.iter().any(|one| one.replaces.contains(id));
        let last: Vec<_> = answers.iter().map(id).filter(|id| !named(id)).collect();
        let [last] = &last[..] else {
            panic!("not one is the last: {last:?}");
        };
        let sha256 = &told
            .iter()
            .find(|one| one.id == *last)
            .expect("it")
            .file
            .sha256;
        let body = ["one", "two", "three", "four"]
            .into_iter()
            .zip(&answers)
            .find_map(|(body, answer)| {
                (answer.body["package"]["sha256"] == sha256.as_hex()).then_some(body)
            });
        let again = fixture.put(PLACE, body.expect("one of them")).await;
        assert_eq!((again.status, id(&again)), (StatusCode::OK, last.clone()));
    }
}

#[tokio::test]
async fn a_draft_with_files_of_others_is_answered_with_their_list() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let files = json!([{"filename": "evil.bin", "sha256": "0".repeat(64), "platform": "any", "token": "other"}]);
        fixture.catalog.mix(Some(files.clone()));
        fixture.catalog.publish_state("draft", None);
        let path = "notes.bin?version=1.0&channel=stable";
        let answer = fixture.put(path, "bytes").await;
        assert_eq!(answer.verdict(), (409, "draft_mixed"));
        assert_eq!(answer.body["files"], files);
        let package = fixture.catalog.deliveries()[0].id.clone();
        let shown = send(&fixture, &fixture.token, "GET", &package).await;
        assert_eq!(shown.body["state"], "draft");
        assert_eq!(shown.body["reason"], answer.body["detail"]);
        // It is there, and is asked for again when the others are gone.
        fixture.catalog.mix(None);
        fixture.catalog.publish_state("published", None);
        let again = fixture.put(path, "bytes").await;
        assert_eq!(
            (again.status, id(&again)),
            (StatusCode::OK, package.clone())
        );
        let shown = send(&fixture, &fixture.token, "GET", &package).await;
        assert_eq!(shown.body["reason"], Value::Null);
    }
}

#[tokio::test]
async fn a_package_is_deleted_when_the_catalog_has_agreed() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let uploader = fixture.token(&[Scope::Upload], None).await;
        let stranger = fixture.token(&[Scope::Upload], None).await;
        let reader = fixture.token(&[Scope::Read], None).await;
        let releaser = fixture.token(&[Scope::Release], None).await;
        let put = async || {
            let path = format!("/api/v1/apps/notes/packages/{PLACE}");
            let request = request_by(&uploader, "PUT", &path).body(Body::from("bytes"));
            fixture.instance.send(request.expect("a request")).await
        };
        let package = id(&put().await);
        let delete = async |token: &str| send(&fixture, token, "DELETE", &package).await;
        for token in [&stranger, &reader] {
            assert_eq!(delete(token).await.verdict(), (403, "scope_missing"));
        }
        let unknown = send(&fixture, &uploader, "DELETE", "none").await;
        assert_eq!(unknown.verdict(), (404, "package_unknown"));
        fixture.catalog.set_away(true);
        let away = delete(&uploader).await;
        assert_eq!(away.verdict(), (503, "catalog_unavailable"));
        assert!(!away.header("retry-after").is_empty());
        fixture.catalog.set_away(false);
        let words = "1.0 is published: yank it";
        let closed = (StatusCode::CONFLICT, "release_not_draft", words);
        fixture.catalog.refuse(Some(closed));
        let refused = delete(&releaser).await;
        assert_eq!(refused.verdict(), (409, "release_not_draft"));
        assert_eq!(refused.body["detail"], words);
        fixture.catalog.refuse(None);
        let shown = send(&fixture, &uploader, "GET", &package).await;
        assert_eq!(shown.body["state"], "draft", "nothing was deleted so far");

        // Of several that sent it, each may have deleted it.
        for token in [&uploader, &uploader, &releaser, &stranger] {
            let deleted = delete(token).await;
            assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
        }
        assert_eq!(delete(&reader).await.verdict(), (403, "scope_missing"));
        let removals = fixture.catalog.removals();
        assert_eq!(removals.len(), 1, "what is gone is not asked again");
        assert_eq!(removals[0].package, package);
        let shown = send(&fixture, &uploader, "GET", &package).await;
        assert_eq!(shown.verdict(), (410, "package_gone"));
        let again = put().await;
        assert_eq!(again.status, StatusCode::CREATED);
        assert_ne!(id(&again), package);
    }
}

#[tokio::test]
async fn what_waits_for_the_catalog_is_not_told_after_its_end() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.catalog.refuse(Some((
            StatusCode::SERVICE_UNAVAILABLE,
            "held",
            "it is held",
        )));
        let path = "/api/v1/apps/notes/packages/notes.bin?version=1.0&channel=stable";
        let request = fixture.request("PUT", path).header("prefer", "wait=0");
        let request = request.body(Body::from("bytes"));
        let answer = fixture.instance.send(request.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        let package = id(&answer);
        let held = send(&fixture, &fixture.token, "DELETE", &package).await;
        assert_eq!(held.verdict(), (503, "catalog_unavailable"));
        assert_eq!(held.body["detail"], "it is held");
        // As the catalog tells it when somebody has deleted the draft there.
        fixture.catalog.tell_package(&package, "", true);
        until("nothing is left to tell", async || {
            fixture.instance.reading("outbox_rows").await == 0
        })
        .await;
        let shown = send(&fixture, &fixture.token, "GET", &package).await;
        assert_eq!(shown.verdict(), (410, "package_gone"));
        assert!(fixture.catalog.deliveries().is_empty());
    }
}

#[tokio::test]
async fn what_waits_is_deleted_by_its_own_token_alone() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let uploader = fixture.token(&[Scope::Upload], None).await;
        let stranger = fixture.token(&[Scope::Upload], None).await;
        let releaser = fixture.token(&[Scope::Release], None).await;
        let put = async |token: &str| {
            let path = format!("/api/v1/apps/notes/packages/{PLACE}");
            let request = request_by(token, "PUT", &path).header("prefer", "wait=0");
            let request = request.body(Body::from("bytes"));
            fixture.instance.send(request.expect("a request")).await
        };
        fixture.catalog.set_away(true);
        let answer = put(&uploader).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        let package = id(&answer);
        let delete = async |token: &str| send(&fixture, token, "DELETE", &package).await;
        let refused = delete(&stranger).await;
        assert_eq!(refused.verdict(), (403, "scope_missing"));
        // Since another sent it too, it is not one's own alone.
        assert_eq!(id(&put(&stranger).await), package);
        let shared = delete(&uploader).await;
        assert_eq!(shared.verdict(), (503, "catalog_unavailable"));
        let words = shared.body["detail"].as_str().expect("words");
        assert!(words.contains("another token"), "{words}");
        let words = delete(&releaser).await;
        let words = words.body["detail"].as_str().expect("words");
        assert!(words.contains("does not answer"), "{words}");
        assert!(fixture.catalog.removals().is_empty());
    }
}

#[tokio::test]
async fn what_gave_way_does_not_come_when_the_other_is_deleted() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let releaser = fixture.token(&[Scope::Upload, Scope::Release], None).await;
        fixture.catalog.set_silent(true);
        let put = async |body: &'static str| {
            let path = format!("/api/v1/apps/notes/packages/{PLACE}&channel=stable");
            let request = request_by(&releaser, "PUT", &path).header("prefer", "wait=0");
            let request = request.body(Body::from(body));
            let answer = fixture.instance.send(request.expect("a request")).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
            id(&answer)
        };
        let ids = [put("bytes").await, put("other").await];
        let deleted = send(&fixture, &releaser, "DELETE", &ids[1]).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
        fixture.catalog.set_silent(false);
        let removals = fixture.catalog.removals();
        let removed: Vec<_> = removals.iter().map(|one| &one.package).collect();
        assert_eq!(removed, [&ids[0], &ids[1]]);
        for id in &ids {
            let shown = send(&fixture, &releaser, "GET", id).await;
            assert_eq!(shown.verdict(), (410, "package_gone"));
        }
    }
}
