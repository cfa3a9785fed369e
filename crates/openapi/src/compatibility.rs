//! What may not change between two descriptions of the API, so that whoever was written against the earlier one goes on.
//!
//! A client sends what it sent before, and takes members, words and statuses that it does not know. So an operation, a
//! parameter, a member of an answer stays, with its type; a request asks for nothing more; what was taken is taken.

use std::collections::BTreeSet;

use serde_json::Value;

const METHODS: [&str; 7] = ["get", "put", "post", "patch", "delete", "head", "options"];
/// Schemas that hold each other end somewhere.
const DEPTH: usize = 12;

/// One incompatible change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    /// `METHOD /path`, with what is inside of it: `answer 200 items[].name`.
    pub place: String,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    OperationRemoved,
    ParameterRemoved,
    ParameterRequired,
    /// A member of a request that has to be there now.
    MemberRequired,
    /// A member of a request that is not taken any more.
    MemberRefused,
    /// A member of an answer that is not told any more.
    MemberRemoved,
    /// A member of an answer that was always there, and may be absent now.
    MemberOptional,
    /// A status of success that is not answered any more.
    StatusRemoved,
    ContentTypeRemoved,
    /// Other types than before: fewer in a request, more in an answer.
    Retyped,
    /// Words of an enumeration that are not told or taken any more.
    WordsRemoved,
    /// A request's text, number or list may hold less than before, as far as the descriptions say.
    Narrowed,
}

/// The incompatible changes from `old` to `new`, each once.
pub fn breaks(old: &Value, new: &Value) -> BTreeSet<Break> {
    let mut found = Found {
        old,
        new,
        breaks: BTreeSet::new(),
    };
    for (path, item) in members(&old["paths"]) {
        let new_item = members(&new["paths"]).find(|(other, _)| unnamed(other) == unnamed(path));
        for method in METHODS
            .into_iter()
            .filter(|method| item.get(method).is_some())
        {
            let place = format!("{} {path}", method.to_uppercase());
            match new_item.map(|(_, new_item)| (new_item, &new_item[method])) {
                Some((new_item, operation)) if operation.is_object() => {
                    found.parameters(&place, (item, &item[method]), (new_item, operation));
                    found.request(
                        &place,
                        &item[method]["requestBody"],
                        &operation["requestBody"],
                    );
                    found.answers(&place, &item[method]["responses"], &operation["responses"]);
                }
                _ => found.note(&place, What::OperationRemoved),
            }
        }
    }
    found.breaks
}

/// A path without the names of its parameters, which no client sends.
fn unnamed(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Answer,
}

struct Found<'a> {
    old: &'a Value,
    new: &'a Value,
    breaks: BTreeSet<Break>,
}

impl<'a> Found<'a> {
    fn note(&mut self, place: &str, what: What) {
        let place = place.to_owned();
        self.breaks.insert(Break { place, what });
    }

    fn parameters(
        &mut self,
        place: &str,
        old: (&'a Value, &'a Value),
        new: (&'a Value, &'a Value),
    ) {
        let before = parameters(self.old, old);
        let now = parameters(self.new, new);
        for parameter in &before {
            let place = format!("{place} parameter {}", name(parameter));
            match now.iter().find(|other| is_same(other, parameter)) {
                // No client sends the name of a part of the path.
                None if parameter["in"] == "path" => {}
                None => self.note(&place, What::ParameterRemoved),
                Some(other) => {
                    if is_required(other) && !is_required(parameter) {
                        self.note(&place, What::ParameterRequired);
                    }
                    self.schema(
                        &place,
                        Side::Request,
                        (&parameter["schema"], &other["schema"]),
                        0,
                    );
                }
            }
        }
        for parameter in now
            .iter()
            .filter(|parameter| is_required(parameter) && parameter["in"] != "path")
        {
            if !before.iter().any(|other| is_same(other, parameter)) {
                self.note(
                    &format!("{place} parameter {}", name(parameter)),
                    What::ParameterRequired,
                );
            }
        }
    }

    fn request(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let place = format!("{place} body");
        if new["required"] == true && old["required"] != true {
            self.note(&place, What::MemberRequired);
        }
        for (media, content) in members(&old["content"]) {
            match new["content"].get(media) {
                None => self.note(&format!("{place} {media}"), What::ContentTypeRemoved),
                Some(other) => self.schema(
                    &place,
                    Side::Request,
                    (&content["schema"], &other["schema"]),
                    0,
                ),
            }
        }
    }

    fn answers(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        for (status, answer) in members(old).filter(|(status, _)| status.starts_with(['2', '3'])) {
            let place = format!("{place} answer {status}");
            let Some(other) = new.get(status) else {
                self.note(&place, What::StatusRemoved);
                continue;
            };
            let (answer, other) = (resolve(self.old, answer), resolve(self.new, other));
            for (media, content) in members(&answer["content"]) {
                match other["content"].get(media) {
                    None => self.note(&format!("{place} {media}"), What::ContentTypeRemoved),
                    Some(other) => self.schema(
                        &place,
                        Side::Answer,
                        (&content["schema"], &other["schema"]),
                        0,
                    ),
                }
            }
        }
    }

    fn schema(
        &mut self,
        place: &str,
        side: Side,
        (old, new): (&'a Value, &'a Value),
        depth: usize,
    ) {
        let (old, new) = (Shape::of(self.old, old), Shape::of(self.new, new));
        if depth > DEPTH {
            return;
        }
        let retyped = match side {
            Side::Request => {
                !new.types.is_empty() && (old.types.is_empty() || !takes(&new.types, &old.types))
            }
            Side::Answer => {
                !old.types.is_empty() && (new.types.is_empty() || !takes(&old.types, &new.types))
            }
        };
        if retyped {
            self.note(place, What::Retyped);
        }
        let words_removed = match (&old.words, &new.words) {
            (Some(old), Some(new)) => !old.is_subset(new),
            (None, Some(_)) => side == Side::Request,
            _ => false,
        };
        if words_removed {
            self.note(place, What::WordsRemoved);
        }
        if side == Side::Request && new.is_narrower(&old) {
            self.note(place, What::Narrowed);
        }
        self.members(place, side, (&old, &new), depth);
        if let (Some(old), Some(new)) = (old.items, new.items) {
            self.schema(&format!("{place}[]"), side, (old, new), depth + 1);
        }
    }

    fn members(
        &mut self,
        place: &str,
        side: Side,
        (old, new): (&Shape<'a>, &Shape<'a>),
        depth: usize,
    ) {
        for &(name, schema) in &old.members {
            let place = format!("{place} .{name}");
            let Some(&(_, other)) = new.members.iter().find(|(other, _)| *other == name) else {
                if side == Side::Answer {
                    self.note(&place, What::MemberRemoved);
                } else if new.is_closed {
                    self.note(&place, What::MemberRefused);
                }
                continue;
            };
            self.schema(&place, side, (schema, other), depth + 1);
            let is_optional = old.required.contains(name) && !new.required.contains(name);
            if side == Side::Answer && is_optional {
                self.note(&place, What::MemberOptional);
            }
        }
        for name in new.required.difference(&old.required) {
            if side == Side::Request {
                self.note(&format!("{place} .{name}"), What::MemberRequired);
            }
        }
    }
}

/// A number is an integer too.
fn takes(wide: &BTreeSet<&str>, narrow: &BTreeSet<&str>) -> bool {
    narrow
        .iter()
        .all(|kind| wide.contains(kind) || (*kind == "integer" && wide.contains("number")))
}

fn parameters<'a>(
    document: &'a Value,
    (item, operation): (&'a Value, &'a Value),
) -> Vec<&'a Value> {
    let of = |value: &'a Value| value["parameters"].as_array().into_iter().flatten();
    of(item)
        .chain(of(operation))
        .map(|parameter| resolve(document, parameter))
        .collect()
}

fn is_same(one: &Value, other: &Value) -> bool {
    let is_header = one["in"] == "header" && name(one).eq_ignore_ascii_case(name(other));
    one["in"] == other["in"] && (is_header || name(one) == name(other))
}

fn name(parameter: &Value) -> &str {
    parameter["name"].as_str().unwrap_or_default()
}

fn is_required(parameter: &Value) -> bool {
    parameter["required"] == true
}

fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    while let Some(reference) = value["$ref"].as_str() {
        match document.pointer(reference.trim_start_matches('#')) {
            Some(target) => value = target,
            None => return value,
        }
    }
    value
}

/// A schema with what it refers to and consists of.
#[derive(Default)]
struct Shape<'a> {
    types: BTreeSet<&'a str>,
    words: Option<BTreeSet<String>>,
    members: Vec<(&'a str, &'a Value)>,
    required: BTreeSet<&'a str>,
    is_closed: bool,
    items: Option<&'a Value>,
    pattern: Option<&'a str>,
    /// By the names of the upper and of the lower limits.
    limits: [Option<f64>; 6],
}

const UPPER: [&str; 3] = ["maxLength", "maximum", "maxItems"];
const LOWER: [&str; 3] = ["minLength", "minimum", "minItems"];

impl<'a> Shape<'a> {
    fn of(document: &'a Value, schema: &'a Value) -> Self {
        let mut shape = Self::default();
        shape.add(document, schema, 0);
        shape
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
    fn is_narrower(&self, old: &Self) -> bool {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description() -> Value {
        json!({
            "paths": {"/apps/{app}": {
                "parameters": [{"name": "app", "in": "path", "required": true, "schema": {"type": "string"}}],
                "post": {
                    "parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "maxLength": 9}}],
                    "requestBody": {"content": {"application/json": {"schema": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "kind": {"type": ["string", "null"], "enum": ["a", "b"]},
                        },
                        "additionalProperties": false,
                    }}}},
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/App"}}}}},
                },
            }},
            "components": {"schemas": {"App": {
                "type": "object",
                "required": ["slug"],
                "properties": {
                    "slug": {"type": "string"},
                    "size": {"type": "integer"},
                    "state": {"type": "string", "enum": ["new", "old"]},
                    "files": {"type": "array", "items": {"type": "string"}},
                },
            }}},
        })
    }

    fn after(change: impl FnOnce(&mut Value)) -> Vec<What> {
        let mut new = description();
        change(&mut new);
        breaks(&description(), &new)
            .into_iter()
            .map(|found| found.what)
            .collect()
    }

    const OPERATION: &str = "/paths/~1apps~1{app}/post";
    const BODY: &str = "/paths/~1apps~1{app}/post/requestBody/content/application~1json/schema";
    const APP: &str = "/components/schemas/App";

    fn at<'a>(value: &'a mut Value, pointer: &str) -> &'a mut Value {
        value.pointer_mut(pointer).expect("a place")
    }

    #[test]
    fn what_is_added_breaks_nobody() {
        assert_eq!(after(|_| ()), []);
        let more = after(|new| {
            at(new, "/paths")["/more"] = json!({"get": {}});
            let parameters = at(new, OPERATION)["parameters"].as_array_mut();
            parameters
                .expect("parameters")
                .push(json!({"name": "more", "in": "query", "schema": {"type": "string"}}));
            at(new, OPERATION)["responses"]["404"] = json!({});
            at(new, BODY)["properties"]["more"] = json!({"type": "string"});
            at(new, BODY)["properties"]["kind"]["enum"] = json!(["a", "b", "c"]);
            at(new, APP)["properties"]["more"] = json!({"type": "string"});
            at(new, APP)["required"] = json!(["slug", "size"]);
            at(new, APP)["properties"]["state"]["enum"] = json!(["new", "old", "other"]);
        });
        assert_eq!(more, []);
    }

    #[test]
    fn the_name_of_a_part_of_the_path_is_no_clients() {
        let renamed = after(|new| {
            let item = at(new, "/paths/~1apps~1{app}").take();
            new["paths"] = json!({"/apps/{slug}": item});
            new["paths"]["/apps/{slug}"]["parameters"][0]["name"] = json!("slug");
        });
        assert_eq!(renamed, []);
    }

    #[test]
    fn what_is_taken_away_is_found() {
        assert_eq!(
            after(|new| new["paths"] = json!({})),
            [What::OperationRemoved]
        );
        assert_eq!(
            after(|new| at(new, OPERATION)["parameters"] = json!([])),
            [What::ParameterRemoved]
        );
        assert_eq!(
            after(|new| at(new, OPERATION)["responses"] = json!({"201": {}})),
            [What::StatusRemoved]
        );
        let schema = |new: &mut Value, name: &str| {
            at(new, APP)["properties"]
                .as_object_mut()
                .expect("members")
                .remove(name);
        };
        assert_eq!(after(|new| schema(new, "size")), [What::MemberRemoved]);
        assert_eq!(
            after(|new| at(new, APP)["required"] = json!([])),
            [What::MemberOptional]
        );
        assert_eq!(
            after(|new| at(new, APP)["properties"]["size"]["type"] = json!("string")),
            [What::Retyped]
        );
        assert_eq!(
            after(|new| at(new, APP)["properties"]["size"]["type"] = json!(["integer", "null"])),
            [What::Retyped]
        );
        assert_eq!(
            after(|new| at(new, APP)["properties"]["files"]["items"] = json!({"type": "object"})),
            [What::Retyped]
        );
        assert_eq!(
            after(|new| at(new, APP)["properties"]["state"]["enum"] = json!(["new"])),
            [What::WordsRemoved]
        );
        assert_eq!(
            after(
                |new| at(new, OPERATION)["responses"]["200"]["content"] = json!({"text/plain": {}})
            ),
            [What::ContentTypeRemoved]
        );
    }

    #[test]
    fn what_is_asked_for_or_refused_is_found() {
        assert_eq!(
            after(|new| at(new, BODY)["required"] = json!(["name", "kind"])),
            [What::MemberRequired]
        );
        assert_eq!(
            after(|new| at(new, OPERATION)["parameters"][0]["required"] = json!(true)),
            [What::ParameterRequired]
        );
        let another = json!({"name": "more", "in": "query", "required": true, "schema": {}});
        let asks = |new: &mut Value| {
            at(new, OPERATION)["parameters"]
                .as_array_mut()
                .expect("parameters")
                .push(another);
        };
        assert_eq!(after(asks), [What::ParameterRequired]);
        let refuses = |new: &mut Value| {
            drop(
                at(new, BODY)["properties"]
                    .as_object_mut()
                    .expect("members")
                    .remove("kind"),
            );
        };
        assert_eq!(after(refuses), [What::MemberRefused]);
        assert_eq!(
            after(|new| at(new, BODY)["properties"]["kind"]["type"] = json!("string")),
            [What::Retyped]
        );
        assert_eq!(
            after(|new| at(new, BODY)["properties"]["kind"]["enum"] = json!(["a"])),
            [What::WordsRemoved]
        );
        for narrower in [
            json!({"maxLength": 8}),
            json!({"maxLength": 9, "minLength": 1}),
            json!({"maxLength": 9, "pattern": "a"}),
        ] {
            let mut schema = narrower;
            schema["type"] = json!("string");
            assert_eq!(
                after(|new| at(new, OPERATION)["parameters"][0]["schema"] = schema),
                [What::Narrowed]
            );
        }
    }
}
