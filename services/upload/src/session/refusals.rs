//! What a client of an upload in pieces is told when it is refused.

use http::StatusCode;
use slipway_service::Problem;

const TOO_LARGE: &str = "body_too_large";
const MISMATCH: &str = "checksum_mismatch";

/// The body of one request took longer than `limits.body_seconds`.
pub(crate) fn too_slow(what_to_do: &str) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        format!("the body of this request took longer than one may take here: {what_to_do}"),
    )
}

/// More bytes than were announced.
pub(crate) fn beyond_the_end(size: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        TOO_LARGE,
        format!("this upload was announced with {size} bytes: begin a new one for a larger file"),
    )
}

/// Whether a piece was refused as one of which nothing counts.
pub(crate) fn is_void(problem: &Problem) -> bool {
    [TOO_LARGE, MISMATCH].contains(&problem.code)
}

pub(super) fn checksum_mismatch() -> Problem {
    let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(
        status,
        MISMATCH,
        "the piece that arrived does not have its checksum and was thrown away: send it again",
    )
}

pub(super) fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "upload_unknown",
        "there is no such upload, or it has ended: begin a new one",
    )
}

pub(super) fn gone(detail: &str) -> Problem {
    Problem::new(StatusCode::GONE, "upload_expired", detail)
}

/// 423 and not 503: to a client of tus 503 says that there is no such upload any more, and it begins anew.
pub(super) fn busy() -> Problem {
    Problem::new(
        StatusCode::LOCKED,
        "upload_busy",
        "an earlier request still works on this upload: try again in a moment",
    )
    .with_header("retry-after", "1")
}

pub(super) fn too_many(limit: i64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_uploads",
        format!(
            "{limit} uploads of this token are open: GET …/uploads lists them, end or finish one, or wait until one expires"
        ),
    )
    .with_header("retry-after", "60")
}
