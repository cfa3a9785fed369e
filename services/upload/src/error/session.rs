//! What a client of an upload in pieces is told.

use http::StatusCode;
use slipway_contract::Code;
use slipway_runtime::Problem;

use super::request::{cut, late, too_large};
use crate::rules::session::Refusal;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::new(
                StatusCode::NOT_FOUND,
                Code::UploadUnknown,
                "there is no such upload, or it has ended: begin a new one",
            ),
            Refusal::Expired => gone("this upload has expired"),
            Refusal::BytesGone => gone("the bytes of this upload are gone"),
            // 423 and not 503: to a client of tus 503 says that there is no such upload any more, and it begins anew.
            Refusal::Busy => Self::new(
                StatusCode::LOCKED,
                Code::UploadBusy,
                "an earlier request still works on this upload: try again in a moment",
            )
            .with_header("retry-after", "1"),
            Refusal::TooMany(limit) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyUploads,
                format!(
                    "{limit} uploads of this token are open: GET …/uploads lists them, end or finish one, or wait until one expires"
                ),
            )
            .with_header("retry-after", "60"),
            Refusal::OffsetDiffers { received } => Self::conflict(
                Code::OffsetDiffers,
                format!("the upload goes on at {received}: send the bytes from there"),
            )
            .with_header("upload-offset", received.to_string()),
            Refusal::BeyondTheEnd { size } => too_large(format!(
                "this upload was announced with {size} bytes: begin a new one for a larger file"
            )),
            // 460 is of tus.
            Refusal::ChecksumMismatch => Self::new(
                StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
                Code::ChecksumMismatch,
                "the piece that arrived does not have its checksum and was thrown away: send it again",
            ),
            Refusal::Cut => cut(
                "the piece ended before it was complete: ask for the offset and go on from there",
            ),
            Refusal::Late => {
                late("what arrived is kept: ask for the offset and go on from there")
            }
            Refusal::TakenOver => Self::conflict(
                Code::UploadTakenOver,
                "another request goes on with this upload: ask for the offset if that was not you",
            ),
        }
    }
}

fn gone(what: &str) -> Problem {
    Problem::new(
        StatusCode::GONE,
        Code::UploadExpired,
        format!("{what}: begin a new one"),
    )
}
