//! What the headers of tus 1.0 say (<https://tus.io/protocols/resumable-upload>).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use crate::checksum::{Checksum, NotAChecksum};
use crate::digests::Instead;
use crate::{digests, envelope};

pub(crate) const VERSION: &str = "1.0.0";
/// A deferred length is not among them: the room on the disk is looked at before the first byte.
pub(crate) const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
pub(crate) const MEDIA_TYPE: &str = "application/offset+octet-stream";
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Version,
    /// A header of an extension that is not spoken, and what to do instead.
    Extension {
        header: &'static str,
        why: &'static str,
    },
    /// An upload that begins with a later piece.
    NotAtItsBegin,
    /// A creation that means another method.
    Method,
    MediaType,
    Twice(&'static str),
    Unreadable(&'static str),
    Checksum(NotAChecksum),
    Envelope(envelope::Refusal),
    Digest(digests::Refusal),
}

pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    if text(headers, "tus-resumable")? == Some(VERSION) {
        return Ok(());
    }
    Err(Refusal::Version)
}

/// Refuses what is no plain piece of one whole file, before any of it is read.
pub(crate) fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut not_spoken = NOT_SPOKEN.into_iter();
    if let Some((header, why)) = not_spoken.find(|(name, _)| headers.contains_key(*name)) {
        return Err(Refusal::Extension { header, why });
    }
    envelope::check_piece(headers).map_err(Refusal::Envelope)?;
    digests::refuse(headers, Instead::Metadata).map_err(Refusal::Digest)
}

/// Refuses what a creation cannot be: a later piece, or another method.
pub(crate) fn check_creation(headers: &HeaderMap) -> Result<(), Refusal> {
    if text(headers, "upload-offset")?.is_some_and(|offset| offset != "0") {
        return Err(Refusal::NotAtItsBegin);
    }
    if headers.contains_key("x-http-method-override") {
        return Err(Refusal::Method);
    }
    Ok(())
}

pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    if text(headers, CONTENT_TYPE.as_str())? == Some(MEDIA_TYPE) {
        return Ok(());
    }
    Err(Refusal::MediaType)
}

pub(crate) fn text<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    // Of two nobody knows which is meant.
    if values.next().is_some() {
        return Err(Refusal::Twice(name));
    }
    value.map_err(|_| Refusal::Unreadable(name))
}

/// A header that must be there and be a number of bytes.
pub(crate) fn number(headers: &HeaderMap, name: &'static str) -> Result<u64, Refusal> {
    text(headers, name)?
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::Unreadable(name))
}

pub(crate) fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Refusal> {
    text(headers, "upload-checksum")?
        .map(str::parse)
        .transpose()
        .map_err(Refusal::Checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_is_not_announced_is_not_passed_over() {
        for header in [
            "upload-concat",
            "upload-defer-length",
            "upload-complete",
            "upload-incomplete",
            "upload-draft-interop-version",
        ] {
            let refused = check_body(&headers(&[(header, "1")]));
            assert!(
                matches!(refused, Err(Refusal::Extension { header: named, .. }) if named.eq_ignore_ascii_case(header)),
                "{header}"
            );
        }
        assert_eq!(check_body(&headers(&[])), Ok(()));
        let coded = check_body(&headers(&[("content-encoding", "gzip")]));
        assert!(matches!(coded, Err(Refusal::Envelope(_))));
        let of_piece = check_body(&headers(&[("content-md5", "x")]));
        assert!(matches!(of_piece, Err(Refusal::Digest(_))));
    }

    #[test]
    fn a_number_is_there_once_and_is_one() {
        let number = |fields| number(&headers(fields), "upload-offset");
        assert_eq!(number(&[("upload-offset", "5")]), Ok(5));
        for fields in [
            &[][..],
            &[("upload-offset", "-1")],
            &[("upload-offset", "")],
        ] {
            assert_eq!(number(fields), Err(Refusal::Unreadable("upload-offset")));
        }
        assert_eq!(
            number(&[("upload-offset", "5"), ("upload-offset", "5")]),
            Err(Refusal::Twice("upload-offset"))
        );
    }
}
