//! The callee's side: no request passes without a proven caller and a line in [`super::access`].

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;

use super::access;
use crate::Problem;
use crate::process::Process;

/// The service that has made a request, as its certificate says: an extension of every request that came over a proven
/// connection, put there by the accept loop and by nothing that is in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Arc<str>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(unproven)
    }
}

/// Lets through what the table permits.
pub(crate) async fn check(
    State(process): State<Process>,
    request: Request,
    next: Next,
) -> Response {
    match check_request(&process, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn check_request(process: &Process, request: &Request) -> Result<(), Problem> {
    let Caller(caller) = request.extensions().get().ok_or_else(unproven)?;
    let path = request.uri().path();
    if access::permits(process.service, request.method(), path, caller) {
        return Ok(());
    }
    tracing::warn!(%caller, method = %request.method(), path, "a service asked for what it may not");
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "caller_not_permitted",
        "this service may not ask for that",
    ))
}

fn unproven() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "caller_unproven",
        "services are asked over a connection that proves who asks, and this one does not",
    )
}
