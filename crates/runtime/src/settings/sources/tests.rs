use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::*;

/// A service's sections, with a key of each kind.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Own {
    limits: Limits,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    #[schemars(extend("x-applies" = "live"))]
    bytes: u64,
    folders: u16,
    #[schemars(extend("x-secret" = true, "x-applies" = "live"))]
    key: Option<String>,
    #[schemars(extend("x-applies" = "local"))]
    networks: Vec<String>,
}

impl Settings for Own {
    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.limits.bytes != 13, "13 bytes are never enough");
        Ok(())
    }
}

fn content(value: &Value) -> Content {
    value.as_object().expect("an object").clone()
}

fn documents(told: &[(&str, Value)]) -> Vec<Document> {
    let documents = told.iter().map(|(name, value)| Document {
        name: (*name).to_owned(),
        content: content(value),
    });
    documents.collect()
}

fn sources(file: &Value, process: &Value) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = DataDir::new(folder.path());
    let sources = Sources {
        file: content(file),
        process: content(process),
        ..Sources::silent::<Own>("upload", &data).expect("sources")
    };
    (folder, sources)
}

#[test]
fn documents_lie_between_the_file_and_the_process() {
    let (_folder, sources) = sources(
        &json!({"limits": {"bytes": 1, "folders": 1}}),
        &json!({"limits": {"folders": 9}}),
    );
    let told = documents(&[
        ("dev/upload", json!({"limits": {"bytes": 4}})),
        ("base", json!({"limits": {"bytes": 2, "folders": 2}})),
        ("dev", json!({"limits": {"bytes": 3}})),
    ]);
    let own = sources.settle::<Own>(&told).expect("settings").own;
    assert_eq!((own.limits.bytes, own.limits.folders), (4, 9));
}

#[test]
fn what_is_not_known_or_local_is_passed_over_in_documents() {
    let (_folder, sources) = sources(&json!({}), &json!({}));
    let told = documents(&[
        (
            "base",
            json!({"limits": {"networks": ["0.0.0.0/0"]}, "page": {"of_another": 1}}),
        ),
        (
            "dev/upload",
            json!({"limits": {"later": 1}, "http": {"listen": "0.0.0.0:1"}}),
        ),
    ]);
    let settled = sources.settle::<Own>(&told).expect("settings");
    assert!(settled.own.limits.networks.is_empty());
    assert_eq!(settled.common.http.listen, None);
    let ignored = ["limits.networks", "http.listen", "limits.later"];
    assert_eq!(settled.ignored, ignored);
}

#[test]
fn what_is_wrong_is_refused_with_its_reason() {
    let (_folder, sources) = sources(&json!({}), &json!({}));
    for (told, reason) in [
        (json!({"limits": {"bytes": "many"}}), "invalid type"),
        (json!({"limits": {"bytes": 13}}), "never enough"),
        (json!({"log": {"filter": "a=b=c"}}), "no filter of the log"),
        (json!({"limits": {"key": "secret:mail"}}), "cannot be read"),
    ] {
        let refused = sources.settle::<Own>(&documents(&[("base", told)]));
        let refused = refused.expect_err(reason).to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a_secret_is_what_lies_here_under_its_name() {
    let (_folder, sources) = sources(&json!({}), &json!({}));
    fs::create_dir_all(&sources.secrets).expect("a folder");
    fs::write(sources.secrets.join("mail"), "hunter2\n").expect("a secret");
    let told = documents(&[("base", json!({"limits": {"key": "secret:mail"}}))]);
    let settled = sources.settle::<Own>(&told).expect("settings");
    assert_eq!(settled.own.limits.key.as_deref(), Some("hunter2"));
    assert!(!format!("{:?}", settled.merged).contains("hunter2"));
}

#[test]
fn a_key_that_needs_a_restart_waits_and_is_named() {
    let (_folder, sources) = sources(&json!({"limits": {"folders": 3}}), &json!({}));
    let startup = sources.settle::<Own>(&[]).expect("settings").merged;
    let told = documents(&[("dev", json!({"limits": {"bytes": 7, "folders": 4}}))]);
    let next = sources.settle::<Own>(&told).expect("settings");
    let (running, pending) = sources.follow(&startup, &next).expect("settings");
    assert_eq!(
        (running.own.limits.bytes, running.own.limits.folders),
        (7, 3)
    );
    assert_eq!(pending, ["limits.folders"]);
    // What is as the default has it waits for nothing.
    let told = documents(&[("dev", json!({"http": {"drain_seconds": 30}}))]);
    let next = sources.settle::<Own>(&told).expect("settings");
    let (_, pending) = sources.follow(&startup, &next).expect("settings");
    assert_eq!(pending, Vec::<String>::new());
}

#[test]
fn what_is_local_is_told_without_its_value() {
    let (_folder, sources) = sources(
        &json!({"limits": {"networks": ["10.0.0.0/8"], "bytes": 1}}),
        &json!({"limits": {"key": "hunter2"}}),
    );
    let local = sources.local();
    let told: Vec<_> = local
        .iter()
        .map(|one| (one.layer.as_str(), one.key.as_str(), one.value.is_some()))
        .collect();
    let expected = [
        ("file", "limits.bytes", true),
        ("file", "limits.networks", false),
        ("process", "limits.key", false),
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_schema_is_strict_and_says_what_keys_are() {
    let schema = schema::<Own>().expect("a schema");
    assert_eq!(schema.value()["additionalProperties"], json!(false));
    assert_eq!(schema.applies("limits.bytes"), Applies::Live);
    assert_eq!(schema.applies("log.filter"), Applies::Live);
    assert_eq!(schema.applies("log.format"), Applies::Restart);
    assert_eq!(schema.applies("instances.out"), Applies::Live);
    for key in [
        "http.listen",
        "http.door",
        "http.advertise",
        "admin.listen",
        "registry.urls",
        "database.url",
    ] {
        assert_eq!(schema.applies(key), Applies::Local, "{key}");
    }
    assert_eq!(schema.default("http.drain_seconds"), Some(&json!(30)));
    assert!(!schema.value().to_string().contains("$ref"));
}
