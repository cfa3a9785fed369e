//! Two instances over one database.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use slipway_testkit::database::engines;
use tokio::task::JoinSet;

use crate::{Instance, first, statement, text};

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_that_race_on_fifty_statements_give_equal_bytes() {
    for engine in engines() {
        let (one, folder) = first(engine).await;
        let two = Instance::start(&folder.process)
            .await
            .expect("a second instance");
        one.store(b"bytes");
        let instances = [Arc::new(one), Arc::new(two)];
        let mut answers = JoinSet::new();
        for number in 0..50 {
            for instance in &instances {
                let instance = instance.clone();
                answers.spawn(async move {
                    let wanted = statement("notes", &format!("{number}.0"), b"bytes");
                    (number, instance.signature(&wanted).await)
                });
            }
        }
        let answers: HashSet<_> = answers.join_all().await.into_iter().collect();
        assert_eq!(answers.len(), 50, "on {engine:?}");
        assert_eq!(instances[0].signatures().await, 50);
        assert_eq!(instances[0].files().len(), 50);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sets_of_bytes_that_race_for_a_name_one_is_stated() {
    for engine in engines() {
        let (one, folder) = first(engine).await;
        let two = Instance::start(&folder.process)
            .await
            .expect("a second instance");
        one.store(b"first");
        one.store(b"other");
        let instances = [(Arc::new(one), b"first"), (Arc::new(two), b"other")];
        let mut answers = JoinSet::new();
        for number in 0..20 {
            for (instance, content) in &instances {
                let (instance, content) = (instance.clone(), *content);
                answers.spawn(async move {
                    let wanted = statement("notes", &format!("{number}.0"), content);
                    instance.sign(&wanted).await.0.as_u16()
                });
            }
        }
        let mut answers = answers.join_all().await;
        answers.sort_unstable();
        assert_eq!(answers, [[200; 20], [409; 20]].concat(), "on {engine:?}");
        assert_eq!(instances[0].0.files().len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_that_race_on_the_keys_of_twenty_apps_make_twenty() {
    for engine in engines() {
        let (one, folder) = first(engine).await;
        let two = Instance::start(&folder.process)
            .await
            .expect("a second instance");
        let instances = [Arc::new(one), Arc::new(two)];
        let mut answers = JoinSet::new();
        for number in 0..20 {
            for instance in &instances {
                let instance = instance.clone();
                answers.spawn(async move {
                    let app = format!("app-{number}");
                    let (_, key) = instance.post("/internal/keys", &json!({"app": app})).await;
                    (text(&key, "key_id"), text(&key, "public_key"))
                });
            }
        }
        let answers: HashSet<_> = answers.join_all().await.into_iter().collect();
        assert_eq!(answers.len(), 20, "on {engine:?}");
    }
}
