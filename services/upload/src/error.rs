//! What a request ends with that does not succeed. The rules say what is refused; the status, the code and the words of
//! each refusal stand here, once.

mod package;
mod request;
mod session;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use slipway_contract::Code;
use slipway_contract::grant::TokenRefusal;
use slipway_contract::quota::QuotaExceeded;
use slipway_database::fault;
use slipway_runtime::Problem;

use crate::rules::{
    body, channel, form, inspection, package as kept, permission, place, progress, removal,
    session as upload,
};
use crate::{digests, envelope, metadata, parameters, tus};

#[derive(Debug)]
pub(crate) enum Error {
    Body(body::Refusal),
    Channel(channel::Refusal),
    Digests(digests::Refusal),
    Envelope(envelope::Refusal),
    Form(form::Refusal),
    Inspection(inspection::Refusal),
    Metadata(metadata::Refusal),
    Method(Method),
    Package(kept::Refusal),
    Parameters(parameters::Refusal),
    Permission(permission::Refusal),
    Place(place::Refusal),
    Progress(progress::Refusal),
    Removal(removal::Refusal),
    Session(upload::Refusal),
    Tus(tus::Refusal),
    /// What the crates refuse that all services share.
    Shared(Problem),
    /// A fault of ours, or of the machine.
    Internal(anyhow::Error),
}

/// A request whose method is not that of its address, from who means another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The bytes, put where a form is sent.
    NameMissing { app: String },
    /// A form, sent where the bytes are put; the address with its query.
    FormWithName { address: String },
    /// POST to an upload that names no other method.
    NotOverridden,
}

impl Error {
    pub(crate) fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }

    /// Whether the same would be refused again, whenever it is sent: nothing is kept for it.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Shared(problem) => problem.status.is_client_error(),
            Self::Internal(_)
            | Self::Permission(permission::Refusal::NotReady)
            | Self::Body(body::Refusal::DiskFull | body::Refusal::StoreBusy)
            | Self::Removal(
                removal::Refusal::Shared
                | removal::Refusal::CatalogUnavailable(_)
                | removal::Refusal::CatalogAway,
            ) => false,
            _ => true,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Body(refusal) => refusal.into(),
            Error::Channel(refusal) => refusal.into(),
            Error::Digests(refusal) => refusal.into(),
            Error::Envelope(refusal) => refusal.into(),
            Error::Form(refusal) => refusal.into(),
            Error::Inspection(refusal) => refusal.into(),
            Error::Metadata(refusal) => refusal.into(),
            Error::Method(refusal) => refusal.into(),
            Error::Package(refusal) => refusal.into(),
            Error::Parameters(refusal) => refusal.into(),
            Error::Permission(refusal) => refusal.into(),
            Error::Place(refusal) => refusal.into(),
            Error::Progress(refusal) => refusal.into(),
            Error::Removal(refusal) => refusal.into(),
            Error::Session(refusal) => refusal.into(),
            Error::Tus(refusal) => refusal.into(),
            Error::Shared(problem) => problem,
            Error::Internal(cause) => fault::problem(cause),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Each kind of refusal is one of [`Error`].
macro_rules! from {
    ($($variant:ident($refusal:ty)),+ $(,)?) => {$(
        impl From<$refusal> for Error {
            fn from(refusal: $refusal) -> Self {
                Self::$variant(refusal)
            }
        }
    )+};
}

from!(
    Body(body::Refusal),
    Channel(channel::Refusal),
    Digests(digests::Refusal),
    Envelope(envelope::Refusal),
    Form(form::Refusal),
    Inspection(inspection::Refusal),
    Metadata(metadata::Refusal),
    Method(Method),
    Package(kept::Refusal),
    Parameters(parameters::Refusal),
    Permission(permission::Refusal),
    Place(place::Refusal),
    Progress(progress::Refusal),
    Removal(removal::Refusal),
    Session(upload::Refusal),
    Tus(tus::Refusal),
    Shared(Problem),
    Internal(anyhow::Error),
);

impl From<TokenRefusal> for Error {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Shared(refusal.into())
    }
}

impl From<QuotaExceeded> for Error {
    fn from(refusal: QuotaExceeded) -> Self {
        Self::Shared(refusal.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

/// The disk's.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

impl From<Method> for Problem {
    fn from(refusal: Method) -> Self {
        let (allow, detail) = match refusal {
            Method::NameMissing { app } => (
                "POST",
                format!(
                    "the file's name is missing: PUT the bytes to /api/v1/apps/{app}/packages/NAME, or POST a form here"
                ),
            ),
            Method::FormWithName { address } => (
                "DELETE, GET, HEAD, PUT",
                format!(
                    "use PUT for the bytes of a package: curl -T FILE -H 'Authorization: Bearer slw_…' 'SERVER{address}'. A form is sent by POST to …/packages without a name"
                ),
            ),
            Method::NotOverridden => (
                "GET, HEAD, PATCH, DELETE, OPTIONS",
                "an upload is gone on with by PATCH".to_owned(),
            ),
        };
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            detail,
        )
        .with_header("allow", allow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_final_is_refused_with_4xx_and_the_rest_is_not() {
        for error in [
            Error::from(body::Refusal::Cut),
            body::Refusal::DiskFull.into(),
            body::Refusal::StoreBusy.into(),
            permission::Refusal::NotReady.into(),
            permission::Refusal::AppDeleted("notes".to_owned()).into(),
            place::Refusal::TooManyWaiting.into(),
            upload::Refusal::Busy.into(),
            removal::Refusal::Shared.into(),
            removal::Refusal::CatalogUnavailable("it is held".to_owned()).into(),
            removal::Refusal::CatalogAway.into(),
            parameters::Refusal::Notes.into(),
            Problem::not_found().into(),
            Problem::disk_full().into(),
            Error::internal(anyhow::anyhow!("a fault")),
        ] {
            let is_final = error.is_final();
            let problem = Problem::from(error);
            assert_eq!(is_final, problem.status.is_client_error(), "{problem:?}");
        }
    }
}
