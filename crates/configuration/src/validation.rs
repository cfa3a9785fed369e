//! Whether documents are what the services that take them can read: by the schemas that live instances have told.
//!
//! A document for all services holds the keys of all: each takes those that it has. So a key is known when one of them has
//! it, and every one that has it has to permit its value.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::content::{self, Content, leaves};
use crate::document::DocumentName;
use crate::refusal::Refusal;
use crate::schema::{Applies, Schema, nearest};
use crate::secret;

/// The schemas of a service's live instances, the newest version's first.
pub type Schemas = BTreeMap<String, Vec<Schema>>;

/// Whether `document` may say `content`.
pub fn check(document: &DocumentName, content: &Content, schemas: &Schemas) -> Result<(), Refusal> {
    if let Some(name) = content::odd_name(content) {
        let reason = "a name has letters, digits, _ and - alone";
        return Err(Refusal::of(&name, reason));
    }
    let of: Vec<_> = schemas
        .iter()
        .filter(|(service, _)| document.service().is_none_or(|only| only == *service))
        .collect();
    if of.is_empty() && !content.is_empty() {
        let service = document.service().unwrap_or("any service");
        return Err(Refusal::whole(format!(
            "what can be set for {service} is not known here: start an instance of it, which tells"
        )));
    }
    for (key, value) in leaves(content) {
        check_key(&of, &key, &value)?;
    }
    for schema in of.iter().flat_map(|(_, schemas)| schemas.iter()) {
        check_values(schema, content)?;
    }
    Ok(())
}

fn check_key(of: &[(&String, &Vec<Schema>)], key: &str, value: &Value) -> Result<(), Refusal> {
    // What only older instances know is misspelt by today's names.
    let newest = of.iter().filter_map(|(_, schemas)| schemas.first());
    let know: Vec<_> = newest.clone().filter(|schema| schema.knows(key)).collect();
    if know.is_empty() {
        return Err(Refusal {
            nearest: nearest(newest, key),
            ..Refusal::of(key, "there is no such setting")
        });
    }
    if know
        .iter()
        .any(|schema| schema.applies(key) == Applies::Local)
    {
        return Err(Refusal::of(
            key,
            "this is set where the process runs and nowhere else: in its file, its variables or on its command line",
        ));
    }
    let refers = value.as_str().and_then(secret::name).is_some();
    if know.iter().any(|schema| schema.is_secret(key)) && !refers && !value.is_null() {
        return Err(Refusal::of(
            key,
            "this is a secret, and no document holds one: write secret:NAME, and put it into the file NAME among the service's secrets",
        ));
    }
    Ok(())
}

fn check_values(schema: &Schema, content: &Content) -> Result<(), Refusal> {
    let (taken, _) = schema.take(content);
    let validator = jsonschema::validator_for(schema.value())
        .map_err(|error| Refusal::whole(format!("a schema cannot be used: {error}")))?;
    let taken = Value::Object(taken);
    match validator.iter_errors(&taken).next() {
        None => Ok(()),
        Some(error) => {
            let pointer = error.instance_path().to_string();
            let key = pointer.trim_start_matches('/').replace('/', ".");
            Err(Refusal::of(&key, error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemas() -> Schemas {
        let schema = |limit: Value| {
            Schema::new(json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "limits": {"type": "object", "additionalProperties": false, "properties": limit},
                    "listen": {"type": "string", "x-applies": "local"},
                    "key": {"type": "string", "x-secret": true},
                },
            }))
        };
        let number = |most: u64| json!({"type": "integer", "minimum": 0, "maximum": most});
        [
            (
                "upload".to_owned(),
                vec![schema(json!({"bytes": number(100), "both": number(10)}))],
            ),
            (
                "catalog".to_owned(),
                vec![schema(json!({"both": number(20)}))],
            ),
        ]
        .into()
    }

    fn told(document: &str, content: &Value) -> Result<(), Refusal> {
        let document = document.parse().expect("a name");
        check(
            &document,
            content.as_object().expect("an object"),
            &schemas(),
        )
    }

    #[test]
    fn a_document_of_all_holds_the_keys_of_all() {
        assert_eq!(
            told("base", &json!({"limits": {"bytes": 1, "both": 1}})),
            Ok(())
        );
        assert_eq!(told("dev/upload", &json!({"limits": {"bytes": 1}})), Ok(()));
    }

    #[test]
    fn a_refusal_names_the_key_the_reason_and_what_may_be_meant() {
        let refused = |document, content| told(document, &content).expect_err("a refusal");
        let unknown = refused("dev/catalog", json!({"limits": {"bytes": 1}}));
        assert_eq!(unknown.key.as_deref(), Some("limits.bytes"));
        let misspelt = refused("base", json!({"limits": {"bites": 1}}));
        assert_eq!(misspelt.nearest.as_deref(), Some("limits.bytes"));
        let wide = refused("base", json!({"limits": {"both": 15}}));
        assert_eq!(wide.key.as_deref(), Some("limits.both"));
        assert!(wide.reason.contains("10"), "{wide}");
        let kind = refused("base", json!({"limits": {"bytes": "many"}}));
        assert_eq!(kind.key.as_deref(), Some("limits.bytes"));
        let local = refused("base", json!({"listen": "0.0.0.0:1"}));
        assert!(local.reason.contains("command line"), "{local}");
        let service = refused("dev/scanner", json!({"a": 1}));
        assert!(service.reason.contains("scanner"), "{service}");
        let section = refused("base", json!({"limits": 1}));
        assert_eq!(section.key.as_deref(), Some("limits"));
    }

    #[test]
    fn a_secret_is_only_referred_to() {
        assert_eq!(told("base", &json!({"key": "secret:mail"})), Ok(()));
        let refused = told("base", &json!({"key": "hunter2"})).expect_err("a refusal");
        assert!(refused.reason.contains("secret:NAME"), "{refused}");
        assert!(!refused.to_string().contains("hunter2"));
    }
}
