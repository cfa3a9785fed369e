//! What a handler ends with when it does not do what was asked: every refusal with its status, code and words.

use axum::response::{IntoResponse, Response};
use slipway_contract::{Code, Digest};
use slipway_database::fault;
use slipway_runtime::Problem;
use slipway_runtime::fault::Fault;

use crate::blobs::BlobError;
use crate::files::FileError;
use crate::present::KeyMissing;
use crate::statement::{SizeInvalid, Stated};
use crate::taken::StatementDiffers;
use crate::time::ClockWrong;

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Error {
    SizeInvalid,
    StatementDiffers(Box<Stated>),
    KeyMissing(KeyMissing),
    File(FileError),
    Clock(ClockWrong),
    Blob(BlobError),
    /// A fault of ours or of the machine, or what the work that was joined has ended with.
    Problem(Problem),
}

impl Error {
    /// A fault of ours, of which the client learns nothing.
    pub(crate) fn internal(cause: &'static str) -> Self {
        Self::Problem(Problem::internal(cause))
    }
}

impl From<SizeInvalid> for Error {
    fn from(SizeInvalid: SizeInvalid) -> Self {
        Self::SizeInvalid
    }
}

impl From<StatementDiffers> for Error {
    fn from(StatementDiffers(taken): StatementDiffers) -> Self {
        Self::StatementDiffers(taken)
    }
}

impl From<KeyMissing> for Error {
    fn from(missing: KeyMissing) -> Self {
        Self::KeyMissing(missing)
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<ClockWrong> for Error {
    fn from(wrong: ClockWrong) -> Self {
        Self::Clock(wrong)
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        Self::Blob(error)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Problem(fault::problem(error))
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Problem(fault::problem(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::SizeInvalid => Self::bad_request(
                Code::SizeInvalid,
                "no package has so many bytes: give its size",
            ),
            Error::StatementDiffers(taken) => statement_differs(*taken),
            Error::KeyMissing(missing) => key_missing(missing),
            Error::File(error) => of_file(error),
            // The release waits: a clock can be set right.
            Error::Clock(wrong) => Self::unavailable(Code::ClockWrong, wrong.to_string()),
            Error::Blob(error) => of_blob(error),
            Error::Problem(problem) => problem,
        }
    }
}

fn statement_differs(taken: Stated) -> Problem {
    let Stated {
        app,
        version,
        filename,
        sha256,
        size,
        ..
    } = taken;
    Problem::conflict(
        Code::StatementDiffers,
        format!(
            "version {version} of {app} has a `{filename}` of {size} bytes with the SHA-256 {sha256} already, and what was stated once is never signed differently: release these bytes under a new version"
        ),
    )
}

/// The release waits: the key can come back.
fn key_missing(missing: KeyMissing) -> Problem {
    let KeyMissing {
        app,
        key_id,
        instead,
    } = missing;
    let detail = match key_id {
        Some(id) => format!("the key {id} is not in signing's database: put it back"),
        None => format!("no key of {app} is in signing's database: put it back"),
    };
    let detail = match instead {
        Some(instead) => format!("{detail} (there it is {instead} that signs for {app})"),
        None => detail,
    };
    Problem::unavailable(Code::KeyMissing, detail)
}

/// The release waits: the file can be put back.
fn of_file(error: FileError) -> Problem {
    match error {
        FileError::Unavailable(cause) => match Fault::of(&cause) {
            Some(fault) => Problem::from(fault),
            None => Problem::unavailable(
                Code::StatementsUnavailable,
                "the folder of the statements does not answer: try again in a moment",
            ),
        }
        .with_cause(cause),
        error @ (FileError::Damaged { .. } | FileError::Differs { .. }) => {
            Problem::unavailable(Code::StatementDamaged, error.to_string())
        }
    }
}

fn of_blob(error: BlobError) -> Problem {
    let mismatch = |wanted: Digest, found: String| {
        Problem::unprocessable(
            Code::DigestMismatch,
            format!(
                "the store has other bytes than those with the SHA-256 {wanted} that were uploaded ({found}): restore the store, then retry the release, or upload the package under a new version"
            ),
        )
    };
    match error {
        BlobError::Missing(wanted) => Problem::unprocessable(
            Code::BlobMissing,
            format!(
                "the store does not have the bytes with the SHA-256 {wanted}: upload the package again, then retry the release"
            ),
        ),
        BlobError::Differs { wanted, found, .. } => mismatch(wanted, format!("theirs is {found}")),
        BlobError::OtherSize {
            wanted,
            size,
            found,
        } => mismatch(wanted, format!("{found} bytes instead of {size}")),
        BlobError::Ending => {
            Problem::unavailable(Code::Draining, "this instance is leaving: ask another")
        }
        error @ BlobError::Unavailable(_) => Problem::unavailable(
            Code::StoreUnavailable,
            "the store does not answer: try again in a moment",
        )
        .with_cause(error),
    }
}
