//! What a handler ends with when it does not do what was asked: every refusal with its status and code.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use slipway_contract::Code;
use slipway_runtime::Problem;

use crate::leases::table;
use crate::{address, proof, record};

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Error {
    Record(record::Refused),
    Lease(table::Refused),
    Proof(proof::Refused),
}

impl From<record::Refused> for Error {
    fn from(refused: record::Refused) -> Self {
        Self::Record(refused)
    }
}

impl From<table::Refused> for Error {
    fn from(refused: table::Refused) -> Self {
        Self::Lease(refused)
    }
}

impl From<proof::Refused> for Error {
    fn from(refused: proof::Refused) -> Self {
        Self::Proof(refused)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Record(refused) => of_record(&refused),
            Error::Lease(refused) => of_lease(&refused),
            Error::Proof(refused) => of_proof(refused),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

fn of_record(refused: &record::Refused) -> Problem {
    use record::Refused;

    let detail = refused.to_string();
    match refused {
        Refused::OtherService => Problem::new(StatusCode::FORBIDDEN, Code::ServiceDiffers, detail),
        Refused::OtherInstance => Problem::bad_request(Code::InstanceDiffers, detail),
        Refused::Instance => Problem::bad_request(Code::InstanceInvalid, detail),
        Refused::TooLong => Problem::bad_request(Code::RecordTooLong, detail),
        Refused::State => Problem::bad_request(Code::JsonInvalid, detail),
    }
}

fn of_lease(refused: &table::Refused) -> Problem {
    use table::Refused;

    let detail = refused.to_string();
    match refused {
        Refused::AddressChanged => Problem::conflict(Code::AddressChanged, detail),
        Refused::Gone => Problem::conflict(Code::InstanceGone, detail),
        Refused::Overtaken => Problem::unavailable(Code::AddressUnproven, detail),
        Refused::Full(_) => Problem::new(StatusCode::TOO_MANY_REQUESTS, Code::LeasesFull, detail),
    }
}

fn of_proof(refused: proof::Refused) -> Problem {
    use proof::Refused;

    let detail = refused.to_string();
    match refused {
        Refused::Address(address::AddressError::Form | address::AddressError::Network(_)) => {
            Problem::unprocessable(Code::AddressRefused, detail)
        }
        Refused::Unproven { cause: None, .. } => {
            Problem::unavailable(Code::AddressUnproven, detail)
        }
        Refused::Unproven {
            cause: Some(cause), ..
        } => Problem::unavailable(Code::AddressUnproven, detail).with_cause(cause),
        Refused::Busy => Problem::unavailable(Code::Busy, detail),
    }
}
