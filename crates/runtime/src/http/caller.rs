//! Who has made a request.

use slipway_contract::Code;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::problem::Problem;

/// The service that has made a request, as its certificate says: an extension of every request that came over a proven
/// connection, put there by the accept loop and by nothing that is in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Arc<str>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(Problem::unproven)
    }
}

impl Problem {
    /// 401, `caller_unproven`.
    pub fn unproven() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            Code::CallerUnproven,
            "services are asked over a connection that proves who asks, and this one does not",
        )
    }
}
