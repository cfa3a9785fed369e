//! What is wrong with a request: its headers, its parameters, its form, its bytes.

use http::StatusCode;
use slipway_contract::Code;
use slipway_runtime::Problem;

use crate::digests::{self, Instead};
use crate::rules::body;
use crate::rules::form::{self, FORM_BYTES, Name};
use crate::{envelope, metadata, parameters, tus};

impl From<body::Refusal> for Problem {
    fn from(refusal: body::Refusal) -> Self {
        match refusal {
            body::Refusal::TooLarge { most } => too_large(format!(
                "a package may have {most} bytes here: send a smaller one, or ask the operator to raise the limit"
            )),
            body::Refusal::Empty => Self::unprocessable(
                Code::PackageEmpty,
                "the package has no bytes: look whether the path of the file is right, and send it with its content, as `curl -T FILE` does",
            ),
            body::Refusal::Cut => cut("the body ended before it was complete: send it again"),
            body::Refusal::Late => late("nothing of it is kept; send it in pieces, as tus does"),
            body::Refusal::DigestMismatch(sha256) => {
                let what = match sha256 {
                    Some((expected, received)) => {
                        format!("have the SHA-256 {received} and not {expected}")
                    }
                    None => "do not have the digest that a header announces".to_owned(),
                };
                Self::unprocessable(
                    Code::DigestMismatch,
                    format!("the bytes that arrived {what}: send them again"),
                )
            }
            body::Refusal::DiskFull => Self::disk_full(),
            body::Refusal::StoreBusy => Self::unavailable(
                Code::StoreBusy,
                "the store is being tidied and did not become free: send the package again",
            ),
        }
    }
}

/// 413: more bytes than may come.
pub(super) fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Code::BodyTooLarge, detail)
}

/// 400: fewer bytes than were to come.
pub(super) fn cut(detail: &str) -> Problem {
    Problem::bad_request(Code::BodyUnreadable, detail)
}

/// 408: the body of one request took longer than `limits.body_seconds`.
pub(super) fn late(what_to_do: &str) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        Code::BodyTooSlow,
        format!("the body of this request took longer than one may take here: {what_to_do}"),
    )
}

impl From<envelope::Refusal> for Problem {
    fn from(refusal: envelope::Refusal) -> Self {
        match refusal {
            envelope::Refusal::Length => Self::new(
                StatusCode::LENGTH_REQUIRED,
                Code::LengthRequired,
                "over HTTP/1.0 the length of a body has to be told: send Content-Length, or speak HTTP/1.1",
            ),
            envelope::Refusal::Holds(what) => media_type(format!(
                "a body of {} is not the package but holds it or a piece of it: send the bytes alone, as `curl -T FILE` does, or a form by POST to /api/v1/apps/APP/packages",
                what.escape_default()
            )),
            envelope::Refusal::Part(header) => Self::bad_request(
                Code::PartRefused,
                format!(
                    "{header} says that this is a part of the file, and a package is sent whole: send it from its first byte, or in pieces by tus to /api/v1/apps/APP/uploads, where an upload that broke off goes on"
                ),
            ),
            envelope::Refusal::Condition(header) => Self::bad_request(
                Code::ConditionRefused,
                format!(
                    "{header} is not looked at here: leave it out; Repr-Digest says which bytes are meant"
                ),
            ),
            envelope::Refusal::Method(header) => header_invalid(format!(
                "{header} is for uploads in pieces alone (/api/v1/apps/APP/uploads): send the request by its own method"
            )),
            envelope::Refusal::Coded { header, coding } => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Code::CodingRefused,
                format!(
                    "{header}: {} is not undone here, so the package would be the coded bytes: send the file as it is",
                    coding.escape_default()
                ),
            )
            .with_header("accept-encoding", "identity"),
        }
    }
}

fn media_type(detail: String) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::MediaType, detail)
}

fn header_invalid(detail: String) -> Problem {
    Problem::bad_request(Code::HeaderInvalid, detail)
}

impl From<digests::Refusal> for Problem {
    fn from(refusal: digests::Refusal) -> Self {
        let detail = match refusal {
            digests::Refusal::Trailer(header) => {
                format!("{header} is not read after the body: send it as a header")
            }
            digests::Refusal::OfSomethingElse { header, instead } => {
                let instead = match instead {
                    Instead::Field => "as the field sha256",
                    Instead::Metadata => {
                        "as sha256 in Upload-Metadata, that of a piece as Upload-Checksum"
                    }
                };
                format!(
                    "{header} is not of the package here: leave it out, and give that of the file {instead}"
                )
            }
            digests::Refusal::Differ(one, other) => {
                format!("two digests are announced, {one} and {other}: send the right one alone")
            }
            digests::Refusal::Unreadable { header, why } => {
                format!("{header}: {why}: correct it or leave it out")
            }
        };
        digest_invalid(StatusCode::BAD_REQUEST, detail)
    }
}

fn digest_invalid(status: StatusCode, detail: String) -> Problem {
    Problem::new(status, Code::DigestInvalid, detail)
}

impl From<tus::Refusal> for Problem {
    fn from(refusal: tus::Refusal) -> Self {
        match refusal {
            tus::Refusal::Version => Self::new(
                StatusCode::PRECONDITION_FAILED,
                Code::TusVersion,
                format!(
                    "this address speaks tus: send Tus-Resumable: {}",
                    tus::VERSION
                ),
            )
            .with_header("tus-version", tus::VERSION),
            tus::Refusal::Extension { header, why } => Self::bad_request(
                Code::TusExtensionUnknown,
                format!(
                    "{header} is {why}. Tus-Extension lists what is spoken here: {}",
                    tus::EXTENSIONS
                ),
            ),
            tus::Refusal::NotAtItsBegin => header_invalid(
                "Upload-Offset: an upload begins at 0: leave it out here, and go on by PATCH at the upload's own address".to_owned(),
            ),
            tus::Refusal::Method => header_invalid(
                "X-HTTP-Method-Override is for an upload's own address: send the request there, or leave it out".to_owned(),
            ),
            tus::Refusal::MediaType => media_type(format!(
                "send pieces of an upload with Content-Type: {}",
                tus::MEDIA_TYPE
            )),
            tus::Refusal::Twice(header) => {
                header_invalid(format!("the header {header} comes twice: send it once"))
            }
            tus::Refusal::Unreadable(header) => header_invalid(format!(
                "the header {header} is missing or cannot be read: see the tus protocol"
            )),
            tus::Refusal::Checksum(error) => {
                Self::bad_request(Code::ChecksumInvalid, error.to_string())
            }
            tus::Refusal::Envelope(refusal) => refusal.into(),
            tus::Refusal::Digest(refusal) => refusal.into(),
        }
    }
}

impl From<metadata::Refusal> for Problem {
    fn from(refusal: metadata::Refusal) -> Self {
        let detail = match refusal {
            metadata::Refusal::Twice(key) => {
                format!("says {} twice: say it once", key.escape_default())
            }
            metadata::Refusal::Unreadable(key) => {
                format!(
                    "says {} with a value that is not UTF-8 text in base64: correct it",
                    key.escape_default()
                )
            }
        };
        Self::bad_request(Code::MetadataInvalid, format!("Upload-Metadata {detail}"))
    }
}

impl From<parameters::Refusal> for Problem {
    fn from(refusal: parameters::Refusal) -> Self {
        let correct = |code, error| Self::unprocessable(code, format!("{error}: correct it"));
        match refusal {
            parameters::Refusal::Name(error) => {
                name_refused(format!("{error}: choose another name"))
            }
            parameters::Refusal::Version(error) => correct(Code::VersionInvalid, error),
            parameters::Refusal::Channel(error) => channel_invalid(format!("{error}: correct it")),
            parameters::Refusal::Platform(error) => correct(Code::PlatformUnknown, error),
            parameters::Refusal::Arch(error) => correct(Code::ArchUnknown, error),
            parameters::Refusal::Digest(error) => digest_invalid(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("{error}: correct it"),
            ),
            parameters::Refusal::Kind(kind) => Self::unprocessable(
                Code::KindUnknown,
                format!(
                    "kind={kind} cannot be declared: leave it out, and the kind is read out of the bytes; kind=other takes them as they are"
                ),
            ),
            parameters::Refusal::Word { name, given, words } => Self::unprocessable(
                Code::ParameterInvalid,
                format!(
                    "{name}={} is not known: write {name}={}, or leave it out",
                    given.escape_default(),
                    words.join(&format!(" or {name}="))
                ),
            ),
            parameters::Refusal::Notes => Self::unprocessable(
                Code::NotesWithoutRelease,
                "notes are of a release: say the version, or the channel to publish to",
            ),
            parameters::Refusal::NotesTooLong => {
                notes_too_long("notes are 65,536 characters at most: shorten them")
            }
            parameters::Refusal::NotesTooLongForAddress => notes_too_long(
                "notes in an address are 4,096 bytes at most: shorten them, send them as the field notes of a form to …/packages, or publish a draft with POST …/releases",
            ),
            parameters::Refusal::NotesText(error) => Self::unprocessable(
                Code::TextRefused,
                format!("the notes are refused: {error}; leave that out"),
            ),
        }
    }
}

/// 422: no name of a channel.
pub(super) fn channel_invalid(detail: String) -> Problem {
    Problem::unprocessable(Code::ChannelInvalid, detail)
}

fn name_refused(detail: String) -> Problem {
    Problem::unprocessable(Code::NameRefused, detail)
}

fn notes_too_long(detail: &str) -> Problem {
    Problem::unprocessable(Code::NotesTooLong, detail)
}

impl From<form::Refusal> for Problem {
    fn from(refusal: form::Refusal) -> Self {
        let why = match refusal {
            form::Refusal::NotAForm => {
                return media_type(
                    "send a form (multipart/form-data) here, or the bytes alone by PUT to …/packages/NAME, as `curl -T FILE` does".to_owned(),
                );
            }
            form::Refusal::TooMuch => {
                return too_large(format!(
                    "beside its file a form may have {FORM_BYTES} bytes: send fewer"
                ));
            }
            form::Refusal::Unknown(name) => {
                return Self::bad_request(
                    Code::ParameterUnknown,
                    format!(
                        "unknown field `{}`, expected `file` or one of `filename`, `version`, `channel`, `platform`, `arch`, `kind`, `sha256`, `notes`, `strict`, `create`: check the spelling or leave it out",
                        name.escape_default()
                    ),
                );
            }
            form::Refusal::Name(name) => return of_file(name),
            form::Refusal::Boundary => "its Content-Type names no boundary".to_owned(),
            form::Refusal::Unreadable => {
                "it cannot be read to its end: check what made it, and send it again".to_owned()
            }
            form::Refusal::NoFile => {
                "it has no file: send one as the part `file`, as `curl -F file=@FILE` does"
                    .to_owned()
            }
            form::Refusal::TwoFiles => "it has two files: send one package at a time".to_owned(),
            form::Refusal::FieldIsFile(name) => format!(
                "its field {name} comes as a file: send it as text, as `curl -F {name}=VALUE` does"
            ),
            form::Refusal::Twice(name) => format!("it says {name} twice: say it once"),
            form::Refusal::FieldTooLong(name) => format!("its field {name} is too long"),
            form::Refusal::FieldNotUtf8(name) => format!("its field {name} is not UTF-8"),
            form::Refusal::Length(came) => format!(
                "its file has {came} bytes and not its Content-Length: send all of it, and one length"
            ),
        };
        Self::bad_request(Code::FormInvalid, format!("the form is not taken: {why}"))
    }
}

fn of_file(name: Name) -> Problem {
    let why = match name {
        Name::NotUtf8 => "it is not UTF-8: send it as UTF-8, or as the field filename",
        Name::Coded => "its filename* cannot be read: send UTF-8''NAME, percent-encoded",
        Name::Mail => {
            "raw words of mail (RFC 2047) are not decoded: send it as UTF-8, or as the field filename"
        }
    };
    name_refused(format!("the name of the file is not taken: {why}"))
}
