//! What a handler ends with when it does not do what was asked: every refusal's status, code and words, and what is made
//! of a failure.

mod releases;
mod requests;

use axum::response::{IntoResponse, Response};
use slipway_contract::grant::TokenRefusal;
use slipway_contract::quota::QuotaExceeded;
use slipway_database::fault;
use slipway_runtime::Problem;

use crate::held::Unchanged;
use crate::refusal::{
    App, Channel, Delivery, Draft, Package, Refusal, Release, Request, Restore, Text, Token,
    Version,
};

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Error {
    /// By a rule.
    Refused(Refusal),
    /// By an extractor, or a failure.
    Problem(Problem),
}

impl Error {
    /// A fault of ours, of which the client learns nothing.
    pub(crate) fn internal(cause: &'static str) -> Self {
        Self::Problem(Problem::internal(cause))
    }

    /// A refusal with what has caused it, for the log.
    pub(crate) fn with_cause(
        refused: impl Into<Refusal>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Problem(Problem::from(refused.into()).with_cause(cause))
    }

    /// The refusal of who asks, where it is one that no other time mends; else the failure.
    pub(crate) fn refusal(self) -> Result<Problem, Self> {
        let problem = self.into_problem();
        if problem.status.is_client_error() {
            return Ok(problem);
        }
        Err(Self::Problem(problem))
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Refused(refused) => refused.into(),
            Self::Problem(problem) => problem,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.into_problem().into_response()
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

impl From<Unchanged> for Error {
    fn from(unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::Held => Restore::Held.into(),
            Unchanged::Database(error) => error.into(),
        }
    }
}

macro_rules! from_refusals {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Error {
            fn from(refused: $kind) -> Self {
                Self::Refused(refused.into())
            }
        }
    )*};
}

from_refusals!(
    App,
    Channel,
    Delivery,
    Draft,
    Package,
    QuotaExceeded,
    Refusal,
    Release,
    Request,
    Restore,
    Text,
    Token,
    TokenRefusal,
    Version
);

impl From<Refusal> for Problem {
    fn from(refused: Refusal) -> Self {
        match refused {
            Refusal::App(refused) => releases::app(refused),
            Refusal::Channel(refused) => releases::channel(refused),
            Refusal::Delivery(refused) => requests::delivery(refused),
            Refusal::Draft(refused) => releases::draft(refused),
            Refusal::Package(refused) => releases::package(refused),
            // The words of what all services share are theirs.
            Refusal::Permission(refused) => refused.into(),
            Refusal::Quota(refused) => refused.into(),
            Refusal::Release(refused) => releases::release(refused),
            Refusal::Request(refused) => requests::request(refused),
            Refusal::Restore(refused) => requests::restore(refused),
            Refusal::Text(refused) => requests::text(refused),
            Refusal::Token(refused) => requests::token(refused),
            Refusal::Version(refused) => releases::version(refused),
        }
    }
}
