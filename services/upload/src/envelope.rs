//! What the headers of a body say that it is, when that is not the package itself.
//!
//! An envelope, a tail, a part or a compressed file that is taken for the package is signed and published for good. So
//! whatever the headers call something else is refused before it is read, with the way out in words. What they cannot
//! tell stays the uploader's to say, by a digest.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, VIA};
use http::{HeaderMap, HeaderValue};

/// Media types of something that holds the package or is a piece of it, beside `multipart/…` and `message/…`: a piece of
/// tus, one of the IETF's resumable uploads, and a message of HTTP.
const OTHER_MEDIA_TYPES: [&str; 3] = [
    "application/offset+octet-stream",
    "application/partial-upload",
    "application/http",
];

/// Headers that say that a body is a part of the file, unless they have this value. `Content-Range` of a PUT is what
/// `curl -C` sends with the tail of a file (RFC 9110, 14.5); `Upload-Complete` and `-Incomplete` are of the IETF's
/// resumable uploads, which clients send with a whole file too.
const PARTS: [(&str, Option<&str>); 6] = [
    ("upload-offset", Some("0")),
    ("upload-complete", Some("?1")),
    ("upload-incomplete", Some("?0")),
    ("upload-concat", None),
    ("upload-defer-length", None),
    ("tus-resumable", None),
];

/// Headers by which a request means another method than its own.
const METHODS: [&str; 3] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Conditions that are not looked at here. Whoever sends one counts on it (RFC 9110, 13.1).
const CONDITIONS: [&str; 3] = ["if-match", "if-none-match", "if-unmodified-since"];

/// Why a body is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Over HTTP/1.0 nobody says how long it is.
    Length,
    /// Its media type is of something that holds the package or a piece of it.
    Holds(String),
    /// This header says that it is a part of the file.
    Part(&'static str),
    /// A condition that is not looked at.
    Condition(&'static str),
    /// A header that means another method.
    Method(&'static str),
    Coded {
        header: &'static str,
        coding: String,
    },
}

/// Refuses a body that is not the bytes of one package alone.
pub(crate) fn check_package(headers: &HeaderMap) -> Result<(), Refusal> {
    check_length(headers)?;
    check_media_type(headers)?;
    check_whole(headers)
}

/// Refuses a form that is not all of it, or not as it is.
pub(crate) fn check_form(headers: &HeaderMap) -> Result<(), Refusal> {
    check_length(headers)?;
    check_whole(headers)
}

/// Refuses what the part of a form that is the file cannot be.
pub(crate) fn check_part(headers: &HeaderMap) -> Result<(), Refusal> {
    check_media_type(headers)?;
    check_coding(headers)
}

/// Refuses a piece of an upload in pieces that is coded, or a part of a piece.
pub(crate) fn check_piece(headers: &HeaderMap) -> Result<(), Refusal> {
    check_length(headers)?;
    check_coding(headers)
}

/// HTTP/1.0 has no chunks: without a length nobody knows whether there is a body (RFC 1945, 7.2.2), and not a byte of it
/// is taken. The gateway speaks HTTP/1.1 to us and says in `Via` what the client spoke (RFC 9110, 7.6.3).
fn check_length(headers: &HeaderMap) -> Result<(), Refusal> {
    let last = headers.get_all(VIA).iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    let is_old = last.is_some_and(|via| via.trim_start().starts_with("1.0 "));
    let is_framed = [CONTENT_LENGTH, TRANSFER_ENCODING]
        .iter()
        .any(|name| headers.contains_key(name));
    if is_old && !is_framed {
        return Err(Refusal::Length);
    }
    Ok(())
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    for value in headers.get_all(CONTENT_TYPE) {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        // Two in one line, or one in quotes, are none; but a program on the way may have made them so.
        let mut media_types = value.split(',').map(|listed| {
            let media_type = listed.split(';').next().unwrap_or_default();
            media_type.trim().trim_matches('"').trim()
        });
        let envelope = media_types.find(|media_type| {
            ["multipart/", "message/"]
                .iter()
                .any(|holds| media_type.starts_with(holds))
                || OTHER_MEDIA_TYPES.contains(media_type)
        });
        if let Some(media_type) = envelope {
            return Err(Refusal::Holds(media_type.to_owned()));
        }
    }
    Ok(())
}

fn check_whole(headers: &HeaderMap) -> Result<(), Refusal> {
    check_coding(headers)?;
    for (name, whole) in PARTS {
        let is_whole = |value: &HeaderValue| whole.is_some_and(|whole| value == whole);
        if !headers.get_all(name).iter().all(is_whole) {
            return Err(Refusal::Part(name));
        }
    }
    // How long the whole file is.
    let length = headers.get(CONTENT_LENGTH);
    let mut lengths = headers.get_all("upload-length").iter();
    if lengths.any(|whole| Some(whole) != length) {
        return Err(Refusal::Part("upload-length"));
    }
    if let Some(name) = CONDITIONS.iter().find(|name| headers.contains_key(**name)) {
        return Err(Refusal::Condition(name));
    }
    if let Some(name) = METHODS.iter().find(|name| headers.contains_key(**name)) {
        return Err(Refusal::Method(name));
    }
    Ok(())
}

/// Refuses bytes that are coded, or a range of them.
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key("content-range") {
        return Err(Refusal::Part("content-range"));
    }
    let plain: [(&str, &[&str]); 2] = [
        ("content-encoding", &["identity"]),
        // Of MIME (RFC 2045, 6): in HTTP it has no meaning, so who sends it may well have applied it.
        ("content-transfer-encoding", &["binary", "8bit", "7bit"]),
    ];
    for (header, plain) in plain {
        if let Some(coding) = coding(headers, header, plain) {
            return Err(Refusal::Coded { header, coding });
        }
    }
    Ok(())
}

/// The first coding that changes the bytes.
fn coding(headers: &HeaderMap, name: &str, plain: &[&str]) -> Option<String> {
    let values = headers.get_all(name).iter();
    let texts: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
        .collect();
    let mut codings = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    codings
        .find(|coding| !coding.is_empty() && !plain.contains(coding))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use slipway_runtime::Problem;

    use slipway_contract::Code;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn verdict(outcome: Result<(), Refusal>) -> Option<(u16, Code)> {
        let problem = Problem::from(outcome.err()?);
        Some((problem.status.as_u16(), problem.code))
    }

    #[test]
    fn what_is_not_the_package_is_told_by_its_headers() {
        let refused = |name, value| verdict(check_package(&headers(&[(name, value)])));
        for (name, value, status, code) in [
            (
                "content-type",
                "multipart/form-data; boundary=x",
                415,
                Code::MediaType,
            ),
            ("content-type", "Multipart/Mixed", 415, Code::MediaType),
            (
                "content-type",
                "application/zip; a=b, multipart/form-data",
                415,
                Code::MediaType,
            ),
            (
                "content-type",
                "\"multipart/form-data\"; boundary=x",
                415,
                Code::MediaType,
            ),
            ("content-type", "message/rfc822", 415, Code::MediaType),
            ("content-type", "application/http", 415, Code::MediaType),
            (
                "content-type",
                "application/offset+octet-stream",
                415,
                Code::MediaType,
            ),
            ("content-range", "bytes 1-2/3", 400, Code::PartRefused),
            ("upload-offset", "5", 400, Code::PartRefused),
            ("upload-complete", "?0", 400, Code::PartRefused),
            ("upload-incomplete", "?1", 400, Code::PartRefused),
            ("upload-concat", "partial", 400, Code::PartRefused),
            ("upload-defer-length", "1", 400, Code::PartRefused),
            ("upload-length", "10", 400, Code::PartRefused),
            ("tus-resumable", "1.0.0", 400, Code::PartRefused),
            ("x-http-method", "PATCH", 400, Code::HeaderInvalid),
            ("content-encoding", "gzip", 415, Code::CodingRefused),
            (
                "content-encoding",
                "identity, aws-chunked",
                415,
                Code::CodingRefused,
            ),
            (
                "content-transfer-encoding",
                "base64",
                415,
                Code::CodingRefused,
            ),
            ("if-none-match", "*", 400, Code::ConditionRefused),
            ("x-http-method-override", "PATCH", 400, Code::HeaderInvalid),
            ("via", "1.1 a, 1.0 slipway", 411, Code::LengthRequired),
        ] {
            assert_eq!(
                refused(name, value),
                Some((status, code)),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn what_a_client_says_of_a_whole_file_is_taken() {
        let taken = headers(&[
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-encoding", "Identity"),
            ("content-encoding", ""),
            ("content-transfer-encoding", "binary"),
            ("upload-complete", "?1"),
            ("upload-draft-interop-version", "6"),
            ("via", "1.0 proxy"),
            ("via", "1.1 slipway"),
        ]);
        assert_eq!(verdict(check_package(&taken)), None);
        let old = headers(&[
            ("via", "1.0 slipway"),
            ("content-length", "5"),
            ("upload-length", "5"),
        ]);
        assert_eq!(verdict(check_package(&old)), None);
    }

    #[test]
    fn of_values_that_come_twice_the_worse_counts() {
        let twice = headers(&[
            ("content-type", "application/zip"),
            ("content-type", "multipart/related"),
        ]);
        assert_eq!(verdict(check_package(&twice)), Some((415, Code::MediaType)));
        let twice = headers(&[("upload-complete", "?1"), ("upload-complete", "?0")]);
        assert_eq!(
            verdict(check_package(&twice)),
            Some((400, Code::PartRefused))
        );
    }
}
