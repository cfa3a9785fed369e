//! What every operation may answer beside its own: refusals that the platform's edge, its extractors and its stores give.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{KnownFormat, Schema, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// The content type of every refusal.
pub const PROBLEM: &str = "application/problem+json";

/// RFC 9457. Any address may answer 404 `not_found` and 405 `method_not_allowed` with `Allow`.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of what slipway_runtime::Problem writes"
)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    #[schema(example = "about:blank")]
    r#type: String,
    title: String,
    #[schema(minimum = 300, maximum = 599)]
    status: u16,
    /// What is wrong and what to do about it.
    detail: String,
    /// Stable, for programs.
    #[schema(pattern = "^[a-z][a-z0-9_]*$", example = "app_unknown")]
    code: String,
    /// The same as in `x-request-id` and in the log.
    request_id: String,
    /// Of `draft_mixed` and `draft_differs`: the files of the draft, as `files` of `POST …/releases` takes them.
    #[schema(nullable = false)]
    files: Option<Vec<DraftFile>>,
    /// Of `quota_exceeded`: `bytes`, `releases` or `drafts`.
    #[schema(nullable = false)]
    quota: Option<String>,
    /// Of `archive_refused`: the rule that it breaks.
    #[schema(nullable = false)]
    rule: Option<String>,
}

/// A file of a draft, as a refusal lists it and a publication takes it back.
#[derive(ToSchema)]
#[schema(as = NamedFile)]
#[expect(dead_code, reason = "the shape of what the catalog lists and takes")]
pub struct DraftFile {
    filename: slipway_contract::FileName,
    sha256: slipway_contract::Digest,
    /// Told, and taken back.
    #[schema(nullable = false)]
    platform: Option<String>,
    /// The name of the token that put it there; told, and taken back.
    token: Option<String>,
}

/// The answers that stand once in the document, by name.
const SHARED: &[(&str, &str)] = &[
    (
        "BadRequest",
        "`parameter_unknown`: a query parameter or a field of the body is unknown, and the words name it. `json_invalid`, `query_invalid`: it cannot be read. `idempotency_key_invalid`. `body_unreadable`: the body ended too early. `path_refused`: `..`, `%2f`, `%5c` or NUL in the path, or it is no UTF-8. `path_invalid`: a part of it cannot be read. `header_invalid`: a header cannot be read, or comes twice. `choice_ambiguous`: `packages` and `files` are both given. From the gateway: `body_incomplete`, and `host_refused`, `framing_refused` and others of requests that could be read in more than one way.",
    ),
    (
        "Unauthorized",
        "`token_missing`, `token_invalid` (damaged, unknown or revoked), `token_expired`. Looked at before anything else.",
    ),
    (
        "Forbidden",
        "`scope_missing`, `token_of_another_app`. `origin_refused`: a page of another site sent the credentials of a browser.",
    ),
    (
        "Gone",
        "`app_deleted`: the app was deleted, with everything in it, for ever.",
    ),
    (
        "TooLarge",
        "`body_too_large`: a document has at most 1 MiB.",
    ),
    (
        "NotJson",
        "`json_expected`: the body is JSON, with its content type.",
    ),
    (
        "Fault",
        "`internal`: a fault of ours. The log has it under `request_id`.",
    ),
    (
        "Away",
        "`database_unavailable`, `resources_exhausted`, and from the gateway `catalog_unavailable`, `upload_unavailable`, `download_unavailable`: try again. `database_damaged`: the named database has to be put back. `restore_held`: an older copy of the catalog's database was put back, and nothing is changed until it is accepted or the newer one is back.",
    ),
    (
        "Full",
        "`disk_full`: there is no room for what has to be written. What is there is served on.",
    ),
    (
        "CallerUnproven",
        "`caller_unproven`: the connection does not prove who asks. `token_invalid`, `token_expired`: the token for which it is asked is not good any more.",
    ),
    (
        "CallerRefused",
        "`caller_not_permitted`: this service may not ask for that. `service_differs`, `scope_missing`, `token_of_another_app`, `token_refused`.",
    ),
    (
        "AnotherInstance",
        "`misdirected`: the request is meant for another process. It was not read, and counts as not sent.",
    ),
    (
        "Slash",
        "`trailing_slash`: no address ends with a slash; `Location` is the one without it. From the gateway.",
    ),
    ("Unknown", "`not_found`: there is nothing at this address."),
    (
        "WrongMethod",
        "`method_not_allowed`: `Allow` lists the methods of the address.",
    ),
    (
        "BodyStopped",
        "`body_timeout`: nothing of the body came for too long. From the gateway.",
    ),
    (
        "Failed",
        "`upstream_failed`: the service ended before it had answered, and what it did is not known. From the gateway.",
    ),
    (
        "Silent",
        "`upstream_timeout`: the service does not answer, and what it did is not known. From the gateway.",
    ),
];

/// The shared answers, for `components.responses`.
pub(crate) fn shared() -> BTreeMap<String, RefOr<Response>> {
    SHARED
        .iter()
        .map(|&(name, description)| (name.to_owned(), RefOr::T(shared_answer(name, description))))
        .collect()
}

fn shared_answer(name: &str, description: &str) -> Response {
    let header = |kind, description: &str| {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(description))
            .build()
    };
    let answer = ResponseBuilder::new().description(description).content(
        PROBLEM,
        ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build(),
    );
    match name {
        "Unauthorized" => answer.header(
            "WWW-Authenticate",
            header(Type::String, "`Bearer`, and what is wrong with the token."),
        ),
        "Away" => answer.header("Retry-After", header(Type::Integer, "Seconds.")),
        "Slash" => answer.header("Location", header(Type::String, "The address without it.")),
        "WrongMethod" => answer.header("Allow", header(Type::String, "The methods there are.")),
        _ => answer,
    }
    .build()
}

fn named(names: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    names
        .iter()
        .map(|(status, name)| {
            let answer = RefOr::Ref(Ref::from_response_name(*name));
            (status.to_string(), answer)
        })
        .collect()
}

const READING: [(u16, &str); 5] = [
    (400, "BadRequest"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (500, "Fault"),
    (503, "Away"),
];

/// What whoever reads with a token may be told.
pub struct Reading;

impl IntoResponses for Reading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        named(&READING)
    }
}

/// What whoever changes something without a document may be told.
pub struct Writing;

impl IntoResponses for Writing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut answers = named(&READING);
        answers.append(&mut named(&[(507, "Full")]));
        answers
    }
}

/// What whoever changes something by a document may be told.
pub struct Documents;

impl IntoResponses for Documents {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut answers = Writing::responses();
        answers.append(&mut named(&[(413, "TooLarge"), (415, "NotJson")]));
        answers
    }
}

/// What everybody may be told who needs no token.
pub struct Public;

impl IntoResponses for Public {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        named(&[(400, "BadRequest"), (500, "Fault"), (503, "Away")])
    }
}

/// What a service may be told that asks another.
pub struct InternalReading;

impl IntoResponses for InternalReading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        named(&[
            (400, "BadRequest"),
            (401, "CallerUnproven"),
            (403, "CallerRefused"),
            (421, "AnotherInstance"),
            (500, "Fault"),
            (503, "Away"),
        ])
    }
}

/// The same, of what it changes by a document.
pub struct InternalWriting;

impl IntoResponses for InternalWriting {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut answers = InternalReading::responses();
        answers.append(&mut named(&[
            (413, "TooLarge"),
            (415, "NotJson"),
            (507, "Full"),
        ]));
        answers
    }
}

/// A page of a list; the shape of what lists answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of slipway_runtime::http::list::Items")]
pub struct Listing<T> {
    items: Vec<T>,
    /// The `cursor` of the next page; null at the end.
    #[schema(required = true)]
    next: Option<String>,
}

/// Bytes that are no document.
pub struct Bytes;

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new().schema_type(Type::String);
        bytes
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for Bytes {}
