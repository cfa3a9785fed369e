//! The headers of tus 1.0 in answers.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use utoipa::IntoParams;

use crate::checksum::ALGORITHMS;
use crate::error::Error;
use crate::store::sessions::Session;
use crate::tus::{EXTENSIONS, VERSION};

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

/// Where an upload is and when it expires.
pub(super) fn position(row: &Session) -> Result<[(&'static str, String); 2], Error> {
    let expires = OffsetDateTime::from_unix_timestamp(row.expires_at / 1000);
    let expires = expires.map_err(Error::internal)?.format(HTTP_DATE);
    Ok([
        ("upload-offset", row.received.to_string()),
        ("upload-expires", expires.map_err(Error::internal)?),
    ])
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
