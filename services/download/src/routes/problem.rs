//! Refusals.

use http::StatusCode;
use slipway_service::Problem;

/// 404 with a code of its own.
pub(super) fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, code, detail)
}

/// 410 for what was removed for ever.
pub(super) fn deleted(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::GONE, "deleted", detail)
}
