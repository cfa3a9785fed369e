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
    settings.jobs.alone_pause_millis = 10;
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

/// A process that works until signing is asked for the `number`th time, and is killed then.
async fn killed_at_call(house: &House, number: usize) {
    let doomed = house.another_instance(short_leases()).await;
    let workers = doomed.start_doomed_workers();
    house.signing.called(number).await;
    workers.shutdown_background();
}

#[tokio::test]
async fn a_job_that_ended_three_processes_alone_is_given_up_with_its_reason() {
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.catalog.process.shutdown.cancel();
        house.signing.conducts(Conduct::Hangs);
        let id = house.draft("notes", "1.0", b"one").await;
        let dying = async {
            // Three times among others, and three times alone.
            for number in 1..=6 {
                killed_at_call(&house, number).await;
            }
            start_workers(&house.another_instance(short_leases()).await.state);
        };
        let (answer, ()) = tokio::join!(house.publish("notes", "1.0"), dying);
        let words = answer.refused(422, "release_failed");
        assert!(words.contains("ended 6 processes, 3 of them"), "{words}");
        assert_eq!(house.signing.calls().len(), 6, "it is not tried again");
        let uploaded = house.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "failed");

        house.signing.conducts(Conduct::Works);
        let retry = "/api/v1/apps/notes/releases/1.0/retry";
        let release = house.admin().post(retry, json!({})).await.ok(201);
        assert_eq!(release["state"], "published");
    }
}

/// Eight kills in one long job, with a step forward between any two of them.
#[tokio::test]
async fn a_job_that_goes_forward_is_never_suspected() {
    const FILES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for engine in engines() {
        let house = House::new(engine).await;
        house.app("notes").await;
        house.catalog.process.shutdown.cancel();
        for file in FILES {
            let delivery = house.delivery("notes", "1.0", file, file.as_bytes());
            house.deliver(&delivery).await.ok(200);
        }
        let dying = async {
            for file in FILES {
                house.signing.conducts(Conduct::HangsAt(file));
                let doomed = house.another_instance(short_leases()).await;
                let workers = doomed.start_doomed_workers();
                house.signing.called_for(&format!("notes 1.0 {file}")).await;
                assert!(
                    crashes(&house).await.0 <= 1,
                    "each step begins the count anew"
                );
                workers.shutdown_background();
            }
            house.signing.conducts(Conduct::Works);
            start_workers(&house.another_instance(short_leases()).await.state);
        };
        let (published, ()) = tokio::join!(house.publish("notes", "1.0"), dying);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

/// The counts of the only job.
async fn crashes(house: &House) -> (i64, i64) {
    let counts = sqlx::query_as("SELECT crashes, alone_crashes FROM jobs");
    let counts = counts.fetch_one(&mut house.database().await).await;
    counts.expect("a job")
}

async fn edit(house: &House, sql: &'static str, value: i64) {
    let edited = sqlx::query(sql).bind(value);
    let edited = edited.execute(&mut house.database().await).await;
    assert!(edited.expect("an edit").rows_affected() > 0, "{sql}");
}

#[tokio::test]
async fn a_suspected_job_runs_when_nothing_else_does_and_nothing_begins_before_it() {
    for engine in engines() {
        let house = House::idle(engine, Settings::default()).await;
        house.app("notes").await;
        house.signing.conducts(Conduct::HangsAt("slow"));
        for (version, file) in [("1.0", "slow"), ("1.1", "suspect"), ("1.2", "late")] {
            let mut delivery = house.delivery("notes", version, file, file.as_bytes());
            delivery.channel = Some("stable".to_owned());
            house.deliver(&delivery).await.ok(200);
        }
        edit(
            &house,
            "UPDATE jobs SET crashes = $1, next_at = next_at - 1
             WHERE subject = (SELECT id FROM releases WHERE version = '1.1')",
            3,
        )
        .await;
        edit(
            &house,
            "UPDATE jobs SET next_at = $1 WHERE subject = (SELECT id FROM releases WHERE version = '1.0')",
            1,
        )
        .await;
        start_workers(&house.catalog.state);
        house.signing.called_for("notes 1.0 slow").await;
        let next = house.signing.called(2);
        let next = tokio::time::timeout(std::time::Duration::from_secs(1), next).await;
        assert!(
            next.is_err(),
            "nothing begins before the suspect, and it waits to be alone"
        );
        // Another process has the lease of the slow one now, so this one lets it go.
        edit(
            &house,
            "UPDATE jobs SET lease_owner = 'another/0' WHERE lease_until > $1",
            0,
        )
        .await;
        house.signing.called_for("notes 1.2 late").await;
        let calls = house.signing.calls();
        assert_eq!(calls[..2], ["notes 1.0 slow", "notes 1.1 suspect"]);
    }
}

/// Rows as a clock that was an hour ahead has left them; the process that had the lease is gone.
#[tokio::test]
async fn leases_and_pauses_of_a_clock_that_was_wrong_are_none() {
    for engine in engines() {
        for left in [
            "UPDATE jobs SET next_at = $1",
            "UPDATE jobs SET lease_owner = 'gone/0', lease_until = $1",
        ] {
            let house = House::idle(engine, Settings::default()).await;
            house.app("notes").await;
            house.draft("notes", "1.0", b"one").await;
            let wish = json!({"version": "1.0", "channel": "stable"});
            let hasty = house.uploader().await.with("prefer", "wait=0");
            let path = "/api/v1/apps/notes/releases";
            hasty.post(path, wish).await.ok(202);
            let hour = 3600 * 1000;
            edit(&house, left, slipway_service::clock::unix_millis() + hour).await;
            start_workers(&house.catalog.state);
            house
                .download
                .follow(&house.catalog, crate::house::DOWNLOAD);
            let published = |release: &serde_json::Value| release["state"] == "published";
            house.eventually(&format!("{path}/1.0"), published).await;
        }
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
