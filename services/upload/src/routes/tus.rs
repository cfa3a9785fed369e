//! The headers of tus 1.0.

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use slipway_service::Problem;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use utoipa::IntoParams;

use crate::checksum::{ALGORITHMS, Checksum};
use crate::store::sessions::Session;
use crate::{digests, envelope};

const VERSION: &str = "1.0.0";
/// A deferred length is not among them: the room on the disk is looked at before the first byte.
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
/// Headers of extensions that are not announced, and of another protocol. A part that is taken for the whole is
/// published as such; each has its way out.
const NOT_SPOKEN: [(&str, &str); 5] = [
    (
        "Upload-Concat",
        "of the extension concatenation: send the file in one upload, piece after piece (tus-js-client: parallelUploads: 1)",
    ),
    (
        "Upload-Defer-Length",
        "of the extension creation-defer-length: say how many bytes come with Upload-Length",
    ),
    (
        "Upload-Complete",
        "of the resumable uploads of the IETF, not of tus 1.0: leave it out",
    ),
    (
        "Upload-Incomplete",
        "of the resumable uploads of the IETF, not of tus 1.0: leave it out",
    ),
    (
        "Upload-Draft-Interop-Version",
        "of the resumable uploads of the IETF, not of tus 1.0: leave it out",
    ),
];
const MEDIA_TYPE: &str = "application/offset+octet-stream";
/// RFC 9110, 5.6.7.
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Every answer says which protocol it is of.
pub(super) async fn resumable(mut response: Response) -> Response {
    let version = HeaderValue::from_static(VERSION);
    response.headers_mut().insert("tus-resumable", version);
    response
}

pub(super) fn capabilities(largest: u64) -> Response {
    let headers = [
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-checksum-algorithm", ALGORITHMS.to_owned()),
        ("tus-max-size", largest.to_string()),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

pub(super) fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    if text(headers, "tus-resumable")? == Some(VERSION) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "tus_version",
        "this address speaks tus: send Tus-Resumable: 1.0.0",
    )
    .with_header("tus-version", VERSION))
}

/// Refuses what is no plain piece of one whole file, before any of it is read.
pub(super) fn check_body(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some((name, why)) = NOT_SPOKEN
        .iter()
        .find(|(name, _)| headers.contains_key(*name))
    {
        return Err(Problem::bad_request(
            "tus_extension_unknown",
            format!("{name} is {why}. Tus-Extension lists what is spoken here: {EXTENSIONS}"),
        ));
    }
    envelope::check_piece(headers)?;
    digests::refuse(
        headers,
        "and give that of the file as sha256 in Upload-Metadata, that of a piece as Upload-Checksum",
    )
}

/// Refuses what a creation cannot be: a later piece, or another method.
pub(super) fn check_creation(headers: &HeaderMap) -> Result<(), Problem> {
    if text(headers, "upload-offset")?.is_some_and(|offset| offset != "0") {
        return Err(Problem::bad_request(
            "header_invalid",
            "Upload-Offset: an upload begins at 0: leave it out here, and go on by PATCH at the upload's own address",
        ));
    }
    if headers.contains_key("x-http-method-override") {
        return Err(Problem::bad_request(
            "header_invalid",
            "X-HTTP-Method-Override is for an upload's own address: send the request there, or leave it out",
        ));
    }
    Ok(())
}

pub(super) fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    if text(headers, CONTENT_TYPE.as_str())? == Some(MEDIA_TYPE) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media_type",
        format!("send pieces of an upload with Content-Type: {MEDIA_TYPE}"),
    ))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    // Of two nobody knows which is meant.
    if values.next().is_some() {
        return Err(Problem::bad_request(
            "header_invalid",
            format!("the header {name} comes twice: send it once"),
        ));
    }
    value.map_err(|_| invalid(name))
}

/// A header that must be there and be a number of bytes.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Result<u64, Problem> {
    text(headers, name)?
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid(name))
}

pub(super) fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    text(headers, "upload-checksum")?
        .map(str::parse)
        .transpose()
        .map_err(|error: crate::checksum::NotAChecksum| {
            Problem::bad_request("checksum_invalid", error.to_string())
        })
}

/// Where an upload is and when it expires.
pub(super) fn position(row: &Session) -> [(&'static str, String); 2] {
    let expires = OffsetDateTime::from_unix_timestamp(row.expires_at / 1000)
        .ok()
        .and_then(|time| time.format(HTTP_DATE).ok());
    [
        ("upload-offset", row.received.to_string()),
        ("upload-expires", expires.unwrap_or_default()),
    ]
}

fn invalid(name: &str) -> Problem {
    Problem::bad_request(
        "header_invalid",
        format!("the header {name} is missing or cannot be read: see the tus protocol"),
    )
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct Version {
    /// The version of tus.
    #[param(rename = "Tus-Resumable", pattern = "^1\\.0\\.0$", example = "1.0.0")]
    tus_resumable: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct OptionalVersion {
    /// The version of tus; it may be left out by who ends an upload by hand.
    #[param(rename = "Tus-Resumable", pattern = "^1\\.0\\.0$", example = "1.0.0")]
    tus_resumable: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct Offset {
    /// Where these bytes go on: how many have arrived.
    #[param(rename = "Upload-Offset")]
    upload_offset: u64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct OptionalOffset {
    /// As of PATCH; it is not read for DELETE.
    #[param(rename = "Upload-Offset")]
    upload_offset: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct Checksummed {
    /// `sha1` or `sha256` and the digest in base64.
    #[param(rename = "Upload-Checksum")]
    upload_checksum: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct MethodOverride {
    /// The method that is meant.
    #[param(
        rename = "X-HTTP-Method-Override",
        pattern = "^(PATCH|DELETE)$",
        example = "PATCH"
    )]
    x_http_method_override: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the headers are read one by one")]
pub(super) struct Creation {
    /// Bytes of the whole.
    #[param(rename = "Upload-Length", minimum = 1)]
    upload_length: u64,
    /// `filename`, which is required, and every parameter of PUT (`version channel platform arch kind notes strict create`), and
    /// `sha256`: each name with its value in base64.
    #[param(rename = "Upload-Metadata", example = "filename bm90ZXMuYXBr")]
    upload_metadata: String,
}
