//! What may not change between two descriptions of the API, so that whoever was written against the earlier one goes on.
//!
//! A client sends what it sent before, and takes members, words and statuses that it does not know. So an operation, a
//! parameter, a member of an answer stays, with its type; a request asks for nothing more; what was taken is taken.

mod shape;

use std::collections::BTreeSet;

use serde_json::Value;

use shape::{DEPTH, Shape, members, resolve};

const METHODS: [&str; 7] = ["get", "put", "post", "patch", "delete", "head", "options"];

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
                        (&[&parameter["schema"]], &[&other["schema"]]),
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
                    (&[&content["schema"]], &[&other["schema"]]),
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
                        (&[&content["schema"]], &[&other["schema"]]),
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
        (old, new): (&[&'a Value], &[&'a Value]),
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
            self.schema(&format!("{place}[]"), side, (&[old], &[new]), depth + 1);
        }
    }

    fn members(
        &mut self,
        place: &str,
        side: Side,
        (old, new): (&Shape<'a>, &Shape<'a>),
        depth: usize,
    ) {
        for name in old.names() {
            let place = format!("{place} .{name}");
            let others = new.member(name);
            if others.is_empty() {
                if side == Side::Answer {
                    self.note(&place, What::MemberRemoved);
                } else if new.is_closed {
                    self.note(&place, What::MemberRefused);
                }
                continue;
            }
            self.schema(&place, side, (&old.member(name), &others), depth + 1);
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

#[cfg(test)]
mod tests;
