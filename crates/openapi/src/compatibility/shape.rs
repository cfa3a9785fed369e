//! What a schema is made of.

use std::collections::BTreeSet;

use serde_json::Value;

/// Schemas that hold each other end somewhere.
pub(super) const DEPTH: usize = 12;

/// A schema with what it refers to and consists of.
#[derive(Default)]
pub(super) struct Shape<'a> {
    pub(super) types: BTreeSet<&'a str>,
    pub(super) words: Option<BTreeSet<String>>,
    members: Vec<(&'a str, &'a Value)>,
    pub(super) required: BTreeSet<&'a str>,
    pub(super) is_closed: bool,
    pub(super) items: Option<&'a Value>,
    pattern: Option<&'a str>,
    /// By the names of the upper and of the lower limits.
    limits: [Option<f64>; 6],
}

const UPPER: [&str; 3] = ["maxLength", "maximum", "maxItems"];
const LOWER: [&str; 3] = ["minLength", "minimum", "minItems"];

impl<'a> Shape<'a> {
    /// Of what may have any of these schemas.
    pub(super) fn of(document: &'a Value, schemas: &[&'a Value]) -> Self {
        let mut shape = Self::default();
        for schema in schemas {
            shape.add(document, schema, 0);
        }
        shape
    }

    /// The schemas of a member, which each alternative may have one of.
    pub(super) fn member(&self, name: &str) -> Vec<&'a Value> {
        let named = self.members.iter().filter(|(other, _)| *other == name);
        named.map(|(_, schema)| *schema).collect()
    }

    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        self.members.iter().map(|(name, _)| *name).collect()
    }

    fn add(&mut self, document: &'a Value, schema: &'a Value, depth: usize) {
        let schema = resolve(document, schema);
        if depth > DEPTH {
            return;
        }
        for part in ["allOf", "oneOf", "anyOf"] {
            for part in schema[part].as_array().into_iter().flatten() {
                self.add(document, part, depth + 1);
            }
        }
        match &schema["type"] {
            Value::String(kind) => drop(self.types.insert(kind)),
            Value::Array(kinds) => self.types.extend(kinds.iter().filter_map(Value::as_str)),
            _ => {}
        }
        let words = schema["enum"]
            .as_array()
            .map(|words| words.iter().map(Value::to_string).collect());
        let word = schema
            .get("const")
            .map(|word| BTreeSet::from([word.to_string()]));
        if let Some(words) = words.or(word) {
            self.words
                .get_or_insert_default()
                .extend::<BTreeSet<_>>(words);
        }
        self.members
            .extend(members(&schema["properties"]).map(|(name, schema)| (name.as_str(), schema)));
        self.required.extend(
            schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
        self.is_closed |= schema["additionalProperties"] == false;
        self.items = self.items.or(schema.get("items"));
        self.pattern = self.pattern.or(schema["pattern"].as_str());
        for (limit, name) in self.limits.iter_mut().zip(UPPER.iter().chain(&LOWER)) {
            *limit = limit.or(schema[*name].as_f64());
        }
    }

    /// Whether it takes less than `old`, in what it says of length, size and pattern.
    pub(super) fn is_narrower(&self, old: &Self) -> bool {
        let (upper, lower) = self.limits.split_at(UPPER.len());
        let (old_upper, old_lower) = old.limits.split_at(UPPER.len());
        let exceeds = |now: &Option<f64>, before: &Option<f64>, sign: f64| match (now, before) {
            (Some(now), Some(before)) => sign * now < sign * before,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let is_shorter = upper
            .iter()
            .zip(old_upper)
            .any(|(now, before)| exceeds(now, before, 1.0));
        let is_longer = lower
            .iter()
            .zip(old_lower)
            .any(|(now, before)| exceeds(now, before, -1.0));
        is_shorter || is_longer || (self.pattern.is_some() && self.pattern != old.pattern)
    }
}

pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

pub(super) fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    while let Some(reference) = value["$ref"].as_str() {
        match document.pointer(reference.trim_start_matches('#')) {
            Some(target) => value = target,
            None => return value,
        }
    }
    value
}
