//! What there is to set: the JSON Schema of a service's settings, with its sections written out where they are used.
//!
//! A key, or a whole section, carries `x-applies`: `live`, `restart` or `local`; without it, `restart`. `x-secret` marks a
//! value that a document may only refer to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{Content, leaves, set};

/// When a change of a value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// At once.
    Live,
    /// When the process begins anew.
    Restart,
    /// It decides whom the process trusts and where it is: only the machine itself says it.
    Local,
}

/// The schema of one service's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(Value);

/// How far a key may be from a name that is meant: a third of it, since a longer one is misspelt in more places.
const NEAR: usize = 3;

impl Schema {
    pub fn new(schema: Value) -> Self {
        Self(schema)
    }

    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Whether it has this value, or this section.
    pub fn knows(&self, key: &str) -> bool {
        self.way(key).is_some()
    }

    pub fn applies(&self, key: &str) -> Applies {
        let marked = |node: &&Value| node.get("x-applies").is_some();
        let way = self.way(key).unwrap_or_default();
        let Some(node) = way.into_iter().rev().find(marked) else {
            return Applies::Restart;
        };
        match node["x-applies"].as_str() {
            Some("live") => Applies::Live,
            Some("restart") => Applies::Restart,
            // What is not known here is not set from afar.
            _ => Applies::Local,
        }
    }

    pub fn is_secret(&self, key: &str) -> bool {
        let way = self.way(key).unwrap_or_default();
        way.iter().any(|node| node["x-secret"] == Value::Bool(true))
    }

    /// The compiled default of a value, where the schema says it.
    pub fn default(&self, key: &str) -> Option<&Value> {
        self.way(key)?.last()?.get("default")
    }

    /// What a value is for, in the words of the program.
    pub fn description(&self, key: &str) -> Option<&str> {
        self.way(key)?.last()?.get("description")?.as_str()
    }

    /// Every value that there is.
    pub fn keys(&self) -> Vec<String> {
        let mut found = Vec::new();
        gather(&self.0, "", &mut found);
        found
    }

    /// What of `content` a process with these settings takes, and the keys that it leaves: what it does not know, and what
    /// is not to be said from afar.
    pub fn take(&self, content: &Content) -> (Content, Vec<String>) {
        let (mut taken, mut left) = (Content::new(), Vec::new());
        for (key, value) in leaves(content) {
            if self.knows(&key) && self.applies(&key) != Applies::Local {
                set(&mut taken, &key, value);
            } else {
                left.push(key);
            }
        }
        (taken, left)
    }

    /// The schemas on the way to a key, its own last.
    fn way(&self, key: &str) -> Option<Vec<&Value>> {
        let mut node = &self.0;
        let mut way = vec![node];
        for name in key.split('.') {
            node = properties(node)?.get(name)?;
            way.push(node);
        }
        Some(way)
    }
}

/// The key of `schemas` that is nearest to one that none of them has.
pub fn nearest<'a>(schemas: impl Iterator<Item = &'a Schema>, key: &str) -> Option<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let known: Vec<_> = schemas.flat_map(Schema::keys).collect();
    let by_distance: BTreeMap<_, _> = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, key), known))
        .rev()
        .collect();
    let near = by_distance
        .into_iter()
        .next()
        .filter(|(distance, _)| *distance <= (key.len() / NEAR).max(2));
    // The value may stand in another section than was thought.
    let elsewhere = || known.iter().find(|known| last(known) == last(key));
    near.map(|(_, known)| known).or_else(elsewhere).cloned()
}

/// The values of a section. One that may be left out stands beside `null`.
fn properties(node: &Value) -> Option<&serde_json::Map<String, Value>> {
    if let Some(Value::Object(properties)) = node.get("properties") {
        return Some(properties);
    }
    let choices = ["anyOf", "oneOf", "allOf"];
    choices.into_iter().find_map(|choice| {
        let nodes = node.get(choice)?.as_array()?;
        nodes.iter().find_map(properties)
    })
}

fn gather(node: &Value, before: &str, found: &mut Vec<String>) {
    for (name, node) in properties(node).into_iter().flatten() {
        let key = format!("{before}{name}");
        if properties(node).is_some() {
            gather(node, &format!("{key}."), found);
        } else {
            found.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::new(json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "limits": {
                    "type": "object", "x-applies": "live",
                    "properties": {
                        "package_bytes": {"type": "integer", "default": 7},
                        "folder": {"type": ["string", "null"], "x-applies": "restart"},
                    },
                },
                "quota": {"anyOf": [{"type": "object", "properties": {"bytes": {"type": "integer"}}}, {"type": "null"}]},
                "database": {"type": "object", "x-applies": "local", "properties": {"url": {"type": "string", "x-secret": true}}},
            },
        }))
    }

    #[test]
    fn a_mark_of_a_section_holds_for_its_values_unless_they_have_their_own() {
        let schema = schema();
        assert_eq!(schema.applies("limits.package_bytes"), Applies::Live);
        assert_eq!(schema.applies("limits.folder"), Applies::Restart);
        assert_eq!(schema.applies("quota.bytes"), Applies::Restart);
        assert_eq!(schema.applies("database.url"), Applies::Local);
        assert!(schema.is_secret("database.url"));
        assert_eq!(schema.default("limits.package_bytes"), Some(&json!(7)));
        let keys = [
            "database.url",
            "limits.folder",
            "limits.package_bytes",
            "quota.bytes",
        ];
        let mut found = schema.keys();
        found.sort();
        assert_eq!(found, keys);
    }

    #[test]
    fn what_is_not_known_or_not_to_be_said_from_afar_is_left() {
        let content = json!({"limits": {"package_bytes": 1, "later": 2}, "database": {"url": "x"}});
        let content = content.as_object().expect("an object");
        let (taken, left) = schema().take(content);
        assert_eq!(
            Value::Object(taken),
            json!({"limits": {"package_bytes": 1}})
        );
        assert_eq!(left, ["database.url", "limits.later"]);
    }

    #[test]
    fn a_mark_that_is_not_known_lets_nobody_in() {
        let schema = Schema::new(json!({"properties": {"a": {"x-applies": "later"}}}));
        assert_eq!(schema.applies("a"), Applies::Local);
    }

    #[test]
    fn what_may_have_been_meant_is_told() {
        let schema = schema();
        let near = |key| nearest([&schema].into_iter(), key);
        assert_eq!(
            near("limits.pakage_bytes").as_deref(),
            Some("limits.package_bytes")
        );
        assert_eq!(
            near("store.package_bytes").as_deref(),
            Some("limits.package_bytes")
        );
        assert_eq!(near("nothing.like_it"), None);
    }
}
