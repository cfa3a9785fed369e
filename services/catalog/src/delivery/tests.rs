use serde_json::json;

use super::*;

fn delivery(change: impl FnOnce(&mut api::Delivery)) -> Result<Delivered, (u16, &'static str)> {
    let mut delivery = api::Delivery {
        id: Uuid::now_v7().to_string(),
        app: "notes".to_owned(),
        filename: "notes.apk".to_owned(),
        sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        blocks: None,
        size: 7,
        kind: "apk".to_owned(),
        platform: "android".to_owned(),
        arch: "universal".to_owned(),
        facts: json!({"warnings": []}),
        version: Some("1.0".to_owned()),
        channel: Some("stable".to_owned()),
        intent: Uuid::now_v7().to_string(),
        token_id: Uuid::now_v7().to_string(),
        token_name: "ci".to_owned(),
        request_id: Uuid::now_v7().to_string(),
        requested_by: None,
        acknowledged_at: None,
        replaces: Vec::new(),
        notes: None,
        strict: false,
        create_channel: false,
        heard: None,
    };
    change(&mut delivery);
    Delivered::read(delivery).map_err(|problem| (problem.status.as_u16(), problem.code))
}

#[test]
fn what_cannot_be_is_refused_for_good() {
    assert!(delivery(|_| {}).is_ok());
    let requester = |token: &str, request: &str| {
        let (token_id, request_id) = (token.to_owned(), request.to_owned());
        Some(Requester {
            token_id,
            request_id,
        })
    };
    let good = Uuid::now_v7().to_string();
    assert!(delivery(|d| d.requested_by = requester(&good, &good)).is_ok());
    for (token, request) in [("administrator", &*good), (&good, "a\nb")] {
        let refused = delivery(|d| d.requested_by = requester(token, request));
        assert_eq!(refused.expect_err("one"), (422, "delivery_invalid"));
    }
    let wrong: [fn(&mut api::Delivery); 17] = [
        |d| d.id = "../1".into(),
        |d| d.id = d.id.to_uppercase(),
        |d| d.app = "Notes!".into(),
        |d| d.filename = "../notes.apk".into(),
        |d| d.filename = "notes.apk.minisig".into(),
        |d| d.sha256 = "E3".into(),
        |d| d.blocks = Some(String::new()),
        |d| d.size = -1,
        |d| d.size = i64::MAX,
        |d| d.kind = "A package".into(),
        |d| d.platform = String::new(),
        |d| d.arch = "a".repeat(33),
        |d| d.facts = json!(["a"]),
        |d| d.facts = json!({"label": "a".repeat(LONGEST_FACTS)}),
        |d| d.intent = "again".into(),
        |d| d.token_id = "administrator".into(),
        |d| d.request_id = "a\nb".into(),
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let refused = delivery(change).expect_err("a refusal");
        assert_eq!(refused, (422, "delivery_invalid"), "{number}");
    }
}

#[test]
fn an_acknowledgement_counts_for_a_day() {
    let (now, second, day) = (1_000_000_000_000, 1000, 24 * 3600 * 1000);
    for (at, judged) in [
        (None, now),
        (Some(now - second), now - second),
        (Some(now - day), now - day),
        (Some(now - day - 1), now),
        (Some(now + second), now + second),
        (Some(now + 31 * second), now),
        (Some(i64::MIN), now),
        (Some(i64::MAX), now),
    ] {
        assert_eq!(judged_at(at, now), judged, "{at:?}");
    }
}

#[test]
fn what_counts_for_no_platform_and_what_is_known_by_its_name_is_taken() {
    assert!(delivery(|d| d.platform = "none".into()).is_ok());
    assert!(delivery(|d| d.arch = "riscv64".into()).is_ok());
}

#[test]
fn what_a_later_version_may_know_waits() {
    for change in [
        (|d| d.kind = "tape".into()) as fn(&mut api::Delivery),
        |d| d.platform = "freebsd".into(),
        |d| d.arch = "a".repeat(30),
    ] {
        let waits = delivery(change).expect_err("a wait");
        assert_eq!(waits, (503, "delivery_unknown"));
    }
}

#[test]
fn words_of_a_developer_keep_their_own_codes() {
    let code = |change: fn(&mut api::Delivery)| delivery(change).expect_err("a refusal");
    assert_eq!(
        code(|d| d.version = Some("one".into())),
        (422, "version_invalid")
    );
    assert_eq!(
        code(|d| d.channel = Some("No".into())),
        (422, "channel_invalid")
    );
}
