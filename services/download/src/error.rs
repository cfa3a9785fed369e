//! What a handler ends with when it does not do what was asked: every refusal with its status and code.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use slipway_contract::Code;
use slipway_database::fault;
use slipway_runtime::Problem;

use crate::blobs::{BlobError, Damage};
use crate::refusal::Refused;

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Error {
    Refused(Refused),
    Blob(BlobError),
    /// A fault of ours or of the machine.
    Problem(Problem),
}

impl Error {
    /// A fault of ours, of which the client learns nothing.
    pub(crate) fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Problem(fault::problem(cause))
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        Self::Blob(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Problem(fault::problem(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refused) => of_refused(refused),
            Self::Blob(error) => of_blob(error),
            Self::Problem(problem) => problem,
        }
        .into_response()
    }
}

fn of_refused(refused: Refused) -> Problem {
    let detail = refused.to_string();
    let not_found = |code| Problem::new(StatusCode::NOT_FOUND, code, detail.clone());
    let gone = |code| Problem::new(StatusCode::GONE, code, detail.clone());
    let bad = |code| Problem::bad_request(code, detail.clone());
    match refused {
        Refused::Nothing | Refused::File | Refused::Icon => not_found(Code::NotFound),
        Refused::App => not_found(Code::AppUnknown),
        Refused::Channel => not_found(Code::ChannelUnknown),
        Refused::Release | Refused::ReleaseLost(_) => not_found(Code::ReleaseUnknown),
        Refused::Platform(_) => not_found(Code::PlatformUnknown),
        Refused::Package { .. } => not_found(Code::NoPackage),
        Refused::Key => not_found(Code::KeyUnknown),
        Refused::AppDeleted | Refused::ReleaseDeleted(_) => gone(Code::Deleted),
        Refused::Yanked { reason, .. } => gone(Code::Yanked).with_member("reason", reason),
        Refused::Arch(_) => bad(Code::ArchUnknown),
        Refused::Kind(_) => bad(Code::KindUnknown),
        Refused::Digest => bad(Code::DigestInvalid),
        Refused::OtherFile => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            Code::PreconditionFailed,
            detail,
        ),
        Refused::Range { size } => Problem::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            Code::RangeNotSatisfiable,
            detail,
        )
        .with_header("content-range", format!("bytes */{size}")),
    }
}

fn of_blob(error: BlobError) -> Problem {
    // Without their cause: that is logged where it is found, once, and not by each who asks.
    let fault = |code, detail| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail);
    match error.damage() {
        // It may come: a store that is mounted late is no reason to give a release up.
        Some(Damage::Missing) => fault(
            Code::FileMissing,
            "this file is missing in the platform's store: its operator has to put it back",
        ),
        Some(_) => fault(
            Code::Damaged,
            "this file is damaged in the platform's store and is not served: its operator has to put the right one back",
        ),
        None => Problem::internal(error),
    }
}
