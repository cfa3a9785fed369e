//! Each kind of change, and what breaks nobody.

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
        after(|new| at(new, OPERATION)["responses"]["200"]["content"] = json!({"text/plain": {}})),
        [What::ContentTypeRemoved]
    );
}

#[test]
fn a_member_of_several_alternatives_is_held_against_all_of_them() {
    let alternatives = |words: &[&str]| {
        let one = |word: &&str| json!({"type": "object", "properties": {"type": {"type": "string", "enum": [word]}}});
        let mut document = description();
        *at(&mut document, APP) = json!({"oneOf": words.iter().map(one).collect::<Vec<_>>()});
        document
    };
    let before = alternatives(&["app", "token"]);
    assert!(breaks(&before, &before).is_empty());
    assert!(breaks(&before, &alternatives(&["token", "link", "app"])).is_empty());
    let found = breaks(&before, &alternatives(&["app"]));
    let what: Vec<_> = found.into_iter().map(|found| found.what).collect();
    assert_eq!(what, [What::WordsRemoved]);
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
