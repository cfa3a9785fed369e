use proptest::prelude::*;
use serde_json::json;
use slipway_contract::Kind;

use super::*;
use crate::refusal::{Channel, Text};

fn delivery(change: impl FnOnce(&mut Value)) -> Result<Delivered, Refusal> {
    let id = || Uuid::now_v7().to_string();
    let mut delivery = json!({
        "id": id(),
        "app": "notes",
        "filename": "notes.apk",
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "blocks": null,
        "size": 7,
        "kind": "apk",
        "platform": "android",
        "arch": "universal",
        "facts": {"warnings": []},
        "version": "1.0",
        "channel": "stable",
        "wish": id(),
        "token_id": id(),
        "token_name": "ci",
        "request_id": id(),
    });
    change(&mut delivery);
    Delivered::read(delivery)
}

fn is_wrong(read: &Result<Delivered, Refusal>) -> bool {
    matches!(read, Err(Refusal::Delivery(Delivery::Wrong { .. })))
}

#[test]
fn what_cannot_be_is_refused_for_good() {
    assert!(delivery(|_| {}).is_ok());
    let requester = |token: &str, request: &str| json!({"token_id": token, "request_id": request});
    let good = Uuid::now_v7().to_string();
    assert!(delivery(|d| d["wished_by"] = requester(&good, &good)).is_ok());
    for (token, request) in [("administrator", &*good), (&good, "a\nb")] {
        let refused = delivery(|d| d["wished_by"] = requester(token, request));
        assert!(is_wrong(&refused));
    }
    let wrong: [fn(&mut Value); 17] = [
        |d| d["id"] = "../1".into(),
        |d| d["id"] = d["id"].as_str().expect("an id").to_uppercase().into(),
        |d| d["app"] = "Notes!".into(),
        |d| d["filename"] = "../notes.apk".into(),
        |d| d["filename"] = "notes.apk.minisig".into(),
        |d| d["sha256"] = "E3".into(),
        |d| d["blocks"] = "".into(),
        |d| d["size"] = json!(-1),
        |d| d["size"] = json!(i64::MAX),
        |d| d["kind"] = "A package".into(),
        |d| d["platform"] = "".into(),
        |d| d["arch"] = "a".repeat(33).into(),
        |d| d["facts"] = json!(["a"]),
        |d| d["facts"] = json!({"label": "a".repeat(LONGEST_FACTS)}),
        |d| d["wish"] = "again".into(),
        |d| d["token_id"] = "administrator".into(),
        |d| d["request_id"] = "a\nb".into(),
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        assert!(is_wrong(&delivery(change)), "{number}");
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
    assert!(delivery(|d| d["platform"] = "none".into()).is_ok());
    assert!(delivery(|d| d["arch"] = "riscv64".into()).is_ok());
}

#[test]
fn what_a_later_version_may_know_waits() {
    for change in [
        (|d| d["kind"] = "tape".into()) as fn(&mut Value),
        |d| d["platform"] = "freebsd".into(),
        |d| d["arch"] = "a".repeat(30).into(),
    ] {
        let waits = delivery(change).expect_err("a wait");
        assert!(matches!(waits, Refusal::Delivery(Delivery::Unknown { .. })));
    }
}

/// Nothing is refused for good because two versions differ in the form of what they send.
#[test]
fn another_form_waits() {
    for change in [
        (|d| d["app"] = json!(["notes"])) as fn(&mut Value),
        |d| d["sha256"] = Value::Null,
        |d| d["size"] = "7".into(),
        |d| d["kind"] = json!({"name": "apk"}),
        |d| *d = json!([]),
        |d| drop(d.as_object_mut().expect("an object").remove("filename")),
    ] {
        let waits = delivery(change).expect_err("a wait");
        assert!(matches!(waits, Refusal::Delivery(Delivery::Unreadable(_))));
    }
}

#[test]
fn words_of_a_developer_keep_their_own_codes() {
    let refused = delivery(|d| d["version"] = "one".into());
    assert!(matches!(refused, Err(Refusal::Text(Text::Version(_)))));
    let refused = delivery(|d| d["channel"] = "No".into());
    assert!(matches!(
        refused,
        Err(Refusal::Channel(Channel::Invalid(_)))
    ));
}

proptest! {
    /// A word is taken, waits for a later version, or is refused for good; nothing else of it comes into a row.
    #[test]
    fn every_word_is_known_or_waits_or_is_wrong(word in ".{0,40}") {
        let known = word.parse::<Kind>().is_ok();
        match delivery(|d| d["kind"] = word.clone().into()) {
            Ok(delivered) => prop_assert_eq!(delivered.file.kind.as_str(), word),
            Err(Refusal::Delivery(Delivery::Unknown { .. })) => {
                prop_assert!(!known && word.len() <= LONGEST_WORD && word.is_ascii());
            }
            Err(refused) => prop_assert!(is_wrong(&Err(refused)) && !known),
        }
    }

    /// An upload that was taken over may name any time: it counts from a day ago to a clock's error from now.
    #[test]
    fn an_acknowledgement_is_believed_near_now(at: Option<i64>, now in 0..4_000_000_000_000_i64) {
        let judged = judged_at(at, now);
        prop_assert!(judged >= now - LONGEST_AGO && judged <= now + clock::TOLERANCE_MILLIS);
    }

    #[test]
    fn a_package_stays_in_the_release_that_it_is_in(
        release in prop::option::of("[ab]"), wanted in prop::option::of("[ab]"), names_version: bool,
    ) {
        let home = home("1", release.as_deref(), names_version, wanted.as_deref());
        let moved = names_version && release.is_some() && release != wanted;
        prop_assert_eq!(home.is_err(), moved);
        prop_assert_eq!(home == Ok(Home::Join), names_version && release.is_none());
    }
}

#[test]
fn a_list_of_blocks_is_never_changed() {
    let digest = |text: &str| text.parse::<Digest>().expect("a digest");
    let (one, other) = (digest(&"11".repeat(32)), digest(&"22".repeat(32)));
    assert_eq!(check_blocks("1", None, &one), Ok(()));
    assert_eq!(check_blocks("1", Some(one), &one), Ok(()));
    assert!(check_blocks("1", Some(other), &one).is_err());
}
