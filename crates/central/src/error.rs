//! What a handler ends with when it does not do what was asked: every refusal with its status and code.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use slipway_configuration::document::DocumentNameError;
use slipway_configuration::{Refusal, history};
use slipway_contract::Code;
use slipway_contract::grant::TokenRefusal;
use slipway_database::fault;
use slipway_runtime::Problem;

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Error {
    /// A document that a schema refuses.
    Refused {
        document: String,
        refusal: Refusal,
    },
    Change(history::Refused),
    DocumentName(DocumentNameError),
    NoEnvironment(String),
    RevisionUnknown(u64),
    RevisionRequired,
    ReasonTooLong,
    /// What is no name of an instance.
    Instance,
    CursorInvalid,
    /// The database of the configuration is not open yet.
    NotOpen,
    /// There is no copy of the catalog's tokens yet.
    TokensUnknown,
    Problem(Problem),
}

impl From<history::Refused> for Error {
    fn from(refused: history::Refused) -> Self {
        Self::Change(refused)
    }
}

impl From<DocumentNameError> for Error {
    fn from(error: DocumentNameError) -> Self {
        Self::DocumentName(error)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<TokenRefusal> for Error {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Problem(refusal.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
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
            Error::Problem(problem) => problem,
            Error::Instance => {
                Problem::bad_request(Code::InstanceInvalid, "an instance is named by a UUID")
            }
            Error::Refused { document, refusal } => {
                let problem = Problem::unprocessable(
                    Code::ConfigurationRefused,
                    format!("{document} is not taken: {refusal}"),
                );
                let problem = problem.with_member("document", document);
                let problem = match refusal.key {
                    Some(key) => problem.with_member("key", key),
                    None => problem,
                };
                match refusal.nearest {
                    Some(nearest) => problem.with_member("nearest", nearest),
                    None => problem,
                }
            }
            Error::Change(refused @ history::Refused::Moved { .. }) => {
                Problem::conflict(Code::RevisionDiffers, refused.to_string())
            }
            Error::Change(refused @ history::Refused::TooLarge { .. }) => {
                Problem::unprocessable(Code::ConfigurationRefused, refused.to_string())
            }
            Error::DocumentName(error) => {
                Problem::unprocessable(Code::DocumentUnknown, error.to_string())
            }
            Error::NoEnvironment(name) => Problem::unprocessable(
                Code::DocumentUnknown,
                format!("{name} is no environment: name one such as production"),
            ),
            Error::RevisionUnknown(revision) => Problem::new(
                StatusCode::NOT_FOUND,
                Code::RevisionUnknown,
                format!(
                    "there is no revision {revision}, or it is forgotten: `slipway config history` lists those there are"
                ),
            ),
            Error::RevisionRequired => Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                Code::RevisionRequired,
                "say which revision this is based on: If-Match: with the ETag of GET /api/v1/config",
            ),
            Error::ReasonTooLong => Problem::unprocessable(
                Code::TextRefused,
                "a reason has 500 characters at most: say it shorter",
            ),
            Error::CursorInvalid => Problem::bad_request(
                Code::QueryInvalid,
                "the cursor is not one that was given: begin without it",
            ),
            Error::TokensUnknown => Problem::unavailable(
                Code::CatalogUnavailable,
                "the registry has not heard yet who may ask for this: try again when the catalog is there",
            ),
            Error::NotOpen => Problem::unavailable(
                Code::DatabaseUnavailable,
                "the database of the configuration does not answer: try again",
            ),
        }
    }
}
