//! What operators are told: of those that hold a lease, as they report it, and to nobody else.

use http::Method;
use serde_json::{Value, json};
use slipway_contract::fleet::Fleet;

use crate::fixture::Fixture;

async fn told(fixture: &Fixture) -> Fleet {
    let answer = fixture
        .ask("gateway", Method::GET, "/internal/fleet", "")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_value(answer.body).expect("the fleet")
}

/// A heartbeat with a report.
async fn report(fixture: &Fixture, mut beat: Value, report: Value) {
    let path = format!(
        "/internal/instances/{}",
        beat["instance"].as_str().expect("a name")
    );
    beat["report"] = report;
    let answer = fixture
        .ask("upload", Method::PUT, &path, &beat.to_string())
        .await;
    answer.beat();
}

#[tokio::test]
async fn what_an_instance_reports_is_told_while_it_holds_a_lease() {
    let fixture = Fixture::new().await;
    let upload = fixture.instance("upload").await;
    let record = upload.record();
    let beat = serde_json::to_value(&record).expect("JSON");
    let waits = json!({"words": "notes.bin\n\u{1b}[2J waits", "since": 1000, "on": "catalog"});
    let said = json!({"waits": waits, "numbers": {"outbox_rows": 1}});
    report(&fixture, beat.clone(), said).await;
    let fleet = told(&fixture).await;
    let words = "catalog: no instance";
    let named = fleet.problems.iter().find(|said| said.starts_with(words));
    let named = named.expect("who is missing is named");
    assert!(
        named.contains("notes.bin\u{fffd}\u{fffd}[2J waits"),
        "{named}"
    );
    let of = |fleet: &Fleet, service: &str| {
        let mut services = fleet.services.iter();
        let found = services.find(|standing| standing.service == service);
        found.expect("every service is told").instances.clone()
    };
    assert_eq!(of(&fleet, "registry").len(), 1, "the one that answers");
    let told_of = &of(&fleet, "upload")[0];
    let numbers = &told_of.report.as_ref().expect("a report").numbers;
    assert_eq!(numbers["outbox_rows"], 1);

    // An earlier version's heartbeat takes nothing back, and one that cannot be read costs no lease.
    fixture.beat("upload", &record).await.beat();
    report(&fixture, beat, json!({"numbers": "many"})).await;
    assert!(of(&told(&fixture).await, "upload")[0].report.is_some());
    fixture.leave("upload", &record.instance).await.beat();
    let gone = told(&fixture).await;
    let named = |said: &String| said.starts_with("upload: no instance");
    assert!(gone.problems.iter().any(named), "{:?}", gone.problems);
}

#[tokio::test]
async fn the_fleet_is_told_to_operators_alone() {
    let fixture = Fixture::new().await;
    for caller in ["upload", "catalog", "signing"] {
        let answer = fixture
            .ask(caller, Method::GET, "/internal/fleet", "")
            .await;
        assert_eq!(answer.verdict(), (403, "caller_not_permitted"), "{caller}");
    }
    let path = "/api/v1/fleet";
    let answer = fixture.ask("gateway", Method::GET, path, "").await;
    assert_eq!(answer.verdict(), (401, "token_missing"));
}
