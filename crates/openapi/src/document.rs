//! The two documents: what the world is answered through the gateway, and what services ask each other.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Paths, Ref,
    RefOr, Server,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::answers::{DraftFile, ProblemDocument, shared};

/// Where every address is of one app.
const OF_AN_APP: &str = "/api/v1/apps/{app}";
/// The tags of the public document, in the order of a reader.
const TAGS: &[(&str, &str)] = &[
    ("apps", "What is distributed."),
    ("channels", "Named sets of releases that users follow."),
    ("packages", "Answered by the upload service."),
    ("uploads", "tus, answered by the upload service."),
    ("releases", "Versions of an app and their packages."),
    ("tokens", "What may be done, and by whom."),
    ("audit", "Who did what."),
    ("restore", "An older copy of the catalog's database."),
    ("storage", "Bytes by app."),
    (
        "downloads",
        "What end users and updaters fetch; no token is needed. Answered by the download service.",
    ),
    ("api", "This document."),
];
const DESCRIPTION: &str = "Ships signed apps. Times are RFC 3339 in UTC, unknown values null, errors `application/problem+json` with a stable `code`; every answer has `x-request-id`. Everything of an app that was deleted answers 410 `app_deleted`. Clients take members and words that they do not know: later versions add some.";
const INTERNAL_DESCRIPTION: &str = "What the services of one platform ask each other, over TLS 1.3 with certificates on both sides; which service may ask for what stands in one table (crates/peers). Readers take members, rows and words that they do not know. Nothing of it is reachable through the gateway.";

/// What the world reaches through the gateway, with what the gateway answers itself.
pub fn public(services: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut document = joined(services, |path| !is_internal(path));
    document.info.description = Some(DESCRIPTION.to_owned());
    let tag = |&(name, description): &(&str, &str)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    document.tags = Some(TAGS.iter().map(tag).collect());
    document.security = Some(
        ["token", "basic"]
            .map(|scheme| SecurityRequirement::new(scheme, [""; 0]))
            .into(),
    );
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("token", bearer());
    components.add_security_scheme("basic", basic());
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            answered_by_the_gateway(operation);
            // Nobody speaks for an app while there is none of that name.
            if path.starts_with(OF_AN_APP) && operation.security.is_none() {
                answered_of_a_deleted_app(operation);
            }
        }
    }
    finished(document)
}

/// What services ask each other.
pub fn internal(services: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut document = joined(services, is_internal);
    document.info.description = Some(INTERNAL_DESCRIPTION.to_owned());
    document.security = Some(vec![SecurityRequirement::new("certificate", [""; 0])]);
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "certificate",
        SecurityScheme::MutualTls {
            description: Some(
                "The certificate of a service, by the platform's own authority.".to_owned(),
            ),
            deprecated: None,
            extensions: None,
        },
    );
    // What is staged is the public view once more.
    for (path, item) in &mut document.paths.paths {
        if path.starts_with("/internal/staged") {
            for operation in operations(item) {
                operation.operation_id = operation
                    .operation_id
                    .take()
                    .map(|id| format!("{id}_staged"));
                operation.security = None;
                for (status, name) in [
                    ("401", "CallerUnproven"),
                    ("403", "CallerRefused"),
                    ("421", "AnotherInstance"),
                ] {
                    let answer = || RefOr::Ref(Ref::from_response_name(name));
                    let answers = &mut operation.responses.responses;
                    answers.entry(status.to_owned()).or_insert_with(answer);
                }
            }
        }
        for operation in operations(item) {
            operation.tags = None;
        }
    }
    finished(document)
}

/// Whether only services ask for it, or operators at a listener of their own.
fn is_internal(path: &str) -> bool {
    path.starts_with("/internal/") || matches!(path, "/healthz" | "/readyz" | "/metrics")
}

fn joined(services: impl IntoIterator<Item = OpenApi>, wanted: impl Fn(&str) -> bool) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Slipway")
        .version("1")
        .license(Some({
            let mut license = License::new("Apache-2.0");
            license.identifier = Some("Apache-2.0".to_owned());
            license
        }));
    let components = ComponentsBuilder::new()
        .schema(ProblemDocument::name(), ProblemDocument::schema())
        .schema(DraftFile::name(), DraftFile::schema())
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .paths(Paths::new())
        .components(Some(components))
        .build();
    for service in services {
        document.merge(service);
    }
    document.paths.paths.retain(|path, _| wanted(path));
    document
        .components
        .get_or_insert_with(Components::new)
        .responses = shared();
    document
}

fn bearer() -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some("`slw_` and 48 hexadecimal digits. Clients take it from `SLIPWAY_TOKEN` or a file, never from the command line.".to_owned());
    SecurityScheme::Http(scheme)
}

fn basic() -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Basic);
    scheme.description = Some("The token as the password, under any user name; not from pages of other sites (403 `origin_refused`).".to_owned());
    SecurityScheme::Http(scheme)
}

/// Adds what the gateway says in a service's place: a request that it does not pass on, a service that is away, one that
/// ends or is silent.
fn answered_by_the_gateway(operation: &mut Operation) {
    let mut answers = vec![
        ("308", "Slash"),
        ("400", "BadRequest"),
        ("404", "Unknown"),
        ("405", "WrongMethod"),
        ("502", "Failed"),
        ("503", "Away"),
        ("504", "Silent"),
    ];
    if operation.request_body.is_some() {
        answers.push(("408", "BodyStopped"));
    }
    for (status, name) in answers {
        let answer = || RefOr::Ref(Ref::from_response_name(name));
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_owned()).or_insert_with(answer);
    }
}

/// Adds what every address of an app says once it is deleted.
fn answered_of_a_deleted_app(operation: &mut Operation) {
    let words = "`app_deleted`: the app was deleted, with everything in it, for ever.";
    match operation
        .responses
        .responses
        .entry("410".to_owned())
        .or_insert_with(|| RefOr::Ref(Ref::from_response_name("Gone")))
    {
        RefOr::T(answer) if !answer.description.contains("`app_deleted`") => {
            answer.description = format!("{} {words}", answer.description);
        }
        _ => {}
    }
}

/// The operations of an address.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
    ]
    .into_iter()
    .flatten()
}

/// Without the shared answers and schemas that nothing refers to: those of the other document.
fn finished(mut document: OpenApi) -> OpenApi {
    loop {
        let text = serde_json::to_value(&document).expect("a document is JSON");
        let mut referred = BTreeSet::new();
        references(&text, &mut referred);
        let Some(components) = &mut document.components else {
            return document;
        };
        let before = components.schemas.len() + components.responses.len();
        components
            .schemas
            .retain(|name, _| referred.contains(&format!("#/components/schemas/{name}")));
        components
            .responses
            .retain(|name, _| referred.contains(&format!("#/components/responses/{name}")));
        if components.schemas.len() + components.responses.len() == before {
            return document;
        }
    }
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                into.insert(reference.clone());
            }
            members.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}
