use serde_json::{Value, json};
use slipway_configuration::Content;
use slipway_testkit::TestProcess;
use slipway_testkit::database::{Engine, engines};

use slipway_configuration::history::{Proposal, Refused};
use slipway_contract::configuration::Changed;

use super::*;
use crate::change::{Asked, Operator, Wanted};

struct Fixture {
    central: Central,
    _process: TestProcess,
}

impl Fixture {
    async fn open(engine: Engine) -> Self {
        let process = slipway_testkit::process("registry", engine).await;
        let opened = open(&process.peers).await.expect("a database");
        let central = Central {
            configuration: Configuration::none(),
            opened: OnceLock::from(opened),
            head: watch::Sender::new(1),
            followers: Mutex::default(),
        };
        let fixture = Self {
            central,
            _process: process,
        };
        fixture.hear("upload", 0).await;
        fixture
    }

    /// An instance of `service` follows, and has this revision.
    async fn hear(&self, service: &str, applied: u64) {
        let epoch = self.central.opened().expect("open").epoch.clone();
        let standing = Standing {
            environment: "dev".to_owned(),
            version: "1".to_owned(),
            schema: json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "a": {"type": "integer", "x-applies": "live"},
                    "b": {"type": "integer"},
                },
            }),
            epoch,
            applied,
            seen: applied,
            refused: None,
            pending: Vec::new(),
            ignored: Vec::new(),
            local: Vec::new(),
        };
        let holder = Holder {
            service: service.to_owned(),
            instance: "1".to_owned(),
        };
        let heard = self.central.hear(&holder, &standing).await;
        heard.expect("heard");
    }

    async fn change(
        &self,
        who: &str,
        expected: u64,
        documents: &[(&str, Value)],
    ) -> Result<Changed, Error> {
        let wanted = Wanted::Documents(proposal(documents));
        self.ask(who, Some(expected), wanted).await
    }

    async fn ask(
        &self,
        who: &str,
        expected: Option<u64>,
        wanted: Wanted,
    ) -> Result<Changed, Error> {
        let by = Operator {
            token_id: who.to_owned(),
            token_name: who.to_owned(),
            request_id: String::new(),
        };
        let asked = Asked {
            wanted,
            expected,
            reason: String::new(),
            dry_run: false,
        };
        self.central.change(&by, &asked).await
    }

    async fn offer(&self) -> (u64, Value) {
        let offer = self.central.offer("upload", "dev").await.expect("an offer");
        let documents: serde_json::Map<_, _> = offer
            .documents
            .into_iter()
            .map(|one| (one.name, Value::Object(one.content)))
            .collect();
        (offer.revision, Value::Object(documents))
    }
}

fn proposal(documents: &[(&str, Value)]) -> Proposal {
    let read = documents.iter().map(|(name, value)| {
        let content: Option<Content> = value.as_object().cloned();
        (name.parse().expect("a name"), content)
    });
    read.collect()
}

#[tokio::test]
async fn a_change_is_offered_and_told_with_what_waits() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let (revision, before) = fixture.offer().await;
        assert_eq!(revision, 1);
        assert!(before.get("base").is_some(), "{before}");
        let documents = [
            ("dev/upload", json!({"a": 1, "b": 2})),
            ("dev", json!(null)),
        ];
        let changed = fixture.change("t", 1, &documents).await.expect("a change");
        assert_eq!((changed.revision, changed.changed), (2, true));
        assert_eq!(changed.restart, ["b"]);
        let (revision, after) = fixture.offer().await;
        assert_eq!(revision, 2);
        assert_eq!(after["dev/upload"], json!({"a": 1, "b": 2}));
        assert_eq!(after.get("dev"), None);
        assert_eq!(*fixture.central.head().borrow(), 2);
    }
}

#[tokio::test]
async fn the_second_of_two_writers_is_refused_and_a_repetition_is_answered_as_it_was() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let first = [("dev/upload", json!({"a": 1}))];
        fixture.change("one", 1, &first).await.expect("the first");
        let second = fixture
            .change("two", 1, &[("dev/upload", json!({"a": 2}))])
            .await
            .expect_err("the second");
        assert!(matches!(
            second,
            Error::Change(Refused::Moved {
                head: 2,
                expected: 1
            })
        ));
        fixture
            .change("two", 2, &[("dev/upload", json!({"a": 3}))])
            .await
            .expect("on what is there");
        let again = fixture.change("one", 1, &first).await.expect("the same");
        assert_eq!((again.revision, again.changed), (2, false));
        let other = fixture.change("two", 1, &first).await;
        assert!(matches!(other, Err(Error::Change(_))), "another's");
        assert_eq!(fixture.offer().await.0, 3);
    }
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let before = fixture.offer().await;
        for bad in [json!({"a": "x"}), json!({"c": 1})] {
            let documents = [("base", json!({"b": 1})), ("dev/upload", bad)];
            let refused = fixture.change("t", 1, &documents).await;
            assert!(matches!(refused, Err(Error::Refused { .. })));
        }
        assert_eq!(fixture.offer().await, before);
    }
}

#[tokio::test]
async fn a_roll_back_is_a_new_revision_with_the_old_documents() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        let (_, before) = fixture.offer().await;
        for (revision, value) in [(1, 1), (2, 2)] {
            let documents = [("dev/upload", json!({ "a": value }))];
            fixture
                .change("t", revision, &documents)
                .await
                .expect("a change");
        }
        let back = fixture.ask("t", None, Wanted::Rollback(1)).await;
        assert_eq!(back.expect("a roll-back").revision, 4);
        assert_eq!(fixture.offer().await, (4, before));
        let unknown = fixture.ask("t", None, Wanted::Rollback(9)).await;
        assert!(matches!(unknown, Err(Error::RevisionUnknown(9))));
    }
}

/// An older copy of the database was put back: what is made on top of it has a number that nobody has seen.
#[tokio::test]
async fn a_revision_that_somebody_has_is_not_given_again() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        fixture.hear("upload", 40).await;
        let documents = [("dev/upload", json!({"a": 1}))];
        let changed = fixture.change("t", 1, &documents).await.expect("a change");
        assert_eq!(changed.revision, 41);
    }
}

#[tokio::test]
async fn what_is_forgotten_takes_no_document_with_it() {
    for engine in engines() {
        let fixture = Fixture::open(engine).await;
        fixture
            .change("t", 1, &[("dev/upload", json!({"a": 1}))])
            .await
            .expect("a change");
        fixture
            .change("t", 2, &[("dev", json!({"a": 2}))])
            .await
            .expect("a change");
        let before = fixture.offer().await;
        let database = &fixture.central.opened().expect("open").database;
        let mut transaction = database.write().await.expect("a transaction");
        revisions::forget_before(&mut transaction, 3)
            .await
            .expect("forgotten");
        let left = revisions::list(&mut transaction, i64::MAX, 10).await;
        assert_eq!(left.expect("revisions").len(), 1);
        transaction.commit().await.expect("committed");
        assert_eq!(fixture.offer().await, before);
    }
}
