use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::content::trees;

fn name(text: &str) -> DocumentName {
    text.parse().expect("a name")
}

fn content(value: &Value) -> Content {
    value.as_object().expect("an object").clone()
}

fn state(documents: &[(&str, Value)]) -> State {
    let documents = documents.iter();
    State {
        revision: 7,
        documents: documents
            .map(|(text, value)| (name(text), content(value)))
            .collect(),
    }
}

fn names() -> impl Strategy<Value = DocumentName> {
    prop_oneof![
        Just("base"),
        Just("staging"),
        Just("production"),
        Just("staging/upload"),
        Just("production/upload"),
        Just("production/gateway"),
    ]
    .prop_map(name)
}

fn proposals() -> impl Strategy<Value = Proposal> {
    prop::collection::btree_map(names(), prop::option::of(trees()), 0..3)
}

#[test]
fn of_two_writers_on_one_revision_the_second_is_refused() {
    let before = state(&[("base", json!({"a": 1}))]);
    let first = [(name("base"), Some(content(&json!({"a": 2}))))].into();
    let second = [(name("base"), Some(content(&json!({"a": 3}))))].into();
    let after = applied(&before, &plan(&before, Some(7), &first).expect("the first"));
    assert_eq!(after.revision, 8);
    let refused = plan(&after, Some(7), &second).expect_err("the second");
    assert_eq!(
        refused,
        Refused::Moved {
            head: 8,
            expected: 7
        }
    );
}

#[test]
fn what_changes_nothing_makes_no_revision() {
    let before = state(&[("base", json!({"a": 1}))]);
    let same = [(name("base"), Some(content(&json!({"a": 1, "empty": {}}))))].into();
    let plan = plan(&before, Some(7), &same).expect("a plan");
    assert!(plan.is_empty());
    assert_eq!(applied(&before, &plan), before);
}

#[test]
fn one_environment_becomes_what_another_is() {
    let before = state(&[
        ("base", json!({"a": 1})),
        ("staging", json!({"a": 2, "b": {"c": 3}})),
        ("staging/upload", json!({"d": 4})),
        ("production", json!({"a": 9, "b": {"e": 5}})),
        ("production/gateway", json!({"f": 6})),
    ]);
    let whole = promote(&before.documents, "staging", "production", &[]);
    let after = applied(&before, &plan(&before, None, &whole).expect("a plan")).documents;
    assert_eq!(environment_differences(&after, "staging", "production"), []);
    assert_eq!(after[&name("base")], before.documents[&name("base")]);
    assert_eq!(after[&name("staging")], before.documents[&name("staging")]);
    let part = promote(
        &before.documents,
        "staging",
        "production",
        &["b.c".to_owned()],
    );
    let after = applied(&before, &plan(&before, None, &part).expect("a plan")).documents;
    assert_eq!(
        Value::Object(after[&name("production")].clone()),
        json!({"a": 9, "b": {"c": 3, "e": 5}})
    );
    assert_eq!(
        after[&name("production/gateway")],
        content(&json!({"f": 6}))
    );
    assert!(!after.contains_key(&name("production/upload")));
}

#[test]
fn too_much_is_refused_and_names_how_much() {
    let long = "x".repeat(MAX_BYTES);
    let proposal = [(name("base"), Some(content(&json!({"a": long}))))].into();
    let refused = plan(&State::default(), Some(0), &proposal).expect_err("too much");
    assert!(matches!(refused, Refused::TooLarge { bytes } if bytes > MAX_BYTES));
}

#[test]
fn history_is_kept_by_number_and_by_age() {
    let day = 24 * 3600 * 1000;
    let made = |count: u64, days: i64| -> Vec<Made> {
        let all = (1..=count).map(|revision| Made {
            revision,
            at: i64::try_from(revision).expect("small") * days * day,
        });
        all.collect()
    };
    assert_eq!(oldest_kept(&[], 0), None);
    // A day apart: ninety of a hundred and fifty are young.
    assert_eq!(oldest_kept(&made(150, 1), 150 * day), Some(61));
    // A week apart: fifty stay, though most are older than ninety days.
    assert_eq!(oldest_kept(&made(100, 7), 700 * day), Some(51));
    assert_eq!(oldest_kept(&made(10, 7), 10_000 * day), Some(1));
}

proptest! {
    /// Any run of changes: numbers rise by one, a roll-back gives what was, and the differences of the history lead from
    /// the first state to the last.
    #[test]
    fn a_history_is_whole(proposals in prop::collection::vec(proposals(), 0..8), back in 0..8usize) {
        let mut history = vec![State::default()];
        for proposal in &proposals {
            let now = history.last().expect("a state").clone();
            let plan = plan(&now, Some(now.revision), proposal).expect("a small plan");
            let next = applied(&now, &plan);
            prop_assert_eq!(next.revision, now.revision + u64::from(!plan.is_empty()));
            prop_assert_eq!(&plan.differences, &differences(&now.documents, &next.documents));
            for (name, content) in proposal {
                let wanted = content.as_ref().map(compact);
                prop_assert_eq!(next.documents.get(name), wanted.as_ref());
            }
            if next != now {
                history.push(next);
            }
        }
        let (now, then) = (history.last().expect("a state"), &history[back.min(history.len() - 1)]);
        let proposal = rollback(&now.documents, &then.documents);
        let rolled = applied(now, &plan(now, None, &proposal).expect("a plan"));
        prop_assert_eq!(&rolled.documents, &then.documents);
        prop_assert!(rolled.revision >= now.revision);
    }

    /// Writers that go on from what they read: each change is on what its writer saw, and nobody's is lost unseen.
    #[test]
    fn no_change_is_lost_unseen(writes in prop::collection::vec((0..3usize, proposals(), any::<bool>()), 0..20)) {
        let mut now = State::default();
        let mut seen = [0u64; 3];
        for (writer, proposal, reads_first) in writes {
            if reads_first {
                seen[writer] = now.revision;
            }
            let before = now.revision;
            match plan(&now, Some(seen[writer]), &proposal) {
                Ok(plan) => {
                    prop_assert_eq!(seen[writer], before);
                    now = applied(&now, &plan);
                    seen[writer] = now.revision;
                }
                Err(refused) => {
                    let expected = seen[writer];
                    prop_assert_eq!(refused, Refused::Moved { head: before, expected });
                    prop_assert_ne!(expected, before);
                }
            }
        }
    }

    #[test]
    fn the_newest_and_the_young_are_kept(ages in prop::collection::vec(0..400i64, 0..120)) {
        let day = 24 * 3600 * 1000;
        let mut ages = ages;
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let now = 1000 * day;
        let made: Vec<_> = ages.iter().zip(1..).map(|(age, revision)| Made { revision, at: now - age * day }).collect();
        let kept = oldest_kept(&made, now).unwrap_or(1);
        let stays = |revision: u64| revision >= kept;
        for (place, one) in made.iter().enumerate() {
            let newest = made.len() - place <= KEPT;
            let young = now - one.at < KEPT_MILLIS;
            prop_assert_eq!(stays(one.revision), newest || young);
        }
    }
}
