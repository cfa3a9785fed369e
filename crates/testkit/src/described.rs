//! Every answer that a test sees is held against the description of the API: its status, its content type, its body, and the
//! code of a refusal.
//!
//! The description is the committed one (`contracts/VERSION`), which a test of the command compares with the code. A member
//! that it does not name is a fault too, though clients have to take it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::contracts::contract;

static DOCUMENTS: LazyLock<[Value; 2]> = LazyLock::new(|| ["public", "internal"].map(read));
/// What tests put into a database as a state of a later version: it is passed on as it is, beside those that are described.
const OF_A_LATER_VERSION: &str = "resting";
/// By the schema's text.
static VALIDATORS: LazyLock<Mutex<BTreeMap<String, &'static Validator>>> =
    LazyLock::new(Mutex::default);

fn read(name: &str) -> Value {
    let mut document = contract(name);
    close(&mut document);
    document
}

/// Refuses members that no schema names: in answers of today they are forgotten ones. A problem may have any.
fn close(document: &mut Value) {
    let mut open = BTreeSet::from(["Problem".to_owned()]);
    parts(document, false, &mut open);
    // What a part consists of is open too.
    loop {
        let before = open.len();
        for name in open.clone() {
            parts(&document["components"]["schemas"][&name], true, &mut open);
        }
        if open.len() == before {
            break;
        }
    }
    let schemas = document["components"]["schemas"]
        .as_object_mut()
        .expect("schemas");
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !open.contains(*name)) {
        close_schema(schema);
    }
}

/// The schemas that others consist of: closed, each would refuse the members of the other parts.
fn parts(value: &Value, is_part: bool, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = members
                .get("$ref")
                .and_then(Value::as_str)
                .filter(|_| is_part)
            {
                into.extend(
                    name.strip_prefix("#/components/schemas/")
                        .map(str::to_owned),
                );
            }
            for (name, value) in members {
                let is_part = name == "allOf" || (is_part && name == "oneOf");
                parts(value, is_part, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|value| parts(value, is_part, into)),
        _ => {}
    }
}

fn close_schema(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if let Some(words) = members.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(json!(OF_A_LATER_VERSION));
    }
    for inner in members
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|inner| inner.values_mut())
    {
        close_schema(inner);
    }
    if let Some(items) = members.get_mut("items") {
        close_schema(items);
    }
    if members.contains_key("properties") || members.contains_key("allOf") {
        members.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}

/// Panics when an answer to `method` at `path` is not a described one.
pub(crate) fn check(
    method: &Method,
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) {
    let text = String::from_utf8_lossy(body.unwrap_or_default());
    if let Err(why) = compare(method, path, status, headers, body) {
        panic!("{method} {path} was answered as contracts/ does not say: {status} {why}: {text}");
    }
}

fn compare(
    method: &Method,
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Result<(), String> {
    let found = DOCUMENTS
        .iter()
        .find_map(|document| Some((document, item(document, path)?)));
    let Some((document, item)) = found else {
        // Of what is not there, a service is told as little as of what it may not ask for.
        let is_refused = matches!(status.as_u16(), 403 | 404);
        return expected(is_refused, "no such address is described");
    };
    let name = method.as_str().to_lowercase();
    let described = item
        .get(&name)
        .or_else(|| item.get("get").filter(|_| name == "head"));
    let Some(operation) = described else {
        let is_refused = matches!(status.as_u16(), 400 | 401 | 403 | 404 | 405);
        return expected(is_refused, "no such method is described");
    };
    let answer = operation["responses"]
        .get(status.as_str())
        .map(|answer| resolve(document, answer));
    let answer = answer.ok_or("its status is not described")?;
    let Some(body) = body.filter(|body| !body.is_empty() && *method != Method::HEAD) else {
        return Ok(());
    };
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|media| media.to_str().ok())
        .unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default();
    if answer["content"].get("application/octet-stream").is_some() && !media.contains("json") {
        return Ok(());
    }
    let content = answer["content"]
        .get(media)
        .ok_or(format!("its content type {media} is not described"))?;
    if media.ends_with("json") {
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        validate(document, &content["schema"], &body)?;
        if let Some(code) = body["code"]
            .as_str()
            .filter(|_| media == "application/problem+json")
        {
            let words = answer["description"].as_str().unwrap_or_default();
            expected(
                words.contains(&format!("`{code}`")),
                "its code is not described",
            )?;
        }
    }
    Ok(())
}

fn expected(holds: bool, why: &str) -> Result<(), String> {
    holds.then_some(()).ok_or(why.to_owned())
}

/// What is described at the address: the one with the fewest parameters.
fn item<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let asked: Vec<_> = path.split('/').collect();
    let paths = document["paths"].as_object()?.iter();
    let fitting = paths.filter(|(pattern, _)| {
        let known: Vec<_> = pattern.split('/').collect();
        let fits = |(known, asked): (&&str, &&str)| {
            known == asked || (known.starts_with('{') && !asked.is_empty())
        };
        known.len() == asked.len() && known.iter().zip(&asked).all(fits)
    });
    let best = fitting.min_by_key(|(pattern, _)| pattern.matches('{').count());
    best.map(|(_, item)| item)
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(&reference[1..])
            .expect("what is referred to"),
        None => value,
    }
}

fn validate(document: &Value, schema: &Value, body: &Value) -> Result<(), String> {
    let mut validators = VALIDATORS.lock().expect("no test panics in here");
    let key = format!("{}{schema}", document["info"]["description"]);
    let validator = *validators.entry(key).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&whole);
        // As long as the tests run: they are few.
        Box::leak(Box::new(validator.expect("a schema")))
    });
    drop(validators);
    let faults: Vec<_> = validator
        .iter_errors(body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    expected(faults.is_empty(), &faults.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &Value) -> Result<(), String> {
        let media = if status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        };
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, media.parse().expect("a value"))]);
        let status = StatusCode::from_u16(status).expect("a status");
        let body = body.to_string();
        compare(
            &Method::GET,
            "/api/v1/apps/notes/channels",
            status,
            &headers,
            Some(body.as_bytes()),
        )
    }

    #[test]
    fn what_is_not_described_is_found() {
        let channel = json!({"channel": "stable", "version": null});
        let page = |channel: &Value| json!({"items": [channel], "next": null});
        assert_eq!(answer(200, &page(&channel)), Ok(()));
        let mut more = channel.clone();
        more["more"] = json!(1);
        assert!(answer(200, &page(&more)).is_err());
        let less = json!({"channel": "stable"});
        assert!(answer(200, &page(&less)).is_err());
        let other = json!({"channel": "No slug", "version": null});
        assert!(answer(200, &page(&other)).is_err());
        assert!(answer(201, &page(&channel)).is_err());
        let problem = |code: &str| json!({"type": "about:blank", "title": "", "status": 404, "detail": "", "code": code, "request_id": ""});
        assert_eq!(answer(404, &problem("app_unknown")), Ok(()));
        assert!(answer(404, &problem("another_code")).is_err());
    }
}
