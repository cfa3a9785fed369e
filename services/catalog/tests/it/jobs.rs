//! Leases, killed workers and work that kills them.

use serde_json::json;
use slipway_catalog::{Settings, start_workers};
use slipway_service::http::edge::admin;
use slipway_testkit::database::engines;

use crate::house::{House, Instance};
use crate::signing_peer::Conduct;

#[tokio::test]
async fn two_instances_never_run_a_job_at_once() {
    for engine in engines() {
        let house = House::new(engine).await;
        let other = house.another_instance(Settings::default()).await;
        start_workers(&other.state);
        house.app("notes").await;
        let mut ids = Vec::new();
        for number in 0..20 {
            let version = format!("1.{number}");
            let mut delivery = house.delivery("notes", &version, "notes.apk", version.as_bytes());
            delivery.channel = Some("stable".to_owned());
            house.deliver(&delivery).await.ok(200);
            ids.push(delivery.id);
        }
        for id in &ids {
            let uploaded = house.package(id, 60).await.ok(200);
            assert_eq!(uploaded["package"]["state"], "published");
        }
        assert_eq!(house.signing.overlaps(), Vec::<String>::new());
        let mut calls = house.signing.calls();
        assert_eq!(calls.len(), ids.len(), "{calls:?}");
        calls.dedup();
        assert_eq!(calls.len(), ids.len(), "no work was done twice");
        let page = "/internal/changes?epoch=&after=0";
        let page = house.catalog.internal("upload", page).await.ok(200);
        let last = page["changes"]
            .as_array()
            .and_then(|changes| changes.last());
        let last = &last.expect("changes")["seq"];
        assert_eq!(*last, page["head"], "no number was taken for nothing");
    }
}

/// Leases that end soon, so that the job of a killed instance is soon another's.
fn short_leases() -> Settings {
    let mut settings = Settings::default();
    settings.jobs.lease_seconds = 1;
    settings
}

#[tokio::test]
async fn the_job_of_a_killed_instance_is_taken_up_by_another() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        let doomed = house.another_instance(short_leases()).await;
        house.catalog.process.shutdown.cancel();
        let workers = doomed.start_doomed_workers();
        house.signing.conducts(Conduct::Hangs);
        let killed = async {
            house.signing.called(1).await;
            workers.shutdown_background();
            house.signing.conducts(Conduct::Works);
            start_workers(&house.another_instance(Settings::default()).await.state);
        };
        house.draft("notes", "1.0", b"one").await;
        let (published, ()) = tokio::join!(house.publish("notes", "1.0"), killed);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

#[tokio::test]
async fn an_instance_that_ends_hands_its_job_to_the_next_and_that_is_no_crash() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.catalog.process.shutdown.cancel();
        house.signing.conducts(Conduct::Hangs);
        house.draft("notes", "1.0", b"one").await;
        // With leases this long nobody would get the job in time but by its being handed over.
        let ending = async {
            for number in 1..=4 {
                let leaving = house.another_instance(Settings::default()).await;
                start_workers(&leaving.state);
                house.signing.called(number).await;
                leaving.process.shutdown.cancel();
                leaving.process.tasks.close();
                leaving.process.tasks.wait().await;
            }
            house.signing.conducts(Conduct::Works);
            start_workers(&house.another_instance(Settings::default()).await.state);
        };
        let (published, ()) = tokio::join!(house.publish("notes", "1.0"), ending);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

#[tokio::test]
async fn a_job_that_outlived_three_leases_is_given_up_with_its_reason() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.catalog.process.shutdown.cancel();
        house.signing.conducts(Conduct::Hangs);
        let id = house.draft("notes", "1.0", b"one").await;
        let dying = async {
            for number in 1..=3 {
                let doomed = house.another_instance(short_leases()).await;
                let workers = doomed.start_doomed_workers();
                house.signing.called(number).await;
                workers.shutdown_background();
            }
            start_workers(&house.another_instance(short_leases()).await.state);
        };
        let (answer, ()) = tokio::join!(house.publish("notes", "1.0"), dying);
        let words = answer.refused(422, "release_failed");
        assert!(words.contains("ended 3 processes"), "{words}");
        assert_eq!(
            house.signing.calls().len(),
            3,
            "it is not tried a fourth time"
        );
        let uploaded = house.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "failed");

        house.signing.conducts(Conduct::Works);
        let retry = "/api/v1/apps/notes/releases/1.0/retry";
        let release = house.admin().post(retry, json!({})).await.ok(201);
        assert_eq!(release["state"], "published");
    }
}

#[tokio::test]
async fn metrics_count_the_jobs() {
    for engine in engines() {
        let mut settings = Settings::default();
        settings.publishing.follower_wait_millis = 0;
        let house = House::idle(engine, settings).await;
        house.app("notes").await;
        let request = http::Request::get("/metrics").body(axum::body::Body::empty());
        let request = request.expect("a request");
        let Instance { process, state, .. } = &house.catalog;
        let operators = admin(process, state.clone());
        let answer = slipway_testkit::call::call_for_bytes(&operators, request).await;
        let text = String::from_utf8(answer.1).expect("text");
        for line in ["jobs_pending 1", "jobs_failed 0"] {
            assert!(text.lines().any(|found| found.ends_with(line)), "{text}");
        }
    }
}
