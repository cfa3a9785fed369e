//! Leases, killed workers and work that kills them.

use serde_json::json;
use slipway_catalog::{Settings, start_workers};
use slipway_contract::Word;
use slipway_runtime::http::operators::router as admin;
use slipway_testkit::database::engines;

use crate::fixture::{Fixture, Instance};
use crate::signing_peer::Conduct;

#[tokio::test]
async fn two_instances_never_run_a_job_at_once() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        let other = fixture.another_instance(Settings::default()).await;
        start_workers(&other.state);
        fixture.app("notes").await;
        let mut ids = Vec::new();
        for number in 0..20 {
            let version = format!("1.{number}");
            let mut delivery = fixture.delivery("notes", &version, "notes.apk", version.as_bytes());
            delivery.channel = Some(Word::read("stable"));
            fixture.deliver(&delivery).await.ok(200);
            ids.push(delivery.id);
        }
        for id in &ids {
            let uploaded = fixture.package(id, 60).await.ok(200);
            assert_eq!(uploaded["package"]["state"], "published");
        }
        assert_eq!(fixture.signing.overlaps(), Vec::<String>::new());
        let mut calls = fixture.signing.calls();
        assert_eq!(calls.len(), ids.len(), "{calls:?}");
        calls.dedup();
        assert_eq!(calls.len(), ids.len(), "no work was done twice");
        let page = "/internal/changes?epoch=&after=0";
        let page = fixture.catalog.internal("upload", page).await.ok(200);
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
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        let doomed = fixture.another_instance(short_leases()).await;
        fixture.catalog.process.shutdown.cancel();
        let workers = doomed.start_doomed_workers();
        fixture.signing.conducts(Conduct::Hangs);
        let killed = async {
            fixture.signing.called(1).await;
            workers.shutdown_background();
            fixture.signing.conducts(Conduct::Works);
            start_workers(&fixture.another_instance(Settings::default()).await.state);
        };
        fixture.draft("notes", "1.0", b"one").await;
        let (published, ()) = tokio::join!(fixture.publish("notes", "1.0"), killed);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

#[tokio::test]
async fn an_instance_that_ends_hands_its_job_to_the_next_and_that_is_no_crash() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.catalog.process.shutdown.cancel();
        fixture.signing.conducts(Conduct::Hangs);
        fixture.draft("notes", "1.0", b"one").await;
        // With leases this long nobody would get the job in time but by its being handed over.
        let ending = async {
            for number in 1..=4 {
                let leaving = fixture.another_instance(Settings::default()).await;
                start_workers(&leaving.state);
                fixture.signing.called(number).await;
                leaving.process.shutdown.cancel();
                leaving.process.tasks.close();
                leaving.process.tasks.wait().await;
            }
            fixture.signing.conducts(Conduct::Works);
            start_workers(&fixture.another_instance(Settings::default()).await.state);
        };
        let (published, ()) = tokio::join!(fixture.publish("notes", "1.0"), ending);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

/// A process that works until signing is asked for the `number`th time, and is killed then.
async fn killed_at_call(fixture: &Fixture, number: usize) {
    let doomed = fixture.another_instance(short_leases()).await;
    let workers = doomed.start_doomed_workers();
    fixture.signing.called(number).await;
    workers.shutdown_background();
}

#[tokio::test]
async fn a_job_that_ended_three_processes_alone_is_given_up_with_its_reason() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.catalog.process.shutdown.cancel();
        fixture.signing.conducts(Conduct::Hangs);
        let id = fixture.draft("notes", "1.0", b"one").await;
        let dying = async {
            // Three times among others, and three times alone.
            for number in 1..=6 {
                killed_at_call(&fixture, number).await;
            }
            start_workers(&fixture.another_instance(short_leases()).await.state);
        };
        let (answer, ()) = tokio::join!(fixture.publish("notes", "1.0"), dying);
        let words = answer.refused(422, "release_failed");
        assert!(words.contains("ended 6 processes, 3 of them"), "{words}");
        assert_eq!(fixture.signing.calls().len(), 6, "it is not tried again");
        let uploaded = fixture.package(&id, 30).await.ok(200);
        assert_eq!(uploaded["package"]["state"], "failed");

        fixture.signing.conducts(Conduct::Works);
        let retry = "/api/v1/apps/notes/releases/1.0/retry";
        let release = fixture.admin().post(retry, json!({})).await.ok(201);
        assert_eq!(release["state"], "published");
    }
}

/// Eight kills in one long job, with a step forward between any two of them.
#[tokio::test]
async fn a_job_that_goes_forward_is_never_suspected() {
    const FILES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.catalog.process.shutdown.cancel();
        for file in FILES {
            let delivery = fixture.delivery("notes", "1.0", file, file.as_bytes());
            fixture.deliver(&delivery).await.ok(200);
        }
        let dying = async {
            for file in FILES {
                fixture.signing.conducts(Conduct::HangsAt(file));
                let doomed = fixture.another_instance(short_leases()).await;
                let workers = doomed.start_doomed_workers();
                fixture
                    .signing
                    .called_for(&format!("notes 1.0 {file}"))
                    .await;
                assert!(
                    crashes(&fixture).await.0 <= 1,
                    "each step begins the count anew"
                );
                workers.shutdown_background();
            }
            fixture.signing.conducts(Conduct::Works);
            start_workers(&fixture.another_instance(short_leases()).await.state);
        };
        let (published, ()) = tokio::join!(fixture.publish("notes", "1.0"), dying);
        assert_eq!(published.ok(201)["state"], "published");
    }
}

/// The counts of the only job.
async fn crashes(fixture: &Fixture) -> (i64, i64) {
    let counts = sqlx::query_as("SELECT crashes, alone_crashes FROM jobs");
    let counts = counts.fetch_one(&mut fixture.database().await).await;
    counts.expect("a job")
}

async fn edit(fixture: &Fixture, sql: &'static str, value: i64) {
    let edited = sqlx::query(sql).bind(value);
    let edited = edited.execute(&mut fixture.database().await).await;
    assert!(edited.expect("an edit").rows_affected() > 0, "{sql}");
}

#[tokio::test]
async fn a_suspected_job_runs_when_nothing_else_does_and_nothing_begins_before_it() {
    for engine in engines() {
        let fixture = Fixture::idle(engine, Settings::default()).await;
        fixture.app("notes").await;
        fixture.signing.conducts(Conduct::HangsAt("slow"));
        for (version, file) in [("1.0", "slow"), ("1.1", "suspect"), ("1.2", "late")] {
            let mut delivery = fixture.delivery("notes", version, file, file.as_bytes());
            delivery.channel = Some(Word::read("stable"));
            fixture.deliver(&delivery).await.ok(200);
        }
        edit(
            &fixture,
            "UPDATE jobs SET crashes = $1, next_at = next_at - 1
             WHERE subject = (SELECT id FROM releases WHERE version = '1.1')",
            3,
        )
        .await;
        edit(
            &fixture,
            "UPDATE jobs SET next_at = $1 WHERE subject = (SELECT id FROM releases WHERE version = '1.0')",
            1,
        )
        .await;
        start_workers(&fixture.catalog.state);
        fixture.signing.called_for("notes 1.0 slow").await;
        let next = fixture.signing.called(2);
        let next = tokio::time::timeout(std::time::Duration::from_secs(1), next).await;
        assert!(
            next.is_err(),
            "nothing begins before the suspect, and it waits to be alone"
        );
        // Another process has the lease of the slow one now, so this one lets it go.
        edit(
            &fixture,
            "UPDATE jobs SET lease_owner = 'another/0' WHERE lease_until > $1",
            0,
        )
        .await;
        fixture.signing.called_for("notes 1.2 late").await;
        let calls = fixture.signing.calls();
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
            let fixture = Fixture::idle(engine, Settings::default()).await;
            fixture.app("notes").await;
            fixture.draft("notes", "1.0", b"one").await;
            let body = json!({"version": "1.0", "channel": "stable"});
            let hasty = fixture.uploader().await.with("prefer", "wait=0");
            let path = "/api/v1/apps/notes/releases";
            hasty.post(path, body).await.ok(202);
            let hour = 3600 * 1000;
            edit(&fixture, left, slipway_runtime::clock::unix_millis() + hour).await;
            start_workers(&fixture.catalog.state);
            fixture.download.follow(&fixture.catalog);
            let published = |release: &serde_json::Value| release["state"] == "published";
            fixture.eventually(&format!("{path}/1.0"), published).await;
        }
    }
}

#[tokio::test]
async fn metrics_count_the_jobs() {
    for engine in engines() {
        let mut settings = Settings::default();
        settings.publishing.follower_wait_millis = 0;
        let fixture = Fixture::idle(engine, settings).await;
        fixture.app("notes").await;
        let request = http::Request::get("/metrics").body(axum::body::Body::empty());
        let request = request.expect("a request");
        let Instance { process, state, .. } = &fixture.catalog;
        let operators = admin(process, state.clone());
        let answer = slipway_testkit::call::call_for_bytes(&operators, request).await;
        let text = String::from_utf8(answer.1).expect("text");
        for line in ["jobs_pending 1", "jobs_failed 0"] {
            assert!(text.lines().any(|found| found.ends_with(line)), "{text}");
        }
    }
}
